"""Run an author's code on the host so that it harms nothing but itself, and note what it tried.

Not a sandbox: it contains what careless code does (it prints, exits, changes the working folder, leaves a thread),
in this process, at the cost of microseconds. What takes a process down from native code is left to the process of
its own in which ``envkit doctor`` and ``envkit plugin list`` load plugins.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api.deprecation import EnvkitDeprecationWarning
from envkit.registry.metadata import printable, shorten
from envkit.registry.output_aside import ASIDE, MOST_KEPT, OfOneThread, Printed, current_line, reopened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_INTERRUPTS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class CodeEnded(BaseException):
    """What an author's code gets instead of the end of the process; no ``except Exception`` of its own stops it."""


class CodeIsLate(CodeEnded):
    """The end of an author's code that took too long."""


class CodeInterrupted(CodeEnded):
    """A KeyboardInterrupt that the author's code raised, and no user."""


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What the code did besides: ``remarks`` in words (``prints 'hello'``), and what it uses that goes away.

    ``places`` has by remark the line of the package that did it, where one was asked for and is known.
    """

    remarks: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    deprecations: list[EnvkitDeprecationWarning] = field(default_factory=list)


@contextlib.contextmanager
def guarded(*, seconds: float | None = None, package: str = "") -> Iterator[Noted]:
    """Run what stands below it, for at most ``seconds``, and put back what it changes outside itself.

    Of ``package`` the lines are noted that do what is remarked.

    It gets an exception instead of the end of the process; what it and programs that it starts print goes to standard
    error; threads that it starts end with this process. Only in the main thread, which alone hears of signals, is the
    time limited. Not for two threads whose blocks overlap. Raises: CodeEnded, and whatever the code raises.
    """
    noted = Noted()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_own_changes(noted))
        stack.enter_context(_own_streams(noted))
        stack.enter_context(_own_warnings(noted, package))
        stack.enter_context(_own_output(noted, package))
        stack.enter_context(_own_threads(noted, package))
        stack.enter_context(_own_end())
        is_main = threading.current_thread() is threading.main_thread()
        stack.enter_context(_own_interrupts(_INTERRUPTS if is_main else ()))
        if seconds is not None and is_main:
            stack.enter_context(_limited(seconds))
        yield noted


@contextlib.contextmanager
def _own_changes(noted: Noted) -> Iterator[None]:
    environ, path, folder = dict(os.environ), list(sys.path), _folder()
    try:
        yield
    finally:
        changed = sorted(
            name for name in {*environ, *os.environ} if environ.get(name) != os.environ.get(name)
        )
        if changed:
            noted.remarks.append(f"changes the variables {_few(changed)}")
            for name in changed:
                if name in environ:
                    os.environ[name] = environ[name]
                else:
                    del os.environ[name]
        if sys.path != path:
            noted.remarks.append("changes sys.path")
            sys.path[:] = path
        if folder is not None and _folder() != folder:
            noted.remarks.append("changes the working folder")
            with contextlib.suppress(OSError):  # it is gone, and the code's own error is to be told
                os.chdir(folder)


@contextlib.contextmanager
def _own_streams(noted: Noted) -> Iterator[None]:
    """Put back what the code replaces or closes: without standard error, nobody would hear what is wrong with it."""
    # Beside another thread the main one may lead them elsewhere meanwhile, as a screen does, but never nowhere.
    is_main = threading.current_thread() is threading.main_thread()
    before = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    was_open = {name for name, stream in before.items() if not getattr(stream, "closed", True)}
    try:
        yield
    finally:
        for name, stream in before.items():
            now = getattr(sys, name)
            if now is not stream and (is_main or now is None):
                noted.remarks.append(f"replaces sys.{name}")
                setattr(sys, name, stream)
            if name in was_open and stream.closed and getattr(sys, name) is stream:
                noted.remarks.append(f"closes sys.{name}")
                setattr(sys, name, reopened(name))


@contextlib.contextmanager
def _own_warnings(noted: Noted, package: str) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as heard:
        warnings.filterwarnings("always", category=EnvkitDeprecationWarning)
        try:
            yield
        finally:
            others = []
            for each in heard:
                if isinstance(each.message, EnvkitDeprecationWarning):
                    noted.deprecations.append(each.message)
                else:
                    others.append(each)
            if others:
                told = _few([f"{each.category.__name__}: {each.message}" for each in others])
                is_own = package in Path(others[0].filename).with_suffix("").parts
                _remark(noted, f"warns: {told}", f"{others[0].filename}:{others[0].lineno}" if is_own else "")


@contextlib.contextmanager
def _own_output(noted: Noted, package: str) -> Iterator[None]:
    printed = Printed(package)
    # Descriptor 1 belongs to all threads: beside the main one, which may be printing, it stays as it is. Who loads
    # plugins there has it led aside before (`output_kept`).
    is_main = threading.current_thread() is threading.main_thread()
    target: Any = printed if is_main or sys.stdout is None else OfOneThread(printed, sys.stdout)
    try:
        with ASIDE if is_main else contextlib.nullcontext(), contextlib.redirect_stdout(target):
            yield
    finally:
        if printed.beginning:
            _remark(noted, f"prints {_few([printed.beginning])}", printed.place)


@contextlib.contextmanager
def _own_threads(noted: Noted, package: str) -> Iterator[None]:
    """Let no thread that the code starts outlive the command: Python waits for those that are no daemons."""
    start = threading.Thread.start
    here = threading.current_thread()
    started, places = [], []

    def start_as_daemon(thread: threading.Thread) -> None:
        if threading.current_thread() is here:  # envkit's own threads go on meanwhile
            thread.daemon = True
            started.append(thread.name)
            places.append(current_line(package))
        start(thread)

    threading.Thread.start = start_as_daemon  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        if started:
            _remark(noted, f"starts the thread {_few(started)}", places[0])


@contextlib.contextmanager
def _own_end() -> Iterator[None]:
    process, end = os.getpid(), os._exit

    def refuse(status: int) -> None:
        if os.getpid() != process:  # a child that the code forked may end
            end(status)
        raise CodeEnded(f"it would have ended its process with status {status!r} (os._exit)")

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = end


@contextlib.contextmanager
def _own_interrupts(numbers: tuple[int, ...]) -> Iterator[None]:
    """Turn a KeyboardInterrupt that none of these signals stands behind into an error of the code's."""
    before = {number: signal.getsignal(number) for number in numbers}
    heard = []

    def note(handler: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], Any]:
        def handle(number: int, frame: FrameType | None) -> None:
            heard.append(number)
            handler(number, frame)

        return handle

    noting = {number: note(handler) for number, handler in before.items() if callable(handler)}
    for number, handle in noting.items():
        signal.signal(number, handle)
    try:
        yield
    except KeyboardInterrupt as error:
        if heard:
            raise
        raise CodeInterrupted("it raises KeyboardInterrupt, as if the user had") from error
    finally:
        for number in noting:
            signal.signal(number, before[number])


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """End the code after this long. A timer that runs already goes on afterwards."""

    def end(number: int, frame: FrameType | None) -> None:
        raise CodeIsLate(f"it takes longer than {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, end)
    began = time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - began)))


def _remark(noted: Noted, text: str, place: str) -> None:
    noted.remarks.append(text)
    if place:
        noted.places[text] = place


def _few(texts: list[str]) -> str:
    first = shorten(printable(texts[0]))[:MOST_KEPT]
    return f"{first!r}" + (f" and {len(texts) - 1} more" if len(texts) > 1 else "")


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  # the text alone is compared
    except OSError:  # it was removed
        return None
