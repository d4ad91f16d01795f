"""The order of a run, in this process, with the task `echo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request, install_source

from envkit.api.events import AnyEvent, Message, Phase
from envkit.api.records import MetricsRecord, ModelRecord, PluginRecord, RunRequest, RunResult
from envkit.worker.folder import RunFolder
from envkit.worker.reporter import EventReporter
from envkit.worker.stop import StopRequest
from envkit.worker.work import work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def events() -> list[AnyEvent]:
    return []


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


@pytest.fixture
def do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[AnyEvent], stop: StopRequest
) -> Callable[..., RunResult]:
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))

    def do(request: RunRequest, write: Callable[[AnyEvent], None] = events.append) -> RunResult:
        return work(RunFolder(tmp_path), request, report=EventReporter(write), stop=stop)

    return do


def test_work_stopped_before_it_began_reads_nothing(
    do: Callable[..., RunResult], stop: StopRequest, tmp_path: Path
) -> None:
    stop.ask()

    result = do(echo_request(fault="data"))  # reading would fail

    assert result.status == "cancelled"
    assert list(result.seconds) == ["environment", "read"]
    assert not (tmp_path / "model").exists()


def test_work_stopped_while_it_reads_never_loads(
    do: Callable[..., RunResult], stop: StopRequest, tmp_path: Path
) -> None:
    def stop_at_the_first_message(event: AnyEvent) -> None:
        if isinstance(event, Message):  # the plugin's, while it reads
            stop.ask()

    result = do(echo_request(), stop_at_the_first_message)

    assert result.status == "cancelled"
    assert list(result.seconds) == ["environment", "read"]
    assert not (tmp_path / "model").exists()


def test_work_with_a_stop_that_the_loop_never_heard_is_finished(
    do: Callable[..., RunResult], stop: StopRequest
) -> None:
    assert do(echo_request(steps=1, deaf=True)).status == "finished"


def test_work_with_options_that_the_plugin_does_not_know_blames_the_request(
    do: Callable[..., RunResult],
) -> None:
    result = do(echo_request(colour="blue"))

    assert result.error is not None
    assert result.error.exit_code == 5
    assert "envkit-echo 0.1.0" in result.error.message
    assert "colour" in result.error.message


def test_work_with_another_version_of_the_plugin_warns(
    do: Callable[..., RunResult], events: list[AnyEvent]
) -> None:
    request = msgspec.structs.replace(
        echo_request(), plugin=PluginRecord(distribution="envkit-echo", version="0.2.0")
    )

    assert do(request).status == "finished"
    (warning,) = [event.text for event in events if isinstance(event, Message) and event.level == "warning"]
    assert "holds envkit-echo 0.1.0" in warning
    assert "asked of envkit-echo 0.2.0" in warning


def test_work_says_its_phases_and_times_them(do: Callable[..., RunResult], events: list[AnyEvent]) -> None:
    result = do(echo_request(steps=1))

    names = [event.name for event in events if isinstance(event, Phase)]
    assert names == ["read", "load", "train", "evaluate"]
    assert list(result.seconds) == ["environment", *names]


def test_work_with_table_cells_that_json_lacks_records_what_they_say(
    do: Callable[..., RunResult],
) -> None:
    result = do(echo_request(steps=0, odd_cells=True))

    assert result.tables[0].rows == [["caf\\udce9", "-", "1/2", 3]]
    assert msgspec.json.decode(msgspec.json.encode(result), type=RunResult) == result


def test_work_records_the_metrics_with_what_they_came_of(
    do: Callable[..., RunResult], tmp_path: Path
) -> None:
    data = tmp_path / "train.txt"
    data.write_text("one\n")

    result = do(echo_request(steps=4, checkpoint_every=2, train=str(data), seed=7))

    record = msgspec.json.decode((tmp_path / "metrics.json").read_bytes(), type=MetricsRecord)
    assert (record.status, record.metrics, record.seconds) == ("finished", result.metrics, result.seconds)
    assert [evaluation.step for evaluation in record.evaluations] == [2, 4]
    assert record.intervals == result.intervals == {"dev/echo_score": (0.5, 1.0)}
    assert record.scorer == "echo 1"
    assert (record.steps, record.tokens, record.seed, record.padding_ratio) == (4, 40, 7, 1.25)
    assert record.choices["precision"].value == "integer"
    assert [(file.path, file.size) for file in record.data] == [(str(data), 4)]
    assert record.options["steps"].value == 4
    assert "envkit-ml" in record.packages


@pytest.mark.parametrize(
    ("asked", "headline"), [(None, "echo_score"), ("dev/support", "support"), ("loss", "echo_score")]
)
def test_work_records_the_metric_that_chose_the_model_if_it_has_its_score(
    do: Callable[..., RunResult], tmp_path: Path, asked: str | None, headline: str
) -> None:
    result = do(echo_request(steps=2, chooses_by=asked))

    model = msgspec.json.decode((tmp_path / "model" / "envkit.json").read_bytes(), type=ModelRecord)
    assert (result.headline, model.headline) == (headline, headline)


def test_work_that_fails_records_what_it_had_come_to(do: Callable[..., RunResult], tmp_path: Path) -> None:
    assert do(echo_request(steps=4, checkpoint_every=2, fault="memory")).status == "failed"

    record = msgspec.json.decode((tmp_path / "metrics.json").read_bytes(), type=MetricsRecord)
    assert (record.status, record.steps, record.metrics) == ("failed", 4, {})
    assert [evaluation.step for evaluation in record.evaluations] == [2, 4]


def test_work_whose_metrics_cannot_be_written_warns_and_keeps_its_result(
    do: Callable[..., RunResult], tmp_path: Path, events: list[AnyEvent]
) -> None:
    (tmp_path / "metrics.json" / "in the way").mkdir(parents=True)

    assert do(echo_request(steps=1)).status == "finished"
    (warning,) = [event.text for event in events if isinstance(event, Message) and event.level == "warning"]
    assert "metrics.json could not be written" in warning
