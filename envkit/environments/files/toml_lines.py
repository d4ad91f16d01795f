"""TOML, and the lines at which its values stand, which Python's own reader does not tell."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from envkit.environments.files.request import file_error

if TYPE_CHECKING:
    from pathlib import Path

_PLACE = re.compile(r"\(at line (\d+), column \d+\)")


def load_toml(text: str, file: Path) -> dict[str, Any]:
    """Return the table of a TOML file. Raises: ConfigError with file and line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        what = _PLACE.sub("", str(error)).strip()
        line = int(found[1]) if found else text.rstrip().count("\n") + 1
        raise file_error(f"this is no TOML: {what}", file=file, line=line) from error


def key_line(text: str, key: str) -> int | None:
    """Return the line at which a key, or a table's heading, first stands."""
    found = re.search(rf"^[ \t]*\"?{re.escape(key)}", text, re.MULTILINE)
    return text[: found.start()].count("\n") + 1 if found else None


def string_line(text: str, value: str) -> int | None:
    """Return the line at which a text first stands as a value."""
    for quote in "\"'":
        start = text.find(f"{quote}{value}{quote}")
        if start >= 0:
            return text[:start].count("\n") + 1
    return None
