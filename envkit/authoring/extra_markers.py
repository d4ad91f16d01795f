"""Take the markers of a distribution's requirements apart: what it needs itself, and what with each extra.

Source: the dependency specifiers of PEP 508 and the names of extras of PEP 685.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

# A marker as packaging has it parsed: a comparison (a tuple of three), or a list with "and" and "or" between.
_Parsed = Any
# What is left of one where the extras are known: nothing that it asks for, nothing that meets it, or its text.
_Left = bool | str


def split_by_extra(lines: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the requirements of the package itself and of its extras; what is none stays as it is."""
    plain: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            plain.append(line)
            continue
        marker, requirement.marker = requirement.marker, None
        parsed: _Parsed = [] if marker is None else marker._markers  # packaging has no public word for it
        without = _left(parsed, extra=None)
        if without is not False:
            plain.append(_with_marker(requirement, without))
        for extra in dict.fromkeys(_extras(parsed)):
            left = _left(parsed, extra=extra)
            if left is not False and left != without:
                extras.setdefault(extra, []).append(_with_marker(requirement, left))
    return plain, extras


def _with_marker(requirement: Requirement, left: _Left) -> str:
    # A space parts an address from what follows it.
    space = " " if requirement.url else ""
    return f"{requirement}{space}; {left}" if isinstance(left, str) else str(requirement)


def _extra(parsed: _Parsed) -> str | None:
    """Return the extra that a comparison is about, None for one about anything else."""
    if "extra" not in (parsed[0].serialize(), parsed[2].serialize()):  # a word of that name is in quotes
        return None
    name = parsed[2] if parsed[0].serialize() == "extra" else parsed[0]
    return str(canonicalize_name(name.value))


def _extras(parsed: _Parsed) -> Iterable[str]:
    if isinstance(parsed, tuple):
        extra = _extra(parsed)
        if extra is not None:
            yield extra
    elif isinstance(parsed, list):
        for part in parsed:
            yield from _extras(part)


def _left(parsed: _Parsed, *, extra: str | None) -> _Left:
    """Return what is left of a marker with this extra, or with none. "and" binds closer than "or"."""
    if isinstance(parsed, tuple):
        named = _extra(parsed)
        if named is None:
            return " ".join(part.serialize() for part in parsed)
        return bool((named == extra) == (parsed[1].value == "=="))
    choices: list[list[_Left]] = [[]]
    for part in parsed:
        if part == "or":
            choices.append([])
        elif part != "and":
            choices[-1].append(_left(part, extra=extra))
    return _join([_join(each, word="and") for each in choices], word="or")


def _join(parts: list[_Left], *, word: str) -> _Left:
    """Return the parts joined; those that decide nothing fall out, and one that decides all stands alone."""
    deciding = word == "or"
    if any(part is deciding for part in parts):
        return deciding
    texts = [part for part in parts if isinstance(part, str)]
    if not texts:
        return not deciding
    if len(texts) == 1:
        return texts[0]
    return f" {word} ".join(f"({text})" if word == "and" and " or " in text else text for text in texts)
