"""The tables of a run's result as the page shows them: scores with bars, confusion as a map, errors as counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.runs.report.excerpts import cut, visible
from envkit.runs.report.numbers import count_text, score_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.api.records import EvaluationRecord, TableRecord

_MOST_ROWS = 120
_MOST_COLUMNS = 24
_MOST_CLASSES = 24  # of a map; of more, those that are confused most
_MOST_PAIRS = 5
_MOST_EVALUATIONS = 60
_OTHERS = "(others)"
_CORNER = "gold ↓ predicted →"
_TURNED_LETTERS = 34
_TURNED_COLUMNS = 9
# Of the page's style, in pixels: half of a section at its narrowest; a letter, and the room around it; a cell of a map.
_HALF_PAGE = 400
_LETTER = 7.4
_CELL = 14
_MAP_CELL = 38
_BREAKS_AT = 24  # letters: words of a text go to the next line


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: its text, whether it is a number, and what share of the full width its bar has, None for no bar."""

    text: str
    is_number: bool = False
    bar: float | None = None


@dataclass(frozen=True, kw_only=True)
class TableView:
    """A table as it is shown; ``left_out`` counts the rows that are not."""

    title: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    left_out: int = 0

    @property
    def is_wide(self) -> bool:
        """Tell whether half the page is too narrow for it."""
        letters = [
            max(len(head.text), *map(_least_length, cells))
            for head, *cells in _columns_of([self.columns, *self.rows])
        ]
        return sum(_CELL + _LETTER * each for each in letters) > _HALF_PAGE


@dataclass(frozen=True, kw_only=True)
class MapCell:
    """How often one label was taken for another, and how strongly it is tinted, from 0 to 1."""

    count: int
    text: str
    tint: float
    is_right: bool


@dataclass(frozen=True, kw_only=True)
class MapRow:
    """A gold label with how often it was taken for each; ``total`` is how often it is there."""

    label: str
    cells: Sequence[MapCell]
    total: str


