"""Find known troubles in a log: all of it, in one pass, with memory for a few megabytes."""

from __future__ import annotations

import io
import re
from functools import cache
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.explain.clean_blocks import OVERWRITTEN, clean_blocks
from envkit.explain.quotations import is_quotation
from envkit.explain.rules import Rule, Sign, load_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.explain.clean_blocks import ByteStream

# So much of a line, to either side of the words, is looked at and shown: it bounds the time of any pattern.
_LINE_BYTES = 600
_SHOWN = 240
_NEAR_BYTES = 2000
_MARGIN = 4096  # of text that stands around what is looked at; at least that of `near`
# Words such as `exit` stand in many lines that mean nothing; of a block, so many are looked at, from its end.
_MOST_TRIES = 30_000
# Of all blocks together; when they are used up, few of each further block: a log of near misses takes seconds too.
_ALL_TRIES = 400_000
_FEW_TRIES = 200
_MOST_LINES_KNOWN = 100_000
_DIGITS = b"0123456789"


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A trouble that was found: in words, what mends it, and the last line that shows it (counted from 1)."""

    id: str
    level: Literal["error", "note"]
    title: str
    why: str
    fix: tuple[str, ...]
    link: str
    line_number: int
    line: str


def explain_log(text: str, *, rules: Sequence[Rule] | None = None) -> list[Explanation]:
    """Return the known troubles in a text, the most important first; empty for none."""
    return explain_stream(io.BytesIO(text.encode("utf-8", "replace")), rules=rules)


def explain_stream(stream: ByteStream, *, rules: Sequence[Rule] | None = None) -> list[Explanation]:
    """Return the known troubles in a log of any size and encoding, the most important first.

    Raises: OSError where it cannot be read.
    """
    known = load_rules() if rules is None else rules
    search = _Search(known)
    for block in clean_blocks(stream):
        search.take(block)
    search.finish()
    found = search.found
    return [
        Explanation(
            id=rule.id,
            level=rule.level,
            title=rule.title,
            why=rule.why,
            fix=rule.fix,
            link=rule.link,
            line_number=found[rule.id].number,
            line=found[rule.id].line,
        )
        for rule in sorted(known, key=lambda rule: rule.level == "note")  # stable: else in their own order
        if rule.id in found and not found.keys() & set(rule.yields_to)
    ]


class _Hit(msgspec.Struct, frozen=True):
    position: int
    number: int
    line: str


class _Mark(msgspec.Struct, frozen=True):
    """A sign as bytes: its words, and those without digits."""

    rule: str
    sign: Sign
    words: bytes
    stem: bytes


class _Search:
    """A search that goes through a log block by block.

    Logs are long because they repeat themselves: a line that was seen before, but for its digits, holds no
    words that the first one did not. So the words of all rules are looked for in new lines alone.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.found: dict[str, _Hit] = {}
        self._marks = [
            _Mark(rule.id, sign, words, words.translate(None, _DIGITS))
            for rule in rules
            for sign in rule.signs
            for words in (sign.words.lower().encode(),)
        ]
        self._seen: set[int] = set()
        self._text = b""
        self._begin = 0  # what stands before it was looked at already
        self._lines_before = 0  # whole lines that are no longer in the text
        self._bytes_before = 0
        self._tries = 0

    def take(self, block: bytes) -> None:
        """Look through what has come, but for its end, which what follows may belong to."""
        self._text += block
        self._look(max(self._begin, len(self._text) - _MARGIN))

    def finish(self) -> None:
        """Look through the rest."""
        self._look(len(self._text))

    def _look(self, end: int) -> None:
        small = self._text.lower()
        for mark in self._candidates(small[self._begin : end + _MARGIN // 4]):
            self._find(mark, small, end)
        keep = max(0, end - _MARGIN)
        self._lines_before += self._text.count(b"\n", 0, keep)
        self._bytes_before += keep
        self._text = self._text[keep:]
        self._begin = end - keep

    def _candidates(self, small: bytes) -> list[_Mark]:
        """Return the marks whose words may stand in the text, by lines that were not seen before."""
        stripped = small.translate(None, _DIGITS).replace(OVERWRITTEN, b"\n")
        new = {line for line in set(stripped.split(b"\n")) if hash(line) not in self._seen}
        together = b"\n".join(new)
        marks = [mark for mark in self._marks if mark.stem in together]
        if len(self._seen) < _MOST_LINES_KNOWN:
            stems = {mark.stem for mark in marks}
            self._seen.update(hash(line) for line in new if not any(stem in line for stem in stems))
        return marks

    def _find(self, mark: _Mark, small: bytes, end: int) -> None:
        """Keep the last place in the text that the sign is at, if it is the last of its rule so far."""
        stop = end + len(mark.words) - 1
        refused: set[str] = set()
        for _ in range(_MOST_TRIES if self._tries < _ALL_TRIES else _FEW_TRIES):
            self._tries += 1
            at = small.rfind(mark.words, self._begin, stop)
            if at < 0:
                return
            line = self._line(at)
            if line not in refused and self._is_sign(mark.sign, line, at, len(mark.words)):
                self._keep(mark.rule, at)
                return
            if mark.sign.near is None:
                refused.add(line)
            stop = at + len(mark.words) - 1

    def _is_sign(self, sign: Sign, line: str, at: int, length: int) -> bool:
        if sign.line is not None and not _pattern(sign.line).search(line):
            return False
        if is_quotation(line, sign.words):
            return False
        if sign.near is None:
            return True
        around = self._text[max(0, at - _NEAR_BYTES) : at + length + _NEAR_BYTES]
        return _pattern(sign.near).search(around.decode("utf-8", "replace")) is not None

    def _keep(self, rule: str, at: int) -> None:
        position = self._bytes_before + at
        if rule not in self.found or self.found[rule].position < position:
            number = self._lines_before + self._text.count(b"\n", 0, at) + 1
            self.found[rule] = _Hit(position, number, _shown(self._line(at)))

    def _line(self, at: int) -> str:
        """Return the line on the screen that holds the byte, or as much of it as lies near."""
        first, last = max(0, at - _LINE_BYTES), at + _LINE_BYTES
        begin = 1 + max(
            self._text.rfind(b"\n", first, at), self._text.rfind(OVERWRITTEN, first, at), first - 1
        )
        ends = (self._text.find(each, at, last) for each in (b"\n", OVERWRITTEN))
        end = min((each for each in ends if each >= 0), default=last)
        return self._text[begin:end].decode("utf-8", "replace")


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _shown(line: str) -> str:
    """Return the line as it may stand on a screen: one line, with nothing that moves a cursor."""
    plain = "".join(each if each.isprintable() else " " for each in line).strip()
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
