"""At which line of a lock file something stands, as far as a reader of TOML can be led there."""

from __future__ import annotations

import re

_PLACE = re.compile(r"^\$(?:\.(?P<top>[\w-]+))?(?:\[(?P<number>\d+)\])?(?P<rest>.*)$")
_INNER = re.compile(r"\.(?P<key>[\w-]+(?:\.[\w-]+)*)(?:\[(?P<item>\d+)\])?")


def machine_line(text: str, number: int, key: str = "", *, item: int | None = None) -> int:
    """Return the line of a key in the machine's section, or of the n-th item in its list; counted from 1.

    Where the key does not stand, it is the line at which the section begins.
    """
    return _line_in(text, r"^[ \t]*\[\[\s*machine\s*\]\]", number, key, item)


def spec_line(text: str, key: str = "") -> int:
    """Return the line of a key of the spec, or of its heading."""
    return _line_in(text, r"^[ \t]*\[\s*spec\s*\]", 0, key, None)


def place_line(text: str, place: str) -> int | None:
    """Return the line of what msgspec calls ``$.machine[0].wheels[3].sha256``, None for the whole file."""
    found = _PLACE.match(place)
    if found is None or not found["top"]:
        return None
    inner = _INNER.match(found["rest"])
    key, item = (inner["key"], inner["item"]) if inner else ("", None)
    if found["top"] == "machine":
        return machine_line(text, int(found["number"] or 0), key, item=None if item is None else int(item))
    if found["top"] == "spec":
        return spec_line(text, key.split(".")[0])
    return _find(text, found["top"], 0, len(text))


def _line_in(text: str, heading: str, number: int, key: str, item: int | None) -> int:
    starts = [found.start() for found in re.finditer(heading, text, re.MULTILINE)]
    if number >= len(starts):
        return 1
    start = starts[number]
    after = text.find("\n", start) + 1
    following = _next_section(text, after) if after else len(text)
    line = _find(text, key, after, following) if key else None
    if line is None and "." in key:  # a table of its own, as in facts = { … }
        line = _find(text, key.split(".")[0], after, following)
    if line is None:
        return _count(text, start)
    return line if item is None else _item_line(text, line, item)


def _next_section(text: str, after: int) -> int:
    found = re.compile(r"^[ \t]*\[\[?\s*(machine|spec)\s*\]", re.MULTILINE).search(text, after)
    return found.start() if found else len(text)


def _find(text: str, key: str, start: int, end: int) -> int | None:
    pattern = re.compile(rf"^[ \t]*\"?{re.escape(key)}\"?[ \t]*[=.]", re.MULTILINE)
    found = pattern.search(text, start, end)
    return _count(text, found.start()) if found else None


def _item_line(text: str, line: int, item: int) -> int:
    """Return the line of the n-th item of a list that begins at a line, or that line if it is all on it."""
    lines = text.split("\n")
    count = -1
    for number in range(line, len(lines)):
        words = lines[number].strip()
        if words.startswith("]"):
            break
        count += bool(words) and not words.startswith("#")
        if count == item:
            return number + 1
    return line


def _count(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
