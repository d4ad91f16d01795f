"""Ask the file system several things at once, and leave those that do not answer."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Answer = TypeVar("Answer")


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
