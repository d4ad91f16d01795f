"""What libraries print."""

from __future__ import annotations

import io
import sys


def print_anything() -> None:
    """Let no character that the locale lacks turn a library's stray print into the end of a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
