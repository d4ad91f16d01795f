"""The processes that trackers live in. What happens in one harms no run: it is killed, or told of in a line."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from envkit.api.events import EventSplitter, Message
from envkit.runs.trackers.kinds import TRACKERS, track_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from envkit.api.events import AnyEvent
    from envkit.worker.folder import RunFolder

_PATIENCE_SECONDS = 60.0  # after the end of a run, for what is still to be sent
_EXIT_SECONDS = 15.0  # beyond that, for a library that keeps to it
_POLL_SECONDS = 0.03
_SILENT_SECONDS = 2.0  # before the user is told what is being waited for


class TrackerProcess:
    """A tracker at work. ``stop`` it, or ``kill`` it, in the end."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], *, folder: RunFolder) -> None:
        self.name = name
        self.folder = folder
        self._process = process
        self._splitter = EventSplitter()
        self._is_silent = False
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)

    def messages(self) -> list[Message]:
        """Return what it has said since the last call."""
        stream = self._process.stdout
        assert stream is not None
        if self._is_silent or not select.select([stream], [], [], 0)[0]:
            return []
        chunk = os.read(stream.fileno(), 65536)
        self._is_silent = not chunk
        return [event for event in self._splitter.feed(chunk) if isinstance(event, Message)]

    def has_ended(self) -> bool:
        """Tell whether it is over and all is read that it said."""
        return self._is_silent and self._process.poll() is not None

    def stop(self) -> None:
        """Tell it that the run is over: it writes out what it has, and ends."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def kill(self) -> int:
        """End it, whatever it does, and return its exit code."""
        self.stop()
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self._process.wait()


def start_tracker(
    name: str,
    folder: RunFolder,
    *,
    start: int = 0,
    patience: float | None = None,
    environ: Mapping[str, str] = os.environ,
    python: str = sys.executable,
) -> TrackerProcess:
    """Start a tracker for this run, by the events after byte ``start`` if a worker is about to write some.

    It runs in this interpreter. Raises: OSError.
    """
    # -P: a folder `wandb` where the user works would be imported in the library's place.
    command = [python, "-P", "-m", "envkit.runs.trackers", str(folder.path), "--to", name]
    command += ["--start", str(start)]
    if patience is not None:
        command += ["--patience", f"{patience:g}"]
    with log_file(folder).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            # The library would report its own errors to its makers: only where the user says so.
            env={"WANDB_ERROR_REPORTING": "false", **environ},
            start_new_session=True,  # Ctrl-C in the terminal reaches the host alone
        )
    return TrackerProcess(name, process, folder=folder)


@contextlib.contextmanager
def tracking(
    names: Sequence[str],
    folder: RunFolder,
    *,
    on_event: Callable[[AnyEvent], None],
    patience: float = _PATIENCE_SECONDS,
    grace: float = _EXIT_SECONDS,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Callable[[AnyEvent], None]]:
    """Track the run that a worker is about to make in this folder.

    Gives what to call with each event in place of ``on_event``, to which the trackers' messages go as well. At
    the end they may take ``patience`` seconds for what is left, their libraries
    ``grace`` seconds more to end, and Ctrl-C ends the wait.
    """
    start = folder.events_file.stat().st_size if folder.events_file.exists() else 0
    trackers = []
    for name in names:
        try:
            trackers.append(start_tracker(name, folder, start=start, patience=patience, environ=environ))
        except OSError as error:
            on_event(_warning(f"{TRACKERS[name].title} is not told of this run: {error}"))

    def pass_on(event: AnyEvent) -> None:
        on_event(event)
        for tracker in trackers:
            for message in tracker.messages():
                on_event(message)

    try:
        yield pass_on
        with contextlib.suppress(KeyboardInterrupt):
            wait_for_trackers(trackers, on_message=on_event, seconds=patience + grace)
    finally:
        for tracker in trackers:
            tracker.kill()


def wait_for_trackers(
    trackers: Sequence[TrackerProcess],
    *,
    on_message: Callable[[Message], None],
    seconds: float | None = None,
) -> list[str]:
    """Let the trackers come to their end, at most for so many seconds, and return the names of those that failed.

    Messages are handed on as they come, and one of the host's own for each that fails without a word.
    """
    began = time.monotonic()
    is_told = False
    for tracker in trackers:
        tracker.stop()
    waiting = list(trackers)
    failed = []
    while waiting and (seconds is None or time.monotonic() - began < seconds):
        time.sleep(_POLL_SECONDS)
        for tracker in list(waiting):
            for message in tracker.messages():
                on_message(message)
            if tracker.has_ended():
                waiting.remove(tracker)
                code = tracker.kill()
                if code != 0:
                    failed.append(tracker.name)
                if code not in (0, 1):  # 1: it has said itself what went wrong
                    on_message(
                        _warning(f"{_title(tracker)} ended with code {code}: see {log_file(tracker.folder)}")
                    )
        if waiting and not is_told and time.monotonic() - began > _SILENT_SECONDS:
            is_told = True
            titles = " and ".join(map(_title, waiting))
            on_message(Message(time=time.time(), text=f"{titles} still at work. Ctrl-C ends the wait."))
    for tracker in waiting:
        tracker.kill()
        failed.append(tracker.name)
        text = f"{_title(tracker)} took too long and has not all of the run"
        on_message(_warning(f"{text}. Later: {track_command(tracker.folder, tracker.name)}"))
    return failed


def log_file(folder: RunFolder) -> Path:
    """Return where everything goes that the libraries of trackers print."""
    return folder.path / "trackers.log"


def _title(tracker: TrackerProcess) -> str:
    return TRACKERS[tracker.name].title


def _warning(text: str) -> Message:
    return Message(time=time.time(), text=text, level="warning")
