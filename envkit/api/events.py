"""Events: the lines of a run's ``events.jsonl``, by which the worker tells the host what happens.

A line is one JSON object with its kind in ``event`` and seconds since the epoch in ``time``. The first
is ``hello`` and carries the version. Kinds and fields are only ever added: a reader skips the kinds that
it does not know and ignores unknown fields.
"""

from __future__ import annotations

from typing import Literal

import msgspec

EVENTS_VERSION = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What every event has."""

    time: float


class Hello(Event, frozen=True, kw_only=True, tag="hello"):
    """Open the file: the worker runs."""

    pid: int
    python: str
    plugin: str
    version: int = EVENTS_VERSION


class Phase(Event, frozen=True, kw_only=True, tag="phase"):
    """Begin a phase (``read``, ``load``, ``train``, ``evaluate``, ``save``); the one before it is over."""

    name: str


class Message(Event, frozen=True, kw_only=True, tag="message"):
    """Tell the user something."""

    text: str
    level: Literal["info", "warning"] = "info"


class Plan(Event, frozen=True, kw_only=True, tag="plan"):
    """Say how many optimizer steps there will be."""

    steps: int
    epochs: float


class Step(Event, frozen=True, kw_only=True, tag="step"):
    """Report a finished optimizer step.

    ``loss`` is the mean over the step's labelled items, None where that is no finite number; ``tokens``
    counts the real tokens (no padding) trained on since the start of this worker.
    """

    step: int
    loss: float | None
    tokens: int
    learning_rate: float | None = None


class Metrics(Event, frozen=True, kw_only=True, tag="metrics"):
    """Report an evaluation: names such as ``dev/entity_f1``, values as fractions of 1."""

    step: int
    values: dict[str, float]


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    """Close the file: an error ended the run. ``traceback`` is set where the error is a bug."""

    message: str
    exit_code: int
    hint: str | None = None
    traceback: str | None = None


class Done(Event, frozen=True, kw_only=True, tag="done"):
    """Close the file: the run came to its end, or was stopped."""

    status: Literal["finished", "cancelled"]


AnyEvent = Hello | Phase | Message | Plan | Step | Metrics | Failed | Done
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class _Kind(msgspec.Struct):
    event: str


_KINDS = frozenset({"hello", "phase", "message", "plan", "step", "metrics", "failed", "done"})


def encode_event(event: AnyEvent) -> bytes:
    """Return the event as one line, newline included."""
    return msgspec.json.encode(event) + b"\n"


def decode_event(line: bytes) -> AnyEvent | None:
    """Return the event on this line, or None for a kind from a newer envkit.

    Raises: msgspec.DecodeError for a line that is no event.
    """
    if msgspec.json.decode(line, type=_Kind).event not in _KINDS:
        return None
    return _decoder.decode(line)
