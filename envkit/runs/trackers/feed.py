"""Feed one tracker with one run, from the first event on, for as long as the run lasts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from envkit.api.events import Done, Failed, Metrics, Refused, Step
from envkit.runs.follow import EventTail, follow
from envkit.runs.trackers.points import counted_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.runs.trackers.kinds import Tracker
    from envkit.worker.folder import RunFolder

# Until one of these, a worker that resumes a run may yet find that it must not.
_DEEDS = (Step, Metrics, Failed, Refused, Done)
_POLL_SECONDS = 0.2  # nobody watches a chart more closely


def feed_tracker(
    folder: RunFolder,
    *,
    open: Callable[[], Tracker],
    is_over: Callable[[], bool],
    start: int = 0,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Open the tracker and hand it the events of the run until it is over, each step once.

    Where a worker is about to go on with the run, ``start`` is the size of the events file before it: the
    tracker waits until that worker has done something, which tells what of the earlier ones' still counts.
    """
    if start:
        news = EventTail(folder.events_file, start=start)
        while not is_over() and not any(isinstance(event, _DEEDS) for event in news.read()):
            sleep(_POLL_SECONDS)
    tracker = open()
    try:
        batches = follow(
            EventTail(folder.events_file),
            is_alive=lambda: not is_over(),
            sleep=lambda _: sleep(_POLL_SECONDS),
        )
        for event in counted_events(next(batches)):
            tracker.event(event)
        for batch in batches:
            for event in batch:
                tracker.event(event)
    finally:
        tracker.close()
