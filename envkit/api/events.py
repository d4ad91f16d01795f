"""Events: the lines of a run's ``events.jsonl``, by which the worker tells the host what happens.

A line is one JSON object with its kind in ``event`` and seconds since the epoch in ``time``. Each worker
opens its account with ``hello``, which carries the version; a run that is resumed has several. Kinds and fields are only ever added: a reader skips the kinds that
it does not know and ignores unknown fields.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

EVENTS_VERSION = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What every event has."""

    time: float


class Hello(Event, frozen=True, kw_only=True, tag="hello"):
    """Begin the account of a worker: it runs.

    ``from_step`` is None where the run begins, the step of the checkpoint where it is resumed, and 0 where it
    is resumed but no checkpoint can be used. What earlier workers reported of later steps counts no more.
    """

    pid: int
    python: str
    plugin: str
    from_step: int | None = None
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


class Choice(Event, frozen=True, kw_only=True, tag="choice"):
    """Say what was chosen where the user left it open, and why: ``precision``, ``bfloat16``, the reason."""

    name: str
    value: str
    reason: str


class Measured(Event, frozen=True, kw_only=True, tag="measured"):
    """Report a figure about the run itself, such as ``padding_ratio`` or ``peak_gpu_bytes``; the last counts."""

    name: str
    value: float


class Refused(Event, frozen=True, kw_only=True, tag="refused"):
    """Say that a worker may not go on with the run and has changed nothing: what was before it still holds.

    ``after_hello`` says that its account was open already; all in it counts for nothing. ``traceback`` is set
    where a bug is why.
    """

    message: str
    exit_code: int
    after_hello: bool = False
    hint: str | None = None
    traceback: str | None = None


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    """Close the file: an error ended the run. ``traceback`` is set where the error is a bug.

    ``plugin`` is the distribution, with its version, whose code was at work; None where envkit's own was.
    """

    message: str
    exit_code: int
    hint: str | None = None
    traceback: str | None = None
    plugin: str | None = None


class Done(Event, frozen=True, kw_only=True, tag="done"):
    """Close the file: the run came to its end, or was stopped."""

    status: Literal["finished", "cancelled"]


AnyEvent = Hello | Phase | Message | Plan | Step | Metrics | Choice | Measured | Refused | Failed | Done
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class _Kind(msgspec.Struct):
    event: str


_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in get_args(AnyEvent))


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


class EventSplitter:
    """Cut a stream of bytes into events, however it arrives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[AnyEvent]:
        """Return the events that these bytes complete.

        Kinds of a newer envkit are left out, and so is a line that is none: a worker that was killed, or a
        disk that was full, may have cut it.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [event for line in lines if (event := _event(line)) is not None]


def _event(line: bytes) -> AnyEvent | None:
    if not line.strip():
        return None
    try:
        return decode_event(line)
    except ValueError:  # msgspec's errors are ValueErrors
        return None
