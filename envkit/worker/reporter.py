"""Write a run's events: what the plugin reports, one line each, whatever threads it comes from."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from envkit.api.events import (
    AnyEvent,
    Choice,
    Done,
    Failed,
    Hello,
    Measured,
    Message,
    Metrics,
    Phase,
    Plan,
    Refused,
    Step,
    encode_event,
)
from envkit.worker.account import RunAccount

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.api.records import ErrorRecord, RunResult

Clock = Callable[[], float]


class EventFile:
    """Append events to a file, each by one write. A disk that is full loses events, never the run."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        size = os.fstat(self._descriptor).st_size
        # A worker before this one may have been killed in the middle of a line.
        self._is_torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def write(self, event: AnyEvent) -> None:
        """Append the event."""
        line = encode_event(event)
        if self._is_torn:  # half a line would swallow this event
            line = b"\n" + line
        try:
            self._is_torn = os.write(self._descriptor, line) < len(line)
        except OSError as error:
            sys.stderr.write(f"an event could not be written: {error}\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class EventReporter:
    """A ``Reporter`` whose calls become events. It times the phases; after ``end`` it says no more.

    ``account`` is what earlier workers of the run reported, and becomes that of all. ``now`` gives seconds
    since the epoch, ``elapsed`` seconds that never jump.
    """

    def __init__(
        self,
        write: Callable[[AnyEvent], None],
        *,
        account: RunAccount | None = None,
        now: Clock = time.time,
        elapsed: Clock = time.perf_counter,
    ) -> None:
        self.account = account or RunAccount()
        self._append = write
        self._now = now
        self._elapsed = elapsed
        # Reentrant: a signal handler or a warning's hook may report while a report is being written.
        self._lock = threading.RLock()
        self._has_begun = False
        self._ended = False
        self._phase: str | None = None
        self._phase_began = 0.0
        self._seconds: dict[str, float] = {}
        self._earlier_seconds: Mapping[str, float] = {}
        self._warned_of: set[str] = set()

    def hello(self, *, plugin: str, from_step: int | None = None) -> None:
        """Open the account of this worker; ``from_step`` is the step at which it goes on, where it resumes."""
        self._has_begun = True
        self._send(
            Hello(
                time=self._now(), pid=os.getpid(), python=sys.executable, plugin=plugin, from_step=from_step
            )
        )
        self._earlier_seconds = self.account.seconds

    def phase(self, name: str) -> None:
        """Begin the phase of this name, which ends the one before; begun again, it goes on."""
        with self._lock:
            if name == self._phase:
                return
            self._close_phase()
            self._phase = plain_text(name)
            self._send(Phase(time=self._now(), name=self._phase))

    def say(self, text: str) -> None:
        """Tell the user something."""
        self._message(text, "info")

    def warn(self, text: str) -> None:
        """Tell the user something that may need an answer."""
        self._message(text, "warning")

    def plan(self, *, steps: int, epochs: float) -> None:
        """Say how many optimizer steps there will be."""
        with self._never_failing("plan"):
            self._send(Plan(time=self._now(), steps=int(steps), epochs=float(epochs)))

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Report optimizer step ``step``. A loss that is no number is warned of once."""
        with self._never_failing("step"):
            mean = _finite(loss)
            if mean is None:
                self._warn_once("loss", f"the loss at step {int(step)} is {float(loss)}")
            rate = None if learning_rate is None else _finite(learning_rate)
            self._send(
                Step(time=self._now(), step=int(step), loss=mean, tokens=int(tokens), learning_rate=rate)
            )

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Report an evaluation. Values that are no numbers are left out, with a warning."""
        with self._never_failing("metrics"):
            self._send(Metrics(time=self._now(), step=int(step), values=self.numbers(values)))

    def choice(self, name: str, value: str, reason: str) -> None:
        """Report what was chosen where the user left it open, and why."""
        self._send(
            Choice(
                time=self._now(), name=plain_text(name), value=plain_text(value), reason=plain_text(reason)
            )
        )

    def measured(self, name: str, value: float) -> None:
        """Report a figure about the run itself. One that is no number is left out, with a warning."""
        with self._never_failing("measured"):
            for plain_name, number in self.numbers({name: value}).items():
                self._send(Measured(time=self._now(), name=plain_name, value=number))

    def numbers(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics as plain numbers; warn of those that are none and leave them out.

        JSON has no NaN: one would make the whole record unreadable.
        """
        found = {plain_text(name): _finite(value) for name, value in values.items()}
        for name in [name for name, value in found.items() if value is None]:
            self._warn_once(name, f"the metric {name} is not a finite number and is left out")
        return {name: value for name, value in found.items() if value is not None}

    def seconds(self) -> dict[str, float]:
        """Return the seconds that each phase has taken so far, those of earlier workers included."""
        with self._lock:
            self._close_phase()
            earlier = self._earlier_seconds
            phases = dict.fromkeys((*earlier, *self._seconds))
            return {phase: earlier.get(phase, 0.0) + self._seconds.get(phase, 0.0) for phase in phases}

    def refuse(self, error: ErrorRecord, put_back: Callable[[], None] = lambda: None) -> None:
        """Say as the last word that the worker may not go on, once ``put_back`` has undone what it did."""
        with self._lock:
            if not self._ended:
                self._ended = True
                try:
                    put_back()
                finally:
                    self._write(
                        Refused(
                            time=self._now(),
                            message=error.message,
                            exit_code=error.exit_code,
                            hint=error.hint,
                            traceback=error.traceback,
                            after_hello=self._has_begun,
                        )
                    )

    def end(self, result: RunResult, record: Callable[[RunResult], None]) -> bool:
        """Record the result, then say the last word. Only the first call counts: return whether it did."""
        with self._lock:
            if self._ended:
                return False
            self._ended = True
            try:
                record(result)
            finally:  # where the record cannot be written, the last event may still tell why
                self._write(_last_event(result, time=self._now()))
            return True

    def _write(self, event: AnyEvent) -> None:
        self.account = self.account.after(event)
        self._append(event)

    def _close_phase(self) -> None:
        now = self._elapsed()
        if self._phase is not None:
            self._seconds[self._phase] = self._seconds.get(self._phase, 0.0) + now - self._phase_began
        self._phase_began = now

    def _message(self, text: str, level: Literal["info", "warning"]) -> None:
        self._send(Message(time=self._now(), text=plain_text(text), level=level))

    def _warn_once(self, about: str, text: str) -> None:
        if about not in self._warned_of:
            self._warned_of.add(about)
            self.warn(text)

    def _send(self, event: AnyEvent) -> None:
        with self._lock:
            if not self._ended:
                self._write(event)

    @contextlib.contextmanager
    def _never_failing(self, call: str) -> Iterator[None]:
        try:
            yield
        except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
            self._warn_once(call, f"report.{call} was given what it cannot say: {error}")


def _last_event(result: RunResult, *, time: float) -> Done | Failed:
    if result.error is not None:
        error = result.error
        return Failed(
            time=time,
            message=error.message,
            exit_code=error.exit_code,
            hint=error.hint,
            traceback=error.traceback,
            plugin=error.plugin,
        )
    return Done(time=time, status="cancelled" if result.status == "cancelled" else "finished")


def _finite(value: Any) -> float | None:
    # float() also takes the scalars of NumPy and torch, which JSON does not know.
    number = float(value)
    return number if math.isfinite(number) else None


def plain_text(value: object) -> str:
    """Return the value's text without what UTF-8 cannot hold."""
    # File names that are not UTF-8 come as lone surrogates, which JSON cannot carry.
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
