"""On which line of a TOML file a key stands."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def located(file: Path, keys: tuple[str, ...]) -> str:
    """Return ``FILE:LINE`` of a key, or the file alone if it is not to be found there."""
    line = line_of(file, keys)
    return str(file) if line is None else f"{file}:{line}"


def line_of(file: Path, keys: tuple[str, ...]) -> int | None:
    """Return the line of a key in a file, None if it is not to be found there."""
    try:
        return key_lines(file.read_text(encoding="utf-8")).get(keys)
    except (OSError, UnicodeDecodeError):
        return None


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line, from 1, on which each key of this TOML document is first written, tables included.

    Elements of arrays of tables share their array's keys. The text has to be a whole, valid document.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for line, content, is_header in _statements(text):
        paths = list(_paths(content))
        if is_header and paths:
            table = max(paths, key=len)
            paths = [table[:length] for length in range(1, len(table) + 1)]
        else:
            paths = [(*table, *path) for path in paths]
        for path in paths:
            found.setdefault(path, line)
    return found


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any], bool]]:
    # tomllib gives no positions, but every statement of TOML ends with a line: a statement is the fewest
    # lines that are a document by themselves, so its own parser finds where each begins.
    lines = [f"{line}\n" for line in text.split("\n")]  # other line ends of Unicode's are none in TOML
    begin = 0
    while begin < len(lines):
        for end in range(begin + 1, len(lines) + 1):
            try:
                content = tomllib.loads("".join(lines[begin:end]))
            except tomllib.TOMLDecodeError:
                continue
            if content:
                yield begin + 1, content, lines[begin].lstrip().startswith("[")
            begin = end
            break
        else:
            return


def _paths(content: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in content.items():
        yield (key,)
        if isinstance(value, list) and len(value) == 1 and value[0] == {}:  # a header [[key]]
            continue
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in _paths(value))
