"""Ask the file system several things at once, and leave those that do not answer."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Answer = TypeVar("Answer")

# A disk that has gone to sleep takes longer than this; so does a server that is gone.
ANSWER_SECONDS = 3.0


def call_in_time(call: Callable[[], Answer], *, seconds: float) -> Answer:
    """Return what the call returns, or raise what it raises; a late one ends with a TimeoutError.

    It has a thread of its own, for the reason that ``call_each`` has, and the thread the same end.
    """
    answers: list[Answer] = []
    errors: list[Exception] = []

    def answer() -> None:
        try:
            answers.append(call())
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            errors.append(error)

    thread = threading.Thread(target=answer, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # this user may start no more: then nobody watches
        return call()
    thread.join(seconds)
    if answers:
        return answers[0]
    raise errors[0] if errors else TimeoutError(f"no answer in {seconds:g} s")


def find_silent(places: Sequence[Path], *, seconds: float) -> list[Path]:
    """Return the places whose file system does not even tell whether they are there."""
    answers = call_each([place.exists for place in places], seconds=seconds)
    return [place for place, answer in zip(places, answers, strict=True) if isinstance(answer, TimeoutError)]


def call_each(calls: Sequence[Callable[[], Answer]], *, seconds: float) -> list[Answer | OSError]:
    """Return what each call returned or the OSError it ended with; a late one's is a TimeoutError.

    Each call has a thread of its own, which a file system that does not answer may hold for ever: no signal
    ends a call that waits in the kernel. The thread does not keep this process alive.
    """
    answers: list[Answer | OSError] = [TimeoutError(f"no answer in {seconds:g} s") for _ in calls]

    def answer(place: int, call: Callable[[], Answer]) -> None:
        try:
            answers[place] = call()
        except OSError as error:
            answers[place] = error
        except ValueError as error:  # a path with a null byte
            answers[place] = OSError(str(error))

    threads = []
    deadline = time.monotonic() + seconds
    for place, call in enumerate(calls):
        thread = threading.Thread(target=answer, args=(place, call), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # this user may start no more
            answers[place] = OSError(str(error))
        else:
            threads.append(thread)
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(answers)  # a late thread writes to a list that nobody looks at any more
