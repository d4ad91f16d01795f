"""Call uv for one environment: its settings, its working folder, and what the user sees meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.uv import find_uv, run_uv
from envkit.environments.uv_environment import UvSettings, uv_settings
from envkit.environments.uv_failures import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress

_DOWNLOADING = re.compile(r"Downloading (\S+) \(([0-9.]+)([KMG]iB)\)")
_SHOWN = re.compile(r"(Resolved|Prepared|Installed) (\d+ packages?)|(Building) (\S+)")
_NEXT = {"Resolved": "unpacking", "Prepared": "installing"}
_QUIET_SECONDS = 1.0
# What uv refuses beside a pylock, in which all is decided.
_BOUNDS = frozenset({"UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE"})
_NOT_FOUND = "was not found in the package registry"


@dataclass(frozen=True, kw_only=True)
class UvCalls:
    """How uv is called in ``folder``, which holds the only ``uv.toml`` that it reads.

    ``inherited`` files stay open in every process of uv.
    """

    settings: UvSettings
    place: Place
    folder: Path
    progress: Progress
    inherited: Sequence[int] = ()
    binary: Path = field(default_factory=find_uv)

    def __call__(self, *arguments: str, constraints: Sequence[str] = (), is_exact: bool = False) -> list[str]:
        """Run uv and return its lines; ``is_exact`` leaves out what would bound versions. Raises: EnvError."""
        # Of the working folder relative paths are taken, but no project's own settings for uv, and of the
        # user's own only what stands in this file.
        # Its temporary files, a lock for each new prefix among them, go with the folder.
        environ = {**self.settings.environ, "UV_PROJECT": str(self.folder), "TMPDIR": str(self.folder)}
        environ["UV_CONFIG_FILE"] = str(self._settings_file())
        if is_exact:
            environ = {name: text for name, text in environ.items() if name not in _BOUNDS}
        if constraints:
            file = self.folder / "constraints.txt"
            file.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
            environ["UV_CONSTRAINT"] = " ".join(filter(None, [environ.get("UV_CONSTRAINT"), file.as_uri()]))
        telling = Telling(self.progress)

        def run(environ: dict[str, str]) -> list[str]:
            return run_uv(
                arguments,
                environ=environ,
                place=self.place,
                silence=self.settings.silence,
                inherited=self.inherited,
                on_line=telling.on_line,
                on_wait=telling.on_wait,
                binary=self.binary,
            )

        try:
            return run(environ)
        except EnvError as error:
            if _NOT_FOUND not in error.message:
                raise
            # Over several indexes uv takes one that refuses for one that lacks the package. Asked index by
            # index it says which refuses; the error of this second try is the truer one, if it is another.
            try:
                return run({**environ, "UV_INDEX_STRATEGY": "first-index"})
            except EnvError as refusal:
                raise (error if _NOT_FOUND in refusal.message else refusal) from error

    def write_settings(self, more: str) -> None:
        """Write uv's settings for the calls that follow: the user's, and ``more``, which are TOML tables."""
        text = "\n".join(filter(None, [self.settings.configuration, more]))
        (self.folder / "uv.toml").write_text(text, encoding="utf-8")

    def _settings_file(self) -> Path:
        file = self.folder / "uv.toml"
        if not file.exists():
            self.write_settings("")
        return file


def uv_calls(
    plan: Plan,
    *,
    planning: Planning,
    folder: Path,
    progress: Progress,
    inherited: Sequence[int] = (),
) -> UvCalls:
    """Return uv as this plan calls for it: pip's configuration, and torch's index where torch is from there.

    Raises: EnvError for a configuration that cannot be obeyed.
    """
    torch = plan.torch
    index = None
    if torch is not None and torch.source == "torch index" and not plan.is_torch_from_base:
        index = torch.location
    configuration = planning.pip_configuration()
    settings = uv_settings(configuration, environ=planning.environ, extra_indexes=[index] if index else [])
    place = Place(planning.home, configuration.sources.get("index_url"), index)
    return UvCalls(settings=settings, place=place, folder=folder, progress=progress, inherited=inherited)


class Telling:
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
            self._doing = _NEXT.get(found[1], "asking the package index")
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
        self._progress.step(f"{doing}: {seconds:.0f} s")
        if written and (self._downloads or self._doing in _NEXT.values()):
            self._progress.bytes(written, None, "written")
