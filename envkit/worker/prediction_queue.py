"""One prediction at a time: who asks waits in a line that has an end."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api import Inputs
    from envkit.worker.served_model import Outcome


class QueueFull(Exception):
    """Say that too many wait already."""


class QueueClosed(Exception):
    """Say that there will be no more predictions."""


class _Job:
    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.outcome: Outcome | None = None  # None, once it is done, where the queue was closed before
        self.is_done = threading.Event()


class PredictionQueue:
    """Bring questions from many threads to the one that has the model; ``most`` may wait beside the one in work."""

    def __init__(self, *, most: int) -> None:
        self._room = most + 1
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished: set[_Job] = set()
        self._is_closed = False

    def ask(self, inputs: Inputs) -> Outcome:
        """Wait for the prediction on these inputs and return it. Raises: QueueFull, QueueClosed."""
        job = _Job(inputs)
        with self._lock:
            if self._is_closed:
                raise QueueClosed
            if len(self._unfinished) >= self._room:
                raise QueueFull
            self._unfinished.add(job)
            self._jobs.put(job)
        job.is_done.wait()
        if job.outcome is None:
            raise QueueClosed
        return job.outcome

    def serve(self, predict: Callable[[Inputs], Outcome]) -> None:
        """Predict in this thread whatever is asked, in that order, until the queue is closed."""
        while (job := self._jobs.get()) is not None:
            outcome = predict(job.inputs)
            with self._lock:
                job.outcome = outcome
                self._unfinished.discard(job)
            job.is_done.set()

    def close(self) -> None:
        """Predict nothing more: whoever waits is told so."""
        with self._lock:
            self._is_closed = True
            waiting, self._unfinished = self._unfinished, set()
        self._jobs.put(None)
        for job in waiting:
            job.is_done.set()
