"""Choose the columns of texts and labels: by the user's word, by the names that people give, by content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.api import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.data.tables import RecordTable

# In the order of their claim. Compared without case, blanks, dashes and underscores.
_TEXT_NAMES = (  # noqa: SIM905  # as a list, a line a word
    "text sentence review reviewtext reviewbody content comment commenttext body tweet message utterance "
    "document question query headline title description sms news article data"
).split()
_LABEL_NAMES = (  # noqa: SIM905  # likewise
    "label labels cats class classes category categories sentiment intent topic target stars star rating "
    "score polarity emotion goldlabel labeltext labelname tag tags output y"
).split()
_PAIRS = (
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("texta", "textb"),
    ("sentencea", "sentenceb"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("question", "sentence"),
    ("query", "passage"),
    ("query", "document"),
    ("text", "aspect"),
    ("sentence", "aspect"),
    ("text", "textpair"),
    ("text", "pair"),  # as data convert and predictions write them
)
_SAMPLE = 2000  # rows by which columns without telling names are judged


@dataclass(frozen=True)
class TextColumns:
    """The places of text, pair and label among a table's columns, from 0; ``is_guessed`` says by whom."""

    text: int
    pair: int | None
    label: int | None
    is_guessed: bool
    is_label_guessed: bool


def choose_text_columns(
    table: RecordTable,
    *,
    text_column: str | None = None,
    pair_column: str | None = None,
    label_column: str | None = None,
) -> TextColumns:
    """Choose the columns of a table; those given are names, or numbers from 1. Raises: DataError."""
    given = {
        "--text-column": text_column,
        "--pair-column": pair_column,
        "--label-column": label_column,
    }
    places = {
        option: None if wanted is None else find_column(table.columns, wanted, option=option, file=table.file)
        for option, wanted in given.items()
    }
    text, pair, label = places.values()
    taken = [place for place in places.values() if place is not None]
    if len(set(taken)) < len(taken):
        twice = next(place for place in taken if taken.count(place) > 1)
        named = " and ".join(option for option, place in places.items() if place == twice)
        raise DataError(
            f"{named} both name the column {table.columns[twice]!r}",
            file=table.file,
            hint=f"Give each a column of its own. {list_columns(table.columns)}",
        )
    plain = [_plain(name) for name in table.columns]
    if text is None and pair is None:
        text, pair = _known_pair(plain, taken)
    if text is None:
        text = _by_name(plain, _TEXT_NAMES, [*taken, *_known(label)])
    if label is None:
        label = _by_name(plain, _LABEL_NAMES, [*_known(text), *_known(pair)])
    if label is None:
        label = _by_classes(table, [*_known(text), *_known(pair)])
    if text is None:
        text = _by_length(table, [*_known(label), *_known(pair)])
    if text is None:
        raise DataError(
            "there is no column with texts beside the labels",
            file=table.file,
            hint=f"Name it: --text-column NAME. {list_columns(table.columns)}",
        )
    is_guessed = text_column is None or (label_column is None and label is not None)
    return TextColumns(text, pair, label, is_guessed, label_column is None)


def find_column(columns: Sequence[str], wanted: str, *, option: str, file: Path) -> int:
    """Return the place, from 0, of a column given by its name or its number from 1. Raises: DataError."""
    if wanted in columns:
        return columns.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted) <= len(columns):
        return int(wanted) - 1
    matches = [index for index, name in enumerate(columns) if _plain(name) == _plain(wanted)]
    if len(matches) == 1:
        return matches[0]
    raise DataError(
        f"there is no column {wanted!r}", file=file, hint=f"{option} takes one. {list_columns(columns)}"
    )


def list_columns(columns: Sequence[str], *, most: int = 12) -> str:
    """Return a sentence that names the columns that there are."""
    if all(name == str(number) for number, name in enumerate(columns, start=1)):
        return f"There is no header; columns are numbered from 1 to {len(columns)}"
    more = f" and {len(columns) - most} more" if len(columns) > most else ""
    return f"Columns there are: {', '.join(columns[:most])}{more}"


