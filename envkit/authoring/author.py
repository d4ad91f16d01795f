"""Say who the author of a new package most likely is."""

from __future__ import annotations

import getpass
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 5.0


def usual_author(*, run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> str:
    """Return the name that git knows the user by, else the name of the account; empty where there is none."""
    try:
        done = run(
            ["git", "config", "--get", "user.name"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        if done.stdout.strip():
            return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass  # no git
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
