"""Run folders of one kind or another, written with the records that host and worker write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from echo import echo_request

from envkit.api.events import AnyEvent, Choice, Hello, Message, Metrics, Plan, Step, encode_event
from envkit.api.records import RunResult
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write_run(
    path: Path, *, result: RunResult | None = None, events: Iterable[AnyEvent] = (), **options: Any
) -> RunFolder:
    """Write a run that has ended with ``result``, a finished one without scores if none is given."""
    path.mkdir(parents=True)
    folder = RunFolder(path)
    folder.write_request(echo_request(**options))
    folder.events_file.write_bytes(b"".join(map(encode_event, events)))
    folder.write_result(result or RunResult(status="finished", task="echo"))
    return folder


def training(
    steps: int, *, scores: dict[int, float] | None = None, from_step: int | None = None
) -> list[AnyEvent]:
    """Return what a worker says that trains to ``steps``, with a score after some of them."""
    told: list[AnyEvent] = [
        Hello(time=0.0, pid=1, python="python", plugin="envkit-echo 0.1.0", from_step=from_step),
        Message(time=0.0, text="a row is empty", level="warning"),
        Choice(time=0.0, name="precision", value="float32", reason="it is exact"),
        Plan(time=0.0, steps=steps, epochs=2.0),
    ]
    for step in range((from_step or 0) + 1, steps + 1):
        told.append(Step(time=step, step=step, loss=1.0 / step, tokens=10 * step, learning_rate=0.1 / step))
        if step in (scores or {}):
            told.append(Metrics(time=step, step=step, values={"dev/echo_score": (scores or {})[step]}))
    return told