def find_texts(
    values: Mapping[str, Any], *, text_column: str | None = None, pair_column: str | None = None
) -> tuple[str | None, str | None]:
    """Return the names under which a record holds its text and, if it is one of a pair, the other.

    For the first of the records to predict on, which have no labels; the others have theirs under the same
    names. Numbers count all values of the record, as in training. None where there is no text.
    """
    columns = list(values)
    plain = [_plain(name) for name in columns]
    text = _among(columns, text_column)
    pair = _among(columns, pair_column)
    if text_column is not None and text is None:  # typed texts have no such column, nor have plain lines
        return "text" if "text" in columns else None, pair
    if text is None and pair_column is None:
        first, second = _known_pair(plain, [])
        if first is not None and second is not None:
            return columns[first], columns[second]
    if text is None:
        taken = [columns.index(pair)] if pair is not None else []
        place = _by_name(plain, _TEXT_NAMES, taken)
        strings = [name for name, value in values.items() if isinstance(value, str) and name != pair]
        text = columns[place] if place is not None else strings[0] if len(strings) == 1 else None
    return text, pair


def _among(columns: Sequence[str], wanted: str | None) -> str | None:
    if wanted is None or wanted in columns:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(columns):
        return columns[int(wanted) - 1]
    return next((name for name in columns if _plain(name) == _plain(wanted)), None)


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _known(place: int | None) -> list[int]:
    return [] if place is None else [place]


def _by_name(plain: Sequence[str], names: Sequence[str], taken: Sequence[int]) -> int | None:
    free = {name: index for index, name in reversed(list(enumerate(plain))) if index not in taken}
    return next((free[name] for name in names if name in free), None)


def _known_pair(plain: Sequence[str], taken: Sequence[int]) -> tuple[int | None, int | None]:
    for first, second in _PAIRS:
        if first in plain and second in plain:
            places = plain.index(first), plain.index(second)
            if not set(places) & set(taken):
                return places
    return None, None


def _by_length(table: RecordTable, taken: Sequence[int]) -> int | None:
    """Return the column of the longest strings."""
    lengths = {
        index: sum(len(cell) for cell in _sample(table, index) if isinstance(cell, str))
        for index in range(len(table.columns))
        if index not in taken
    }
    longest = max(lengths, key=lengths.__getitem__, default=None)
    return longest if longest is not None and lengths[longest] else None


def _by_classes(table: RecordTable, taken: Sequence[int]) -> int | None:
    """Return the column with the fewest values that come again, but for one that has a single value."""
    free = [index for index in range(len(table.columns)) if index not in taken]
    kinds: dict[int, int] = {}
    for index in free:
        cells = [cell for cell in _sample(table, index) if cell is not None and cell != ""]
        if cells and all(isinstance(cell, list) for cell in cells):
            return index
        if all(isinstance(cell, (str, int, float)) for cell in cells):
            kinds[index] = len({str(cell) for cell in cells})
    rows = min(len(table.rows), _SAMPLE)
    several = [index for index in kinds if 1 < kinds[index] <= rows // 2]
    if several:
        return min(several, key=kinds.__getitem__)
    if len(free) == 2 and not taken:  # a text and a label, too few rows to tell by values
        return min(free, key=lambda index: _wordiness(_sample(table, index)))
    return free[0] if len(free) == 1 and taken else None


def _wordiness(cells: Sequence[Any]) -> tuple[int, int]:
    """Return how many blanks and characters there are in a column."""
    return sum(str(cell).count(" ") for cell in cells), sum(len(str(cell)) for cell in cells)


def _sample(table: RecordTable, index: int) -> list[Any]:
    return [row[index] for row in table.rows[:_SAMPLE]]
