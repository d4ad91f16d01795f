"""In which lines a lock file is not what would be written now."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PACKAGE = re.compile(r"^\s*(\{.*\}),?\s*$")
_WIDTH = 48


class LineChange(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a lock, in short: ``line`` counts from 1 in the old file; ``old`` or ``new`` may be empty.

    With ``is_machine`` it is a whole section, its machine named.
    """

    line: int
    old: str
    new: str
    is_machine: bool = False


def changed_lines(old: str, new: str) -> tuple[LineChange, ...]:
    """Return how the new text of a lock differs from the old; what the digest alone tells is left out."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    found: list[LineChange] = []
    for kind, start, end, first, last in matcher.get_opcodes():
        if kind != "equal":
            found += _paired(before[start:end], after[first:last], start)
    said = tuple(each for each in found if not _is_digest(each))
    # Only where nothing else differs, the digest does: whoever changed it alone is told so.
    return said or tuple(found)


def _paired(old: Sequence[str], new: Sequence[str], start: int) -> Iterator[LineChange]:
    """Yield changes with the lines of one package or key side by side."""
    waiting = {_key(text): text for text in new}
    for number, text in enumerate(old, start=start + 1):
        other = waiting.pop(_key(text), "")
        if text != other:  # brackets and empty lines are alike everywhere
            yield _change(number, text, other)
    for text in new:
        if _key(text) in waiting:
            yield _change(start + len(old) or 1, "", text)


def _change(line: int, old: str, new: str) -> LineChange:
    before, after = _short(old), _short(new)
    if before == after:  # what differs is further along the line
        there, now = _table(old), _table(new)
        key = next((key for key in now if now[key] != there.get(key)), "")
        before, after = (
            f"{before}, {key} {_cut(there.get(key, 'none'))}",
            f"{key} {_cut(now.get(key, 'none'))}",
        )
    return LineChange(line=line, old=before, new=after)


def _key(text: str) -> str:
    package = _table(text)
    if package:
        return package.get("name", "")
    return text.partition("=")[0].strip()


def _short(text: str) -> str:
    package = _table(text)
    if package:
        return " ".join(filter(None, [package.get("name"), package.get("version"), package.get("build")]))
    return _cut(text.strip())


def _cut(words: str) -> str:
    return words if len(words) <= _WIDTH else f"{words[: _WIDTH - 1]}…"


def _table(text: str) -> dict[str, str]:
    found = _PACKAGE.match(text)
    if found is None:
        return {}
    try:
        table = tomllib.loads(f"package = {found[1]}")["package"]
    except tomllib.TOMLDecodeError:
        return {}
    return {key: str(value) for key, value in table.items()}


def _is_digest(change: LineChange) -> bool:
    return (change.old or change.new).startswith(("digest = ", "spec-digest = "))