@dataclass(frozen=True, kw_only=True)
class ConfusionView:
    """A confusion table as a map, and the confusions in it that are most frequent, as sentences.

    ``folded`` counts the labels that stand together as others.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[MapRow]
    pairs: Sequence[tuple[str, str, str]]
    folded: int = 0

    @property
    def is_turned(self) -> bool:
        """Tell whether the labels over the columns stand upright, as they are many or long."""
        return sum(map(len, self.columns)) > _TURNED_LETTERS or len(self.columns) > _TURNED_COLUMNS

    @property
    def is_wide(self) -> bool:
        """Tell whether half the page is too narrow for it."""
        labels = max([len(_CORNER), *(len(row.label) for row in self.rows)])
        columns = [0 if self.is_turned else len(label) for label in self.columns]
        widths = [max(_MAP_CELL, _CELL + _LETTER * letters) for letters in (*columns, 0)]
        return _CELL + _LETTER * labels + sum(widths) > _HALF_PAGE


def _least_length(cell: Cell) -> int:
    """Return how many letters of a cell stand on one line at least."""
    if cell.is_number:
        return len(cell.text)
    return max([min(len(cell.text), _BREAKS_AT), *map(len, cell.text.split())])


def show_table(table: TableRecord, *, most: int = _MOST_ROWS) -> TableView:
    """Return how a table of scores or of errors is shown: bars for fractions, and for counts of errors."""
    highest = 0
    if table.kind == "errors":
        highest = max((cell for row in table.rows for cell in row if isinstance(cell, int)), default=0)
    shown = [row[:_MOST_COLUMNS] for row in table.rows[: min(most, _MOST_ROWS)]]
    rows = [[_cell(cell, highest=highest) for cell in row] for row in shown]
    numeric = [bool(column) and all(cell.is_number for cell in column) for column in _columns_of(rows)]
    columns = table.columns[:_MOST_COLUMNS]
    numeric += [False] * (len(columns) - len(numeric))
    return TableView(
        title=_text(table.title),
        columns=[
            Cell(text=_text(name), is_number=is_number)
            for name, is_number in zip(columns, numeric, strict=False)
        ],
        rows=rows,
        left_out=len(table.rows) - len(rows),
    )


def show_evaluations(evaluations: Sequence[EvaluationRecord]) -> TableView | None:
    """Return the table of what each evaluation found, None where there was none."""
    if not evaluations:
        return None
    names = list(dict.fromkeys(name for evaluation in evaluations for name in evaluation.values))
    names = names[: _MOST_COLUMNS // 2]
    stride = -(-len(evaluations) // _MOST_EVALUATIONS)
    shown = [each for n, each in enumerate(evaluations) if n % stride == 0 or n == len(evaluations) - 1]
    rows = []
    for each in shown:
        epoch = Cell(text="" if each.epoch is None else f"{each.epoch:g}", is_number=True)
        values = [each.values.get(name) for name in names]
        scores = [Cell(text="" if value is None else score_text(value), is_number=True) for value in values]
        rows.append([Cell(text=count_text(each.step), is_number=True), epoch, *scores])
    return TableView(
        title="Every evaluation",
        columns=[Cell(text=_text(name), is_number=True) for name in ("step", "epoch", *names)],
        rows=rows,
        left_out=len(evaluations) - len(shown),
    )


def show_confusion(table: TableRecord) -> ConfusionView | None:
    """Return how a confusion table is shown, None where its cells are no counts."""
    counts: dict[tuple[str, str], int] = {}
    for gold, *cells in table.rows:
        for predicted, count in zip(table.columns[1:], cells, strict=False):
            if not isinstance(count, int) or count < 0:
                return None
            counts[str(gold), predicted] = count
    labels = list(dict.fromkeys([*table.columns[1:], *(str(row[0]) for row in table.rows if row)]))
    kept = _most_confused(labels, counts) if len(labels) > _MOST_CLASSES else labels
    folded = len(labels) - len(kept)
    shown = [*kept, _OTHERS] if folded else kept
    known = set(kept)
    merged: dict[tuple[str, str], int] = {}
    for (gold, predicted), count in counts.items():
        key = (gold if gold in known else _OTHERS, predicted if predicted in known else _OTHERS)
        merged[key] = merged.get(key, 0) + count
    golds = {str(row[0]) if str(row[0]) in known else _OTHERS for row in table.rows if row}
    return ConfusionView(
        title=_text(table.title),
        columns=[_text(label, 32) for label in shown],
        rows=[_map_row(label, shown, merged) for label in shown if label in golds],
        pairs=_pairs(counts),
        folded=folded,
    )


def _most_confused(labels: Iterable[str], counts: dict[tuple[str, str], int]) -> list[str]:
    """Return the labels that most mistakes are about, in their own order."""
    mistakes = dict.fromkeys(labels, 0)
    for (gold, predicted), count in counts.items():
        if gold != predicted:
            mistakes[gold] += count
            mistakes[predicted] += count
    worst = sorted(mistakes, key=lambda label: -mistakes[label])[:_MOST_CLASSES]
    return [label for label in mistakes if label in set(worst)]


def _map_row(gold: str, shown: Sequence[str], counts: dict[tuple[str, str], int]) -> MapRow:
    row = [counts.get((gold, predicted), 0) for predicted in shown]
    total = sum(row)
    cells = [
        MapCell(
            count=count,
            text=count_text(count) if count else "·",
            tint=round(count / total, 3) if total else 0.0,
            is_right=gold == predicted and gold != _OTHERS,
        )
        for predicted, count in zip(shown, row, strict=True)
    ]
    return MapRow(label=_text(gold, 32), cells=cells, total=count_text(total))


def _pairs(counts: dict[tuple[str, str], int]) -> list[tuple[str, str, str]]:
    wrong = [(count, pair) for pair, count in counts.items() if pair[0] != pair[1] and count]
    worst = sorted(wrong, key=lambda found: -found[0])[:_MOST_PAIRS]
    return [(_text(gold, 60), _text(predicted, 60), count_text(count)) for count, (gold, predicted) in worst]


def _cell(value: str | float, *, highest: int) -> Cell:
    if isinstance(value, str):
        return Cell(text=_text(value))
    if isinstance(value, int):
        bar = round(value / highest, 4) if highest else None
        return Cell(text=count_text(value), is_number=True, bar=bar)
    return Cell(text=f"{value:.4f}", is_number=True, bar=round(value, 4) if 0 <= value <= 1 else None)


def _columns_of(rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    width = min((len(row) for row in rows), default=0)
    return [[row[number] for row in rows] for number in range(width)]


def _text(text: str, length: int = 80) -> str:
    return visible(cut(str(text), length))
