"""A folder to run envkit's commands in, as a user would: in a process of their own, with a home of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a tester has set for envkit, and what pytest tells its own processes.
_NOT_TAKEN_OVER = ("ENVKIT_", "PYTEST_")
_SCREEN = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
# How packages are fetched is the machine's business: without it, nothing could be installed in a project.
_INSTALLERS = ("pip", "uv", "conda")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended: its exit code and all that it printed, as text.

    ``json`` is the object that it printed on standard output, as ``--json`` does: a dict with ``ok``, ``data`` and
    ``error`` among others; None where it printed anything else.
    """

    exit: int
    out: str
    err: str
    json: Any = None

    def __str__(self) -> str:
        """Return all of it, for the message of an assertion."""
        return f"exit {self.exit}\n--- standard output\n{self.out}--- standard error\n{self.err}"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder of files, and envkit's commands in it.

    ``folder`` is where commands run, ``home`` the folder for envkit's environments (ENVKIT_HOME), ``config_dir``
    where its user's configuration lies, ``envkit/config.toml`` (XDG_CONFIG_HOME): the tester's own is not seen, nor
    variables that begin with ENVKIT_. Paths are absolute.
    """

    folder: Path
    home: Path
    config_dir: Path

    def run(
        self,
        *words: str | Path,
        stdin: str = "",
        environ: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Outcome:
        """Run ``envkit WORDS``, with this interpreter, on a screen of 80 columns without colours.

        ``environ`` are variables besides; ``timeout`` is in seconds. Raises: TimeoutError with what was printed
        so far; the command is killed then, with what it started in its session.
        """
        # Without -P the working folder would be searched for modules, which the script `envkit` does not do.
        command = [sys.executable, "-P", "-m", "envkit", *map(str, words)]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.environ(), **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill_session(process)
            out, err = process.communicate()
            shown = f"{out}{err}".strip()
            raise TimeoutError(
                f"envkit {' '.join(map(str, words))} did not end in {timeout:g} s: {shown}"
            ) from None
        except BaseException:
            _kill_session(process)
            process.communicate()
            raise
        return Outcome(exit=process.returncode, out=out, err=err, json=_read_json(out))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder, in UTF-8, and the folders above it; return its path.

        Raises: ValueError for a name that leads out of the folder.
        """
        file = self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def read(self, name: str) -> str:
        """Return a file of the folder, read as UTF-8. Raises: OSError, ValueError as in ``write``."""
        return self.path(name).read_text(encoding="utf-8")

    def path(self, name: str) -> Path:
        """Return the path of a file of the folder, there or not. Raises: ValueError as in ``write``."""
        file = Path(os.path.normpath(self.folder / name))
        if not file.is_relative_to(self.folder):
            raise ValueError(f"{name!r} leads out of the project's folder {self.folder}")
        return file

    def environ(self) -> dict[str, str]:
        """Return the variables that commands start with."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_TAKEN_OVER)}
        own = {"ENVKIT_HOME": str(self.home), "XDG_CONFIG_HOME": str(self.config_dir)}
        return {**kept, **_SCREEN, **own}


def make_project(folder: Path) -> Project:
    """Make a project below this folder, which is empty or not there."""
    made = [folder.absolute() / name for name in ("project", "home", "config")]
    for each in made:
        each.mkdir(parents=True)
    theirs = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for name in _INSTALLERS:
        if (theirs / name).is_dir():
            (made[2] / name).symlink_to((theirs / name).resolve(), target_is_directory=True)
    return Project(folder=made[0], home=made[1], config_dir=made[2])


def _kill_session(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _read_json(text: str) -> Any:
    if not text.startswith("{"):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
