"""Make a venv and install into it, with uv."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.store import installed_in, python_of
from envkit.environments.uv import find_uv, run_uv
from envkit.environments.wheels import remake_wheel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import Distribution

    from envkit.environments.lock import FileLock
    from envkit.environments.progress import Progress
    from envkit.environments.uv_environment import UvSettings
    from envkit.environments.uv_failures import Place

_DOWNLOADING = re.compile(r"Downloading (\S+) \(([0-9.]+)([KMG]iB)\)")
_SHOWN = re.compile(r"(Resolved|Prepared|Installed) (\d+ packages?)|(Building) (\S+)")
_QUIET_SECONDS = 1.0
_NOT_FOUND = "was not found in the package registry"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What goes into a venv.

    ``python`` is the interpreter it is made from; ``requirements`` are resolved, ``distributions`` of the
    host and ``packages`` (requirements) are installed as they are, without their dependencies.
    """

    python: str
    requirements: Sequence[str]
    distributions: Sequence[Distribution]
    packages: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What came of it: versions by canonical name, the full version of Python, and size in bytes."""

    versions: dict[str, str]
    python: str
    size: int


def make_venv(
    prefix: Path,
    installation: Installation,
    *,
    settings: UvSettings,
    place: Place,
    lock: FileLock,
    progress: Progress,
) -> Installed:
    """Make the venv and install into it. Raises: EnvError.

    Nothing is compiled ahead: a worker compiles what it imports, which costs its first start 3 s, where
    compiling all of torch and transformers takes 19 s (measured on two cores).
    """
    telling = _Telling(progress)
    binary = find_uv()

    def uv(*arguments: str, folder: Path) -> None:
        # Of the working folder relative paths are taken, but no project's own settings for uv.
        environ = {**settings.environ, "UV_PROJECT": str(folder)}

        def run(environ: dict[str, str]) -> None:
            run_uv(
                arguments,
                environ=environ,
                place=place,
                silence=settings.silence,
                inherited=[lock.fileno()],
                on_line=telling.on_line,
                on_wait=telling.on_wait,
                binary=binary,
            )

        try:
            run(environ)
        except EnvError as error:
            if _NOT_FOUND not in error.message:
                raise
            # Over several indexes uv takes one that refuses for one that lacks the package. Asked index by
            # index it says which refuses; the error of this second try is the truer one, if it is another.
            try:
                run({**environ, "UV_INDEX_STRATEGY": "first-index"})
            except EnvError as refusal:
                raise (error if _NOT_FOUND in refusal.message else refusal) from error

    with tempfile.TemporaryDirectory(prefix="envkit-") as name:
        folder = Path(name)
        progress.step("making the venv")
        uv("venv", "--no-project", "--python", installation.python, str(prefix), folder=folder)
        install = ("pip", "install", "--python", str(python_of(prefix)), *settings.arguments)
        progress.step("resolving packages")
        asked = folder / "requirements.txt"
        asked.write_text("\n".join(installation.requirements) + "\n", encoding="utf-8")
        uv(*install, "--requirements", str(asked), folder=folder)
        wheels = [str(remake_wheel(dist, folder=folder)) for dist in installation.distributions]
        uv(*install, "--no-deps", *wheels, *installation.packages, folder=folder)
    return Installed(versions=installed_in(prefix), python=_version(prefix), size=_size(prefix))


class _Telling:
    """Turn uv's lines, and its silence, into steps that the user sees."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._downloads: dict[str, str] = {}
        self._doing = "asking the package index"

    def on_line(self, line: str) -> None:
        if found := _DOWNLOADING.search(line):
            self._downloads[found[1]] = f"{found[1]} ({float(found[2]):.0f} {found[3]})"
        elif line.strip().startswith("Downloaded "):
            self._downloads.pop(line.split()[-1], None)
        elif found := _SHOWN.search(line):
            self._doing = "unpacking" if found[1] == "Resolved" else "asking the package index"
            self._progress.step(found[0].lower())
            return
        else:
            return
        if self._downloads:
            self._progress.step(f"downloading {', '.join(self._downloads.values())}")

    def on_wait(self, seconds: float, written: int | None) -> None:
        if seconds < _QUIET_SECONDS:
            return
        doing = f"downloading {', '.join(self._downloads.values())}" if self._downloads else self._doing
        amount = f", {written / 1e6:.0f} MB written" if written and self._doing == "unpacking" else ""
        self._progress.step(f"{doing}: {seconds:.0f} s{amount}")


def _version(prefix: Path) -> str:
    text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"^version(?:_info)? = (\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _size(prefix: Path) -> int:
    return sum(
        (Path(folder) / name).lstat().st_size for folder, _, names in os.walk(prefix) for name in names
    )
