"""The one JSON envelope that every ``--json`` prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from envkit import __version__
from envkit.api.options import to_builtins

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_VERSION = 1


def write(command: Sequence[str], *, data: Any, error: dict[str, Any] | None = None) -> None:
    """Print the envelope: schema version, envkit's version, command, ``ok``, ``data`` and ``error``."""
    sys.stdout.write(text(command, data=data, error=error))


def text(command: Sequence[str], *, data: Any, error: dict[str, Any] | None = None) -> str:
    """Return the envelope as it is printed."""
    body = {
        "schema_version": SCHEMA_VERSION,
        "envkit": __version__,
        "command": " ".join(word for word in command if not word.startswith("-")),
        "ok": error is None,
        "data": to_builtins(data),
        "error": error,
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"
