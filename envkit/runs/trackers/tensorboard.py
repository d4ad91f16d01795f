"""TensorBoard: one event file, ``<run>/tensorboard/events.out.tfevents.…``.

It is written with TensorBoard's own message types and record format, and with nothing more: its writer and its
helper for hyperparameters import tensorflow where that is installed, and tensorboardX imports torch.
"""

from __future__ import annotations

import os
import socket
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog, SourceMetadata
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboard.summary.writer.record_writer import RecordWriter

from envkit.api.events import Step
from envkit.runs.trackers.points import PointReader, hyperparameters, interval_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.api.events import AnyEvent
    from envkit.api.records import RunRequest, RunResult
    from envkit.runs.trackers.kinds import OpenedBy
    from envkit.worker.folder import RunFolder

_FLUSH_SECONDS = 2.0
_SESSION_START = SessionLog(status=SessionLog.START)


def open(opened_by: OpenedBy) -> TensorBoardTracker:
    """Begin an event file of this run that stands for any earlier one: the events hold all that those held."""
    folder = opened_by.folder
    tracker = TensorBoardTracker(folder, file=_new_event_file(folder.path / "tensorboard"))
    opened_by.say(f"TensorBoard: tensorboard --logdir {folder.path.parent}")
    return tracker


class TensorBoardTracker:
    """An event file of scalars by step, with the run's options as hyperparameters."""

    def __init__(self, folder: RunFolder, *, file: Path) -> None:
        self._folder = folder
        self._points = PointReader()
        self._writer = RecordWriter(file.open("wb"))
        self._flushed = time.monotonic()
        self._last_step = 0
        request = folder.read_request()
        self._last_time = began = datetime.fromisoformat(request.created).timestamp()
        self._write(
            wall_time=began, file_version="brain.Event:2", source_metadata=SourceMetadata(writer="envkit")
        )
        # TensorBoard forgets what it has read of later steps: here all of an earlier file.
        self._write(wall_time=began, step=0, session_log=_SESSION_START)
        self._write(wall_time=began, step=0, summary=_session_start(request, began=began))
        self._writer.flush()

    def event(self, event: AnyEvent) -> None:
        """Write the scalars that the event gives."""
        point = self._points.after(event)
        if isinstance(event, Step):
            if event.step <= self._last_step:  # a worker has resumed the run meanwhile
                self._write(wall_time=event.time, step=event.step, session_log=_SESSION_START)
            self._last_step = event.step
        if point is not None:
            self._last_time = point.time
            self._scalars(point.values, step=point.step, at=point.time)
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._writer.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        """Write the final metrics and their intervals under ``final/``, and whether the run finished."""
        result = self._folder.read_result()
        if result is not None:
            values = {**result.metrics, **interval_values(result.intervals)}
            final = {f"final/{name}": value for name, value in values.items()}
            self._scalars(final, step=self._last_step, at=self._last_time)
            end = _session_end(result, ended=self._last_time)
            self._write(wall_time=self._last_time, step=self._last_step, summary=end)
        self._writer.close()

    def _scalars(self, values: Mapping[str, float], *, step: int, at: float) -> None:
        if values:
            items = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
            self._write(wall_time=at, step=step, summary=Summary(value=items))

    def _write(self, **fields: Any) -> None:
        self._writer.write(Event(**fields).SerializeToString())


def _session_start(request: RunRequest, *, began: float) -> Summary:
    """Return the run's options as the hyperparameters' dashboard reads them."""
    start = SessionStartInfo(group_name=request.id, start_time_secs=began)
    for name, value in hyperparameters(request).items():
        match value:
            case bool():
                start.hparams[name].bool_value = value
            case int() | float():
                start.hparams[name].number_value = value
            case str():
                start.hparams[name].string_value = value
    return _hparams_summary(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start))


def _session_end(result: RunResult, *, ended: float) -> Summary:
    status = api_pb2.STATUS_SUCCESS if result.status == "finished" else api_pb2.STATUS_FAILURE
    end = SessionEndInfo(status=status, end_time_secs=ended)
    return _hparams_summary(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=end))


def _hparams_summary(tag: str, data: HParamsPluginData) -> Summary:
    value = Summary.Value(
        tag=tag, metadata=metadata.create_summary_metadata(data), tensor=metadata.NULL_TENSOR
    )
    return Summary(value=[value])


def _new_event_file(folder: Path) -> Path:
    """Return a new file's path in the folder. A TensorBoard that is open would stumble if one before it went."""
    folder.mkdir(exist_ok=True)
    # Readers take the files in the order of their names.
    return folder / f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
