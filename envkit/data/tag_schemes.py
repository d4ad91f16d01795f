"""Tell which scheme a set of entity tags is written in, and write it in IOB2.

IOB1   I-X inside; B-X only where an entity follows another of its type at once (CoNLL-2003).
IO     I-X alone; entities of one type that touch cannot be told apart.
IOB2   B-X begins every entity, I-X continues it.
IOBES  as IOB2, with E-X at the end and S-X alone; BMES writes M-X for I-X.
BILUO  as IOB2, with L-X at the end and U-X alone.

Source: Ramshaw and Marcus (1995), Tjong Kim Sang and Veenstra (1999), Ratinov and Roth (2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

OUTSIDE = "O"
Scheme = Literal["IO", "IOB1", "IOB2", "IOBES", "BILUO"]
Place = tuple[int, int]  # (sequence, tag in it), both counted from 0

_ONLY_IOBES = frozenset("ESM")
_ONLY_BILUO = frozenset("LU")
_PREFIXES = frozenset("BI") | _ONLY_IOBES | _ONLY_BILUO
_CONTINUES = frozenset("IMEL")
_CLOSES = frozenset("ESLU")


class UnknownTagError(ValueError):
    """A tag that fits no scheme: what is wrong with it, and its place."""

    def __init__(self, problem: str, place: Place) -> None:
        super().__init__(problem)
        self.place = place


@dataclass(frozen=True)
class SchemeFinding:
    """The scheme of a set of tag sequences, and the places of tags that break its rules."""

    scheme: Scheme
    breaks: tuple[Place, ...] = ()


@dataclass(frozen=True, order=True)
class Span:
    """An entity: its words from ``start`` up to, not including, ``end``."""

    start: int
    end: int
    type: str


def split_tag(tag: str) -> tuple[str, str]:
    """Return prefix and entity type of a tag; ``O`` has itself as prefix and no type."""
    prefix, _, entity_type = tag.partition("-")
    return prefix, entity_type


def is_tag(text: str) -> bool:
    """Tell whether the text is a tag of any of the schemes."""
    prefix, entity_type = split_tag(text)
    return text == OUTSIDE or (prefix in _PREFIXES and bool(entity_type))


def find_scheme(sequences: Sequence[Sequence[str]]) -> SchemeFinding:
    """Tell the scheme of all these tag sequences together. Raises: UnknownTagError."""
    first: dict[str, Place] = {}
    for number, tags in enumerate(sequences):
        for index, tag in enumerate(tags):
            if tag not in first:
                first[tag] = (number, index)
    for tag, place in first.items():
        if not is_tag(tag):
            raise UnknownTagError(f"the tag {tag!r} is of no known scheme", place)
    prefixes = {split_tag(tag)[0]: tag for tag in reversed(first)}
    iobes, biluo = prefixes.keys() & _ONLY_IOBES, prefixes.keys() & _ONLY_BILUO
    if iobes and biluo:
        one, other = prefixes[min(iobes)], prefixes[min(biluo)]
        problem = f"the tags mix two schemes: {one!r} is of IOBES, {other!r} of BILUO"
        raise UnknownTagError(problem, max(first[one], first[other]))
    if iobes or biluo:
        return SchemeFinding("IOBES" if iobes else "BILUO", tuple(_find_unclosed(sequences)))
    if "I" in prefixes and "B" not in prefixes:
        # Every I-X that follows another of its type continues it, in IO and in IOB1 alike.
        return SchemeFinding("IO")
    return _judge_iob(sequences)


def _judge_iob(sequences: Sequence[Sequence[str]]) -> SchemeFinding:
    """Tell IOB1 from IOB2 by what each would not have written."""
    opening_i: list[Place] = []  # IOB2 would have B here
    needless_b = 0  # IOB1 would have I here
    for number, tags in enumerate(sequences):
        type_before = ""
        for index, tag in enumerate(tags):
            prefix, entity_type = split_tag(tag)
            if entity_type and entity_type != type_before:
                if prefix == "I":
                    opening_i.append((number, index))
                else:
                    needless_b += 1
            type_before = entity_type
    if len(opening_i) > needless_b:
        return SchemeFinding("IOB1")  # a needless B begins an entity all the same: nothing is in doubt
    return SchemeFinding("IOB2", tuple(opening_i))


def _find_unclosed(sequences: Sequence[Sequence[str]]) -> Iterator[Place]:
    """Yield where an IOBES or BILUO entity is continued without a beginning, or begun and not closed."""
    for number, tags in enumerate(sequences):
        open_type = ""
        for index, tag in enumerate(tags):
            prefix, entity_type = split_tag(tag)
            expected = open_type if prefix in _CONTINUES else ""
            if open_type != expected or (prefix in _CONTINUES and entity_type != open_type):
                yield number, index
            open_type = "" if prefix in _CLOSES else entity_type
        if open_type:
            yield number, len(tags) - 1


def to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Write the tags of one sentence, of any of the schemes, in IOB2.

    Entities are read as conlleval reads them: B, S and U always begin one, any other prefix begins one
    where no entity of its type is open. Tags that break their scheme's rules so lose no word.
    """
    converted: list[str] = []
    open_type = ""
    for tag in tags:
        prefix, entity_type = split_tag(tag)
        if not entity_type:
            converted.append(OUTSIDE)
        elif prefix in _CONTINUES and entity_type == open_type:
            converted.append(f"I-{entity_type}")
        else:
            converted.append(f"B-{entity_type}")
        open_type = "" if prefix in _CLOSES else entity_type
    return tuple(converted)


def find_spans(tags: Iterable[str], *, strict: bool = True) -> list[Span]:
    """Return the entities of one sentence in IOB2 tags, by place.

    An I-X that continues no entity of its type is no entity if ``strict``; otherwise it begins one.
    """
    spans: list[Span] = []
    start, open_type = 0, ""
    index = -1
    for index, tag in enumerate(tags):
        prefix, entity_type = split_tag(tag)
        if prefix == "I" and entity_type == open_type:
            continue
        if open_type:
            spans.append(Span(start, index, open_type))
        start, open_type = index, entity_type if prefix == "B" or not strict else ""
    if open_type:
        spans.append(Span(start, index + 1, open_type))
    return spans
