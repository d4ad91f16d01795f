"""Tables of many labels, or of long ones, on a screen of 80 columns."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from envkit.api.records import TableRecord
from envkit.cli.render import print_record_table


def printed(table: TableRecord) -> list[str]:
    stream = io.StringIO()
    print_record_table(table, console=Console(file=stream, width=80, highlight=False, soft_wrap=True))
    return stream.getvalue().splitlines()


def confusion(labels: int, *, name: str = "label-{}") -> TableRecord:
    """Return a table where ``k`` of each label ``k`` are taken for the next one."""
    names = [name.format(number) for number in range(labels)]
    rows = [
        [
            gold,
            *(
                100 if row == column else row if column == (row + 1) % labels else 0
                for column in range(labels)
            ),
        ]
        for row, gold in enumerate(names)
    ]
    return TableRecord(title="dev: gold labels", columns=["gold", *names], rows=rows, kind="confusion")


def test_confusion_table_of_few_labels_is_printed_whole() -> None:
    lines = printed(confusion(3))
    assert lines[1:3] == ["dev: gold labels", "  gold     label-0  label-1  label-2"]
    assert len(lines) == 6


@pytest.mark.parametrize(
    "name", ["label-{}", "a label {} with a name that is longer than a line " + "x" * 90]
)
def test_confusion_table_of_50_labels_becomes_its_most_frequent_confusions(name: str) -> None:
    lines = printed(confusion(50, name=name))
    assert lines[1:3] == [
        "dev: gold labels",
        "  20 of 49 that are wrong, the most frequent first (--json has all)",
    ]
    assert lines[3].split() == ["gold", "taken", "for", "count"]
    assert [line.split()[-1] for line in lines[4:]] == [str(count) for count in range(49, 29, -1)]
    assert all(cell_len(line) <= 80 for line in lines)


def test_confusion_table_without_a_mistake_says_so() -> None:
    names = [f"label-{number}" for number in range(50)]
    rows = [[gold, *(5 if gold == name else 0 for name in names)] for gold in names]
    lines = printed(TableRecord(title="dev", columns=["gold", *names], rows=rows, kind="confusion"))
    assert lines[1:3] == ["dev", "  none is wrong (--json has all)"]


def test_long_labels_are_cut_so_that_the_numbers_stand_on_the_same_line() -> None:
    rows = [["é" * 130, 0.5, 0.25, 0.125, 7], ["北" * 90, 1.0, 1.0, 1.0, 12]]
    table = TableRecord(
        title="dev: by label", columns=["label", "precision", "recall", "F1", "support"], rows=rows
    )
    _, _, head, first, second = printed(table)
    assert all(cell_len(line) <= 80 for line in (head, first, second))
    assert first.split()[0].endswith("é…")
    assert first.split()[1:] == ["0.5000", "0.2500", "0.1250", "7"]
    assert second.lstrip().startswith("北北")
    assert "…" in second
