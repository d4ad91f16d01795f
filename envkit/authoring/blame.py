"""What the code of a plugin did wrong, in words and by its own line, for the processes in which it is tried."""

from __future__ import annotations

import traceback

from envkit.registry.guard import CodeEnded


def said_by(error: BaseException) -> str:
    """Return kind and message of an error; where it was is told beside it."""
    if isinstance(error, SystemExit):
        return f"it tries to end the process with exit code {error.code!r}"
    if isinstance(error, CodeEnded):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def place_in(error: BaseException, package: str) -> str:
    """Return the last line of this package behind an error, of a syntax error where that is; empty for none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package
    ]
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else ""


def ends_in(error: BaseException, package: str) -> bool:
    """Tell whether this package's own code raised an error, not what it called."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__", "")).partition(".")[0] == package
