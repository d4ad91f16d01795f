"""Read lines that begin with their label: ``3 a fine film``, ``NUM:date When was …``, ``__label__spam Buy``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FASTTEXT = "__label__"
# What begins a line and can hardly be the first word of a text.
_LABEL_LIKE = re.compile(r"[+-]?\d+(\.\d+)?|[A-Za-z]\w*:\w+|[A-Z][A-Z0-9_-]+|__label__\S*")


@dataclass(frozen=True)
class LabelledLine:
    """The labels before a text, several only as fastText writes them, and the line from 1."""

    labels: tuple[str, ...]
    text: str
    line: int


def has_label_first(lines: Sequence[str], *, is_strict: bool = False) -> bool:
    """Tell whether these lines, none of them blank, begin with labels: few different words that look so.

    Other words count as labels where they come again and again, as the first words of texts do not; with
    ``is_strict`` they never do, and the others only where there are many lines and few labels.
    """
    firsts = [line.split(maxsplit=1) for line in lines]
    if not firsts or sum(len(parts) == 2 for parts in firsts) < 0.9 * len(firsts):
        return False
    words = [parts[0] for parts in firsts]
    different = len(set(words))
    if is_strict and not all(word.startswith(FASTTEXT) for word in words):
        # Texts to predict on: four lines that begin with a number are texts, twenty with 0 to 4 are SST-5.
        return len(words) >= 10 and 3 * different <= len(words) and all(map(_LABEL_LIKE.fullmatch, words))
    if all(map(_LABEL_LIKE.fullmatch, words)):
        return 2 * different <= max(4, len(words)) or all(word.startswith(FASTTEXT) for word in words)
    return len(words) >= 20 and 10 * different <= len(words)


def parse_label_lines(lines: Sequence[str], *, file: Path) -> list[LabelledLine]:
    """Read every line that is not blank. Raises: DataError for a line of one word alone, in fastText's form."""
    rows = []
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            if line.lstrip().startswith(FASTTEXT):
                rows.append(_parse_fasttext(line, number, file))
            else:
                label, _, text = line.strip().partition(" ")
                if "\t" in label:
                    label, _, text = line.strip().partition("\t")
                rows.append(LabelledLine((label,), text.strip(), number))
    return rows


def _parse_fasttext(line: str, number: int, file: Path) -> LabelledLine:
    labels, rest = [], line.strip()
    while rest.startswith(FASTTEXT):
        label, _, rest = rest.partition(" ")
        labels.append(label.removeprefix(FASTTEXT).rstrip(","))
        rest = rest.lstrip()
    if not all(labels):
        raise DataError(
            f"there is no label after {FASTTEXT}",
            file=file,
            line=number,
            hint=f"A line reads: {FASTTEXT}positive what a film",
        )
    return LabelledLine(tuple(dict.fromkeys(labels)), rest, number)
