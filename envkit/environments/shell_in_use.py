"""Which shell a command was typed into."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.shell_words import SHELLS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROC = Path("/proc")
# Between a shell and envkit there may be launchers of tools, time and the like.
_MOST_ANCESTORS = 12
_PS_SECONDS = 5.0


def read_process(pid: int) -> tuple[str, int] | None:
    """Return the name of a process and the id of its parent, None where that cannot be known."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _ask_ps(pid)
    name, _, rest = text.partition("(")[2].rpartition(")")  # it may have brackets and spaces of its own
    return name, int(rest.split()[1])


def find_shell(
    *,
    environ: Mapping[str, str] = os.environ,
    parent: int | None = None,
    read: Callable[[int], tuple[str, int] | None] = read_process,
) -> str | None:
    """Return the shell that this process was started from, else the one that SHELL names; None for no known."""
    pid = os.getppid() if parent is None else parent
    for _ in range(_MOST_ANCESTORS):
        found = read(pid) if pid > 1 else None
        if found is None:
            break
        name, pid = found
        if name in SHELLS:
            return name
    name = Path(environ.get("SHELL", "")).name
    return name if name in SHELLS else None


def _ask_ps(pid: int) -> tuple[str, int] | None:
    """Ask as macOS wants it; a login shell's name begins with a dash there."""
    try:
        said = subprocess.run(
            ["ps", "-o", "ppid=,comm=", "-p", str(pid)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PS_SECONDS,
            check=True,
        ).stdout.split(None, 1)
    except (OSError, subprocess.SubprocessError):
        return None
    if len(said) != 2 or not said[0].isdigit():
        return None
    return Path(said[1].strip()).name.lstrip("-"), int(said[0])
