"""The process that loads plugins, seen from the doctor: a question, an answer, and an end that always comes."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, TypeVar

import msgspec

from envkit.doctor.child_process import ChildProcess, start_plugin_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.doctor.plugin_records import Request

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)
_LAST_WORDS_SECONDS = 0.2


class NoAnswer(Exception):
    """Report a plugin that took its process down, or with ``is_late`` one that let it hang."""

    def __init__(self, why: str, *, is_late: bool) -> None:
        super().__init__(why)
        self.why = why
        self.is_late = is_late


class PluginProcess:
    """A process that is started when it is first asked, and anew after an end; ``child`` is one that runs already."""

    def __init__(
        self, child: ChildProcess | None = None, *, start: Callable[[], ChildProcess] = start_plugin_child
    ) -> None:
        self._child = child
        self._start = start
        self._lock = threading.Lock()
        self._is_over = False

    def ask(self, request: Request, answer: type[AnswerT], *, timeout: float) -> AnswerT:
        """Return the answer; whoever comes second waits. Raises: NoAnswer, after which the process is gone."""
        with self._lock:
            child = self._running()
            try:
                line = child.exchange(msgspec.json.encode(request) + b"\n", time.monotonic() + timeout)
                return msgspec.json.decode(line, type=answer)
            except TimeoutError:
                self._end(child)
                raise NoAnswer(f"no answer in {timeout:g} s", is_late=True) from None
            except (OSError, msgspec.DecodeError) as error:
                status = self._end(child, patience=_LAST_WORDS_SECONDS)  # one that ended by itself tells how
                raise NoAnswer(_end_text(status, error), is_late=False) from error

    def stop(self) -> None:
        """End the process, if it runs; the next question starts another."""
        with self._lock:
            if self._child is not None:
                self._end(self._child)

    def abandon(self) -> None:
        """End the process at once, whoever waits for its answer, and start no other."""
        self._is_over = True
        child = self._child
        if child is not None:
            child.kill()

    def _running(self) -> ChildProcess:
        """Return the process, started if need be. Raises: NoAnswer."""
        try:
            child = self._child = self._child or self._start()
        except OSError as error:
            raise NoAnswer(f"no process could be started: {error.strerror}", is_late=False) from error
        if (
            self._is_over
        ):  # looked at after the process is known: whoever abandons it looks the other way round
            self._end(child)
            raise NoAnswer("nobody waits for it any more", is_late=True)
        return child

    def _end(self, child: ChildProcess, *, patience: float = 0.0) -> int | None:
        self._child = None
        return child.end(patience=patience)


def _end_text(status: int | None, error: Exception) -> str:
    if status is None:
        return f"its process gave no sensible answer: {error}"
    if status < 0:
        return f"its process was ended by {signal.Signals(-status).name}"
    return f"it ended its process with status {status}"
