"""A run through the worker's own way, in this process: its records are those of any run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import SOURCE

from envkit.api import DataError, Options, Result, Task, hookimpl
from envkit.api.events import Done, Hello
from envkit.testing import run_in_worker
from envkit.testing.worker_trial import resume_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.testing import AddedPlugins, WorkerTrial


class Counting(Options, frozen=True, kw_only=True):
    """Options of a loop that counts rows."""

    speed: int = 1


class Counter:
    """A task that counts the lines of its file."""

    @hookimpl
    def envkit_task(self) -> Task:
        return Task(options=Counting, headline="lines")

    @hookimpl
    def envkit_read(self, request: Any) -> list[str]:
        lines = request.options.train.read_text().splitlines()
        if not lines:
            raise DataError("there is no line", file=request.options.train, hint="Write one")
        return lines

    @hookimpl
    def envkit_finetune(self, run: Any) -> Result:
        for step, _ in enumerate(run.data, start=1):
            run.report.step(step, loss=1 / step, tokens=step)
            if run.should_stop():
                break
        run.report.metrics(step, {"dev/lines": step})
        (run.model_dir / "model.txt").write_text(run.options.device)
        return Result(metrics={"dev/lines": step / len(run.data)})


@pytest.fixture
def count(
    envkit_registry: AddedPlugins, worker_run: Callable[..., WorkerTrial]
) -> Callable[..., WorkerTrial]:
    envkit_registry.add(Counter(), name="count", version="2.0")
    return worker_run


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    file = tmp_path / "lines.txt"
    file.write_text("a\nb\nc\nd\n")
    return file


def test_worker_run_reads_fine_tunes_and_records(count: Callable[..., WorkerTrial], lines: Path) -> None:
    trial = count("count", {"train": lines, "speed": 3})

    assert trial.metrics == {"dev/lines": 1.0}
    assert trial.steps == (1, 2, 3, 4)
    assert trial.evaluations == ({"dev/lines": 4.0},)
    assert isinstance(trial.events[0], Hello)
    assert trial.events[0].plugin == "envkit-count 2.0"
    assert isinstance(trial.events[-1], Done)
    assert (trial.model_dir / "model.txt").read_text() == "cpu"
    request = msgspec.json.decode((trial.folder / "request.json").read_bytes())
    assert (request["options"]["speed"], request["options"]["train"]) == (3, str(lines))
    assert (trial.folder / "model" / "envkit.json").is_file()


def test_worker_run_told_to_stop_ends_as_cancelled(count: Callable[..., WorkerTrial], lines: Path) -> None:
    trial = count("count", {"train": lines}, stop_after=2, status="cancelled")

    assert trial.steps == (1, 2)
    assert trial.metrics == {"dev/lines": 0.5}


def test_worker_run_that_fails_says_why_unless_that_was_expected(
    count: Callable[..., WorkerTrial], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()

    with pytest.raises(
        AssertionError, match=r"(?s)count failed, expected finished.*there is no line.*hint: Write one"
    ):
        count("count", {"train": empty})
    failed = count("count", {"train": empty}, status="failed")

    assert failed.result.error is not None
    assert failed.result.error.exit_code == 2
    with pytest.raises(AssertionError, match="saved no model"):
        _ = failed.model_dir


def test_worker_run_with_options_that_the_task_does_not_take_refuses(
    count: Callable[..., WorkerTrial], lines: Path
) -> None:
    with pytest.raises(msgspec.ValidationError, match="there is no option speeed"):
        count("count", {"train": lines, "speeed": 3})


def test_worker_run_of_a_relative_file_reads_it_from_the_working_folder(
    count: Callable[..., WorkerTrial], lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lines.parent)

    assert count("count", {"train": "lines.txt"}).metrics == {"dev/lines": 1.0}


@pytest.fixture
def echo(envkit_registry: AddedPlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SOURCE / "src")
    from envkit_echo import plugin

    envkit_registry.add(plugin, name="echo")


@pytest.mark.torch
def test_worker_run_of_a_loop_of_parts_is_stopped_and_resumed_to_the_same_end(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "plugins/envkit-ner/src/envkit_ner/sample"
    options = {
        "train": sample / "train.conll",
        "dev": sample / "dev.conll",
        "max_steps": 6,
        "checkpoint_every": 2,
        "learning_rate": 5e-3,
    }

    straight = run_in_worker("ner", options, folder=tmp_path / "straight")
    stopped = run_in_worker("ner", options, folder=tmp_path / "cut", stop_after=3, status="cancelled")
    resumed = resume_in_worker(stopped)

    assert stopped.steps == (1, 2, 3)
    assert resumed.steps[-3:] == (4, 5, 6)
    assert resumed.metrics == straight.metrics
    weights = [trial.model_dir / "model.safetensors" for trial in (straight, resumed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
