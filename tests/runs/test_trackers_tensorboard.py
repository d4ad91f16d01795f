"""TensorBoard, with its own library: what is written is read back as it reads it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo import echo_request, wait_until
from required import require_dists
from tracked_runs import finish, first_worker, losses, make_run, second_worker, track, write_events

from envkit.api.events import AnyEvent, Message
from envkit.runs.conduct import run_worker
from envkit.runs.folder import create_run
from envkit.runs.trackers.process import tracking

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.worker.folder import RunFolder

pytestmark = pytest.mark.slow


@pytest.fixture
def tensorboard() -> None:
    require_dists("trackers", "tensorboard")


def event_accumulator(folder: RunFolder) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder.path / "tensorboard")).Reload()


def scalar_points(reader: Any, name: str) -> list[tuple[int, float]]:
    return [(scalar.step, round(scalar.value, 4)) for scalar in reader.Scalars(name)]


def test_tensorboard_of_a_resumed_run_shows_each_step_once_and_the_end(
    tensorboard: None, tmp_path: Path
) -> None:
    folder = make_run(tmp_path, first_worker() + second_worker())
    finish(folder)

    said = track(folder, "tensorboard")
    reader = event_accumulator(folder)

    assert said == [f"TensorBoard: tensorboard --logdir {folder.path.parent}"]
    assert scalar_points(reader, "train/loss") == losses(1, 9)
    assert [point.wall_time for point in reader.Scalars("train/loss")][-1] == 209.0
    assert scalar_points(reader, "train/learning_rate")[0] == (1, 0.1)
    assert scalar_points(reader, "train/tokens_per_second")[-1] == (9, 10.0)
    assert scalar_points(reader, "dev/f1") == [(9, 0.5)]
    assert scalar_points(reader, "final/dev/f1") == [(9, 0.5)]
    assert scalar_points(reader, "final/dev/f1_low") == [(9, 0.25)]
    assert scalar_points(reader, "final/dev/f1_high") == [(9, 0.75)]


def test_tensorboard_shows_the_options_as_hyperparameters_of_the_run(
    tensorboard: None, tmp_path: Path
) -> None:
    from tensorboard.plugins.hparams import api_pb2, metadata

    folder = make_run(tmp_path, first_worker())
    finish(folder)

    track(folder, "tensorboard")
    content = event_accumulator(folder).SummaryMetadata
    start = metadata.parse_session_start_info_plugin_data(
        content(metadata.SESSION_START_INFO_TAG).plugin_data.content
    )
    end = metadata.parse_session_end_info_plugin_data(
        content(metadata.SESSION_END_INFO_TAG).plugin_data.content
    )

    assert start.group_name == folder.read_request().id
    assert start.hparams["epochs"].number_value == 2.5
    assert start.hparams["deaf"].bool_value is True
    assert start.hparams["task"].string_value == "echo"
    assert "train" not in start.hparams
    assert end.status == api_pb2.STATUS_SUCCESS


def test_tensorboard_that_is_open_while_a_run_is_resumed_forgets_what_is_done_again(
    tensorboard: None, tmp_path: Path
) -> None:
    folder = make_run(tmp_path, first_worker())
    track(folder, "tensorboard")
    reader = event_accumulator(folder)
    assert scalar_points(reader, "train/loss") == losses(1, 6)

    write_events(folder, second_worker())
    track(folder, "tensorboard")

    assert scalar_points(reader.Reload(), "train/loss") == losses(1, 9)
    assert scalar_points(event_accumulator(folder), "train/loss") == losses(1, 9)
    assert scalar_points(event_accumulator(folder), "dev/f1") == [(9, 0.5)]


def test_tensorboard_imports_neither_torch_nor_tensorflow(tensorboard: None, tmp_path: Path) -> None:
    for name in ("torch", "tensorflow"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)\n")
    folder = make_run(tmp_path, first_worker())

    track(folder, "tensorboard", {**os.environ, "PYTHONPATH": str(tmp_path)})

    assert scalar_points(event_accumulator(folder), "train/loss") == losses(1, 6)


def test_run_with_a_tracker_is_shown_as_it_goes_and_to_its_end(
    tensorboard: None, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    folder = create_run(echo_request(steps=30, pause=0.05), runs_dir=tmp_path / "runs")
    shown: list[AnyEvent] = []
    live: list[int] = []

    def show(event: AnyEvent) -> None:
        shown.append(event)
        if isinstance(event, Message) and "--logdir" in event.text:
            live.append(event_accumulator(folder).Tags()["scalars"] is not None)

    with tracking(["tensorboard"], folder, on_event=show, environ=echo_environ) as on_event:
        result = run_worker(folder, on_event=on_event, environ=echo_environ)

    assert result.status == "finished"
    assert live
    assert [point.step for point in event_accumulator(folder).Scalars("train/loss")] == list(range(1, 31))
    assert scalar_points(event_accumulator(folder), "final/dev/echo_score") == [(30, 1.0)]


def test_tracker_of_a_run_whose_host_is_killed_still_tells_its_end(
    tensorboard: None, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    folder = create_run(echo_request(steps=1000, pause=0.05), runs_dir=tmp_path / "runs")
    host = subprocess.Popen([sys.executable, "-c", HOST, str(folder.path)], env=echo_environ)
    try:
        wait_until(lambda: any((folder.path / "tensorboard").glob("*")))
        # A run that is stopped before its first step has no score to tell of.
        wait_until(lambda: folder.events_file.exists() and '"event":"step"' in folder.events_file.read_text())
    finally:
        host.send_signal(signal.SIGKILL)
        host.wait()

    wait_until(lambda: folder.read_result() is not None)
    wait_until(lambda: "final/dev/echo_score" in event_accumulator(folder).Tags()["scalars"])


HOST = """
import sys
from pathlib import Path
from envkit.runs.conduct import run_worker
from envkit.runs.trackers.process import tracking
from envkit.worker.folder import RunFolder
folder = RunFolder(Path(sys.argv[1]))
with tracking(["tensorboard"], folder, on_event=lambda event: None) as on_event:
    run_worker(folder, on_event=on_event)
"""
