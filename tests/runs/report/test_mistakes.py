"""The worst mistakes, whatever kind of task they are from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import Prediction
from envkit.runs.report.mistakes import Part, read_mistakes, show_mistake
from envkit.runs.report.predictions import PredictedRow, read_worst
from envkit.worker.predictions import write_lines

if TYPE_CHECKING:
    from pathlib import Path


def shown(fields: dict[str, Any]) -> dict[str, Part]:
    return {part.name: part for part in show_mistake(PredictedRow(fields=fields, loss=1.0)).parts}


def chips(part: Part) -> list[tuple[str, str, str]]:
    return [(chip.text, chip.kind, chip.note) for chip in part.chips]


def marks(part: Part) -> list[tuple[str, str, str]]:
    assert part.excerpt is not None
    return [(piece.text, piece.label, piece.kind) for piece in part.excerpt.short if piece.kind]


def test_read_worst_takes_the_highest_losses_of_the_wrong_rows_alone(tmp_path: Path) -> None:
    rows = [Prediction(fields={"name": str(n)}, is_right=n % 2 == 0, loss=float(n % 10)) for n in range(40)]
    write_lines(tmp_path / "dev.jsonl", rows)

    worst = read_worst(tmp_path / "dev.jsonl", most=3)

    assert (worst.rows, worst.wrong) == (40, 20)
    assert [row.fields["name"] for row in worst.worst] == ["9", "19", "29"]


def test_read_worst_without_gold_takes_the_highest_losses(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "dev.jsonl", [Prediction(fields={"name": str(n)}, loss=float(n)) for n in range(5)]
    )

    worst = read_worst(tmp_path / "dev.jsonl", most=2)

    assert (worst.wrong, [row.fields["name"] for row in worst.worst]) == (None, ["4", "3"])


def test_read_worst_passes_over_lines_that_are_cut_or_odd(tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text('[1]\n\n{"name":"a","is_right":false}\n{"name":"b","is_ri')

    worst = read_worst(tmp_path / "dev.jsonl", most=9)

    assert (worst.rows, [row.fields for row in worst.worst]) == (1, [{"name": "a"}])


def test_read_mistakes_of_huge_texts_keeps_to_its_room(tmp_path: Path) -> None:
    text = "漢<&" * 5000
    rows = [
        Prediction(fields={"name": "x", "text": text, "label": "a", "gold": "b"}, is_right=False, loss=1.0)
        for _ in range(200)
    ]
    write_lines(tmp_path / "dev.jsonl", rows)

    (split,) = read_mistakes(tmp_path)

    assert 0 < len(split.mistakes) <= 20
    assert sum(part.size for mistake in split.mistakes for part in mistake.parts) < 100_000


def test_read_mistakes_without_predictions_is_empty(tmp_path: Path) -> None:
    assert read_mistakes(tmp_path / "predictions") == []


def test_show_mistake_of_a_label_shows_both_with_their_probabilities() -> None:
    parts = shown(
        {
            "name": "dev.tsv:2",
            "text": "torn box",
            "label": "a",
            "score": 0.9,
            "scores": {"a": 0.9, "b": 0.0004},
            "gold": "b",
        }
    )

    assert chips(parts["gold"]) == [("b", "missed", "0.04\N{NO-BREAK SPACE}%")]
    assert chips(parts["predicted"]) == [("a", "wrong", "90\N{NO-BREAK SPACE}%")]
    assert parts["text"].excerpt is not None


def test_show_mistake_of_several_labels_tells_right_missed_and_wrong() -> None:
    parts = shown({"text": "x", "labels": ["a", "b"], "gold": ["b", "c"]})

    assert chips(parts["gold"]) == [("b", "right", ""), ("c", "missed", "")]
    assert chips(parts["predicted"]) == [("a", "wrong", ""), ("b", "right", "")]


def test_show_mistake_of_no_label_says_none() -> None:
    assert chips(shown({"text": "x", "labels": [], "gold": ["c"]})["predicted"]) == [("none", "none", "")]


def test_show_mistake_of_entities_marks_them_in_the_text() -> None:
    def entity(start: int, end: int, label: str) -> dict[str, Any]:
        return {"start": start, "end": end, "label": label, "text": "…"}

    text = "محمد في ليفربول with Ann"
    parts = shown(
        {
            "text": text,
            "entities": [entity(0, 4, "PER"), entity(8, 15, "ORG")],
            "gold": [entity(0, 4, "PER"), entity(21, 24, "PER")],
        }
    )

    assert marks(parts["gold"]) == [("محمد", "PER", "right"), ("Ann", "PER", "missed")]
    assert marks(parts["predicted"]) == [("محمد", "PER", "right"), ("ليفربول", "ORG", "wrong")]


CONTEXT = "Rollo came. The Normans came from Denmark, Iceland and Norway, and Rollo led them."


@pytest.mark.parametrize(
    ("answer", "start", "gold", "expected"),
    [
        ("Denmark", 34, ["Denmark, Iceland"], [("Denmark", "both"), (", Iceland", "missed")]),
        ("", None, ["Norway"], [("Norway", "missed")]),
        ("Rollo", 67, ["Rollo"], [("Rollo", "both")]),  # the nearer of the two places
        ("Denmark", 34, [], [("Denmark", "wrong")]),
        ("Denmark", 34, ["Ireland"], [("Denmark", "wrong")]),
    ],
)
def test_show_mistake_of_an_answer_marks_it_and_the_gold_one_in_the_context(
    answer: str, start: int | None, gold: list[str], expected: list[tuple[str, str]]
) -> None:
    parts = shown(
        {"question": "Who?", "context": CONTEXT, "answer": answer, "start": start, "score": 0.5, "gold": gold}
    )

    assert [(text, kind) for text, _, kind in marks(parts["context"])] == expected


def test_show_mistake_of_no_answer_says_so() -> None:
    parts = shown({"question": "Who?", "answer": "", "gold": []})

    assert [chip.text for name in ("predicted", "gold") for chip in parts[name].chips] == ["no answer"] * 2


@pytest.mark.parametrize(
    "fields",
    [
        {"input": {"a": [1, None]}, "output": "<b>", "n": 3},
        {"text": 7, "label": "x"},
        {"text": "x", "entities": [{"start": "0"}], "gold": "none"},
        {"text": "x", "entities": [{"start": -4, "end": 99, "label": "A"}], "gold": []},
        {"question": "Who?", "answer": None, "start": "3", "context": "c", "gold": {"text": "x"}},
        {"text": "x", "label": None, "gold": 3, "scores": [1]},
        {},
    ],
)
def test_show_mistake_of_a_stranger_never_fails(fields: dict[str, Any]) -> None:
    show_mistake(PredictedRow(fields=fields, loss=None))
