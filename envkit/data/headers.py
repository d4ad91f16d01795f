"""Tell whether the first row of a table names its columns: by the names themselves, else by what stands below."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The names that people give to columns, compared without case, blanks, dashes and underscores. Those of
# labels and numbers are hardly ever values; those of texts may be classes, as of what is asked or written.
_LABEL_NAMES = frozenset(
    (  # noqa: SIM905  # as a list, a line a word
        "text texts sentence sentences label labels class classes category categories sentiment sentiments "
        "emotion intent topic polarity stars rating id idx index goldlabel labeltext labelname"
    ).split()
)
_TEXT_NAMES = frozenset(
    (  # noqa: SIM905  # likewise
        "sentence1 sentence2 text1 text2 texta textb sentencea sentenceb question1 question2 review reviewtext "
        "reviewbody content comment commenttext body tweet message document title question premise hypothesis "
        "aspect utterance query headline target gold"
    ).split()
)
_WORD = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"[^\W\d_][\w -]*")
_SINGLE_WORD = re.compile(r"[^\W\d_][\w-]*")
# What programs call columns and nobody writes as a text: tweet_text, v2.
_IDENTIFIER = re.compile(r"[^\W\d_]+(_\w+|\d+)")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?")
_NOTHING = frozenset(("", "na", "n/a", "nan", "nil", "none", "null", "-", "?"))
_ENOUGH = 2  # points that make a header
_UNSEEN = 0.1  # share of classes that stand once, up to which a new one is a surprise
_FEW = 20  # rows, up to which a text of a single word, of a class of its own, may be chance
_WORDY = 0.9  # share of texts that hold blanks, from which a single word is no text


@dataclass(frozen=True)
class Verdict:
    """Whether a first row is a header; ``is_sure`` is False where some signs say so and not enough."""

    is_header: bool
    is_sure: bool


def judge_header(rows: Sequence[Sequence[str]], *, named: Sequence[str] = ()) -> Verdict:
    """Judge the first of these rows, all of one width; ``named`` are columns that the user speaks of.

    It is a header where it holds a name that the user gives, or that people give to columns and that is no
    value. Else its cells have to differ in kind from those below: words above numbers, a single word above
    sentences, a class that no other row has. One sign is not enough: a row of data may be the only one
    of its class.
    """
    first = [cell.strip() for cell in rows[0]]
    folded = {cell.casefold() for cell in first}
    filled = [cell for cell in first if cell]
    if any(name.strip().casefold() in folded for name in named):
        return Verdict(True, True)
    if len(filled) > 1 and all(_plain(cell) in _LABEL_NAMES | _TEXT_NAMES for cell in filled):
        return Verdict(True, True)
    points, has_new_class = 0, False
    for index, cell in enumerate(first):
        if cell.casefold() not in _NOTHING:
            column = _Column.of([row[index] for row in rows[1:] if len(row) == len(first)])
            points += column.judge(cell)
            has_new_class = has_new_class or (column.has_classes and cell not in column.counts)
    # Once, as columns of classes may be two names of the same.
    points += has_new_class
    return Verdict(points >= _ENOUGH, points >= _ENOUGH or points <= 0)


@dataclass(frozen=True)
class _Column:
    """What stands in a column below the first row, and how often."""

    counts: Counter[str]
    size: int

    @classmethod
    def of(cls, cells: Sequence[str]) -> _Column:
        counts = Counter(cell.strip() for cell in cells)
        for cell in [cell for cell in counts if cell.casefold() in _NOTHING]:
            del counts[cell]
        return cls(counts, sum(counts.values()))

    @property
    def has_classes(self) -> bool:
        """Tell whether these are classes, of which one more would be a surprise (as Good and Turing count)."""
        singles = sum(count == 1 for count in self.counts.values())
        return self.size > 3 and singles <= _UNSEEN * self.size

    def judge(self, cell: str) -> int:
        """Return how much speaks for this cell being the name of the column, less than 0 where it is a value."""
        is_number = bool(_NUMBER.fullmatch(cell))
        if cell in self.counts:
            return 0 if is_number else -_ENOUGH
        if _plain(cell) in _LABEL_NAMES or (_plain(cell) in _TEXT_NAMES and not self.has_classes):
            return _ENOUGH
        points = int(_ends_in_name(cell))
        if self.size and not is_number:
            if all(map(_NUMBER.fullmatch, self.counts)):
                return points + (_ENOUGH if self.size > 2 else 1)
            if not self.has_classes and self._holds_sentences(cell):
                points += _ENOUGH if _IDENTIFIER.fullmatch(cell) else self.size >= _FEW
        return points

    def _holds_sentences(self, cell: str) -> bool:
        """Tell whether the column holds longer texts than this cell, which is a single word."""
        if not _SINGLE_WORD.fullmatch(cell):
            return False
        wordy = sum(count for other, count in self.counts.items() if len(other.split()) > 1)
        # Some languages write no blanks.
        return wordy >= _WORDY * self.size or (self.size > 2 and 3 * len(cell) <= min(map(len, self.counts)))


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _ends_in_name(cell: str) -> bool:
    """Tell whether this is a name made longer: ``Phrase Text``, ``product_category``, ``moodLabel``."""
    if not _NAME.fullmatch(cell) or any(not word[0].isupper() for word in cell.split()[1:]):
        return False
    words = _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", cell))
    return 1 < len(words) <= 3 and words[-1].casefold() in _LABEL_NAMES
