"""Using a saved model, in this process, with the task `echo`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import install_source
from echo_model import echo_record, predict_request, save_echo_model, score_request

from envkit.api.events import AnyEvent, Message, Phase
from envkit.worker.reporter import EventReporter
from envkit.worker.rows_out import RowsFile
from envkit.worker.use import use
from envkit.worker.use_request import AnyUse, Scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api.records import RunResult


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_echo_model(tmp_path / "model")


@pytest.fixture
def events() -> list[AnyEvent]:
    return []


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def do(out: Path, events: list[AnyEvent]) -> Callable[..., RunResult]:
    """Use a model; what comes of it goes to ``out``, the predictions behind scores beside it."""

    def do(request: AnyUse, *, keep: bool = False) -> RunResult:
        with out.open("wb") as results, out.with_suffix(".jsonl").open("wb") as kept:
            return use(
                request,
                report=EventReporter(events.append),
                results=RowsFile(results.fileno()),
                predictions=RowsFile(kept.fileno()) if keep else None,
            )

    return do


def messages(events: list[AnyEvent]) -> list[tuple[str, str]]:
    return [(event.level, event.text) for event in events if isinstance(event, Message)]


def test_use_to_predict_writes_a_row_a_text_in_their_order(
    do: Callable[..., RunResult], model: Path, out: Path, events: list[AnyEvent]
) -> None:
    end = do(predict_request(model, "good", "bye", device="cpu"))

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert end.status == "finished"
    assert [(row["text"], row["label"], row["device"], row["count"]) for row in rows] == [
        ("good", "GOOD", "cpu", 5),
        ("bye", "BYE", "cpu", 5),
    ]
    assert [event.name for event in events if isinstance(event, Phase)] == ["load", "predict"]


def test_use_to_predict_passes_on_what_else_stands_in_a_row(
    do: Callable[..., RunResult], model: Path, tmp_path: Path, out: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"id": 7, "text": "good"}\n')

    do(predict_request(model, file=str(file)))

    assert next(iter(json.loads(out.read_text()))) == "id"


@pytest.mark.parametrize(
    ("text", "code", "message", "hint", "is_bug"),
    [
        ("data", 2, "echo.txt:3: there is nothing to echo", "Write something", False),
        ("raise", 5, "envkit-echo 0.1.0 failed: KeyError", "https://example.org/envkit-echo/issues", True),
        ("exit", 5, "envkit-echo 0.1.0 tried to end the process", "/issues", True),
        ("memory", 1, "the memory is too small for this model", "--device cpu", False),
        ("odd", 5, "JSON does not have", None, True),
    ],
)
def test_use_that_fails_says_why_and_whose_turn_it_is(
    do: Callable[..., RunResult],
    model: Path,
    out: Path,
    text: str,
    code: int,
    message: str,
    hint: str | None,
    is_bug: bool,
) -> None:
    end = do(predict_request(model, text))

    assert end.error is not None
    assert (end.status, end.error.exit_code) == ("failed", code)
    assert message in end.error.message
    assert (hint or "") in (end.error.hint or "")
    assert (end.error.traceback is not None) == is_bug
    assert out.read_bytes() == b""


def test_use_after_an_error_leaves_the_rows_that_were_known(
    do: Callable[..., RunResult], model: Path, out: Path
) -> None:
    do(predict_request(model, "good", "data"))

    assert len(out.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("record", "code", "words"),
    [
        (echo_record(task="gone"), 6, "has no plugin for 'gone': envkit-echo 0.1.0"),
        (echo_record(older_option=1), 5, "the model's options do not fit envkit-echo 0.1.0"),
        (echo_record(steps=-1), 5, "steps = -1 does not fit: expected a whole number >= 0"),
    ],
)
def test_use_of_a_model_that_does_not_fit_names_its_plugin(
    do: Callable[..., RunResult], model: Path, record: Any, code: int, words: str
) -> None:
    end = do(predict_request(model, "good", record=record))

    assert end.error is not None
    assert end.error.exit_code == code
    assert words in end.error.message


def test_use_by_another_version_of_the_plugin_says_so(
    do: Callable[..., RunResult], model: Path, events: list[AnyEvent]
) -> None:
    end = do(predict_request(model, "good", record=echo_record(version="0.0.9")))

    assert end.status == "finished"
    assert messages(events) == [
        ("info", "The model was made by envkit-echo 0.0.9 and is used by envkit-echo 0.1.0")
    ]


def test_use_in_columns_of_a_task_that_labels_no_words_is_refused(
    do: Callable[..., RunResult], model: Path
) -> None:
    end = do(predict_request(model, "good", to="conll", record=echo_record(words=False)))

    assert end.error is not None
    assert (end.error.exit_code, end.error.hint) == (2, "Take --to jsonl")
    assert "echo labels no words" in end.error.message


def test_use_whose_reader_has_left_ends_without_an_error(model: Path, events: list[AnyEvent]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        end = use(
            predict_request(model, "good"),
            report=EventReporter(events.append),
            results=RowsFile(writer),
            predictions=None,
        )
    finally:
        os.close(writer)

    assert (end.status, end.error) == ("cancelled", None)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_use_whose_output_has_no_room_says_so(model: Path, events: list[AnyEvent]) -> None:
    with Path("/dev/full").open("wb") as full:
        end = use(
            predict_request(model, "good"),
            report=EventReporter(events.append),
            results=RowsFile(full.fileno()),
            predictions=None,
        )

    assert end.error is not None
    assert end.error.message == "the output cannot be written: No space left on device"
    assert (end.error.exit_code, end.error.traceback) == (1, None)


def test_use_to_score_gives_scores_and_the_rows_behind_them(
    do: Callable[..., RunResult], model: Path, tmp_path: Path, out: Path, events: list[AnyEvent]
) -> None:
    file = tmp_path / "test.txt"
    file.write_text("LOUD\nsoft\n")

    end = do(score_request(model, file), keep=True)

    scores = msgspec.json.decode(out.read_bytes(), type=Scores)
    rows = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert end.status == "finished"
    assert (scores.headline, scores.metrics["test/echo_score"]) == ("echo_score", 0.5)
    assert scores.intervals == {"test/echo_score": (0.25, 0.5)}
    assert scores.tables[0].rows == [["all", 2]]
    assert (scores.kept, [row["is_right"] for row in rows]) == (2, [True, False])
    assert messages(events) == [("warning", "an echo is no proof")]


def test_use_to_score_shows_no_interval_where_no_resample_could_differ(
    do: Callable[..., RunResult], model: Path, tmp_path: Path, out: Path
) -> None:
    file = tmp_path / "test.txt"
    file.write_text("soft\nsofter\n")

    do(score_request(model, file), keep=True)

    scores = msgspec.json.decode(out.read_bytes(), type=Scores)
    assert scores.metrics["test/echo_score"] == 0
    assert scores.intervals == {}


def test_use_to_score_with_an_option_that_the_task_lacks_is_refused_by_name(
    do: Callable[..., RunResult], model: Path, tmp_path: Path
) -> None:
    end = do(score_request(model, tmp_path / "test.txt", encoding="latin-1"))

    assert end.error is not None
    assert (end.error.message, end.error.exit_code) == ("the task echo knows no --encoding", 2)


def test_use_to_predict_with_a_column_of_texts_in_a_task_that_has_none_is_refused(
    do: Callable[..., RunResult], model: Path
) -> None:
    end = do(predict_request(model, "good", text_column="body"))

    assert end.error is not None
    assert (end.error.message, end.error.exit_code) == ("the task echo knows no --text-column", 2)
