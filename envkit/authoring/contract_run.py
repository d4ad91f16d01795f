"""Have a plugin's promises tried in a process, and in another where that one has ended: each gets an answer."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

from envkit.api import EnvError
from envkit.authoring.check_worker import Answer, Begun, Ended, Order, Ready, Refused, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

CHECK_SECONDS = 300.0
# Importing torch from a cold disk takes most of a minute.
START_SECONDS = 180.0
_PROGRAM = "import sys; sys.path[:0] = sys.argv[2:]; from envkit.authoring.check_worker import main; main()"
_LAST_WORDS_SECONDS = 1.0
_KEPT_LINES = 200
_SHOWN_LINES = 6
# The head of a dump and of its threads, and bars of progress.
_NO_WORDS = re.compile(r"^(Timeout \(|(Current thread|Thread) 0x|  \.\.\.$)|\d%\|")
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where promises are tried.

    ``is_isolated`` leaves out what variables and the user's own folder would bring into an environment that was
    made; ``site`` is a folder that comes first on its search path, None for none. ``inherited`` files stay open.
    """

    python: str
    environ: Mapping[str, str]
    is_isolated: bool = False
    site: Path | None = None
    inherited: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How a promise was kept: ``problem`` is None where it was, ``evidence`` what shows that it was not.

    ``unchecked`` says why nobody could tell, None where it was tried.
    """

    name: str
    seconds: float = 0.0
    problem: str | None = None
    unchecked: str | None = None
    evidence: tuple[str, ...] = ()


class OnBegin(Protocol):
    """Hear that a check begins."""

    def __call__(self, name: str) -> None:
        """Take note."""


class NothingToTry(Exception):
    """Report a plugin without a contract that can be tried; ``place`` is a line of its own, if one is to blame."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place


def try_promises(
    suite: Suite,
    module: str,
    names: Sequence[str],
    *,
    folder: Path,
    workplace: Workplace,
    given: str = "",
    seconds: float = CHECK_SECONDS,
    start_seconds: float = START_SECONDS,
    on_begin: OnBegin = lambda name: None,
) -> Iterator[Tried]:
    """Yield how each check of a suite went, in their order, whatever becomes of the process that tries it.

    Raises: NothingToTry where there is no contract, EnvError where no process can be started.
    """
    left = list(names)
    number = 0
    while left:
        number += 1
        place = folder / f"worker-{number}"
        with _Worker(suite, module, left, place, workplace, given=given, seconds=seconds) as worker:
            for tried in worker.follow(seconds=seconds, start_seconds=start_seconds, on_begin=on_begin):
                left.remove(tried.name)
                yield tried


class _Worker:
    """A process at work, and the last of what it prints."""

    def __init__(
        self,
        suite: Suite,
        module: str,
        names: Sequence[str],
        folder: Path,
        workplace: Workplace,
        *,
        given: str,
        seconds: float,
    ) -> None:
        self._package, self._count = module.partition(".")[0], len(names)
        reader, writer = os.pipe()
        order = Order(
            suite=suite,
            module=module,
            names=tuple(names),
            folder=str(folder),
            seconds=seconds,
            answers=writer,
            host=os.getpid(),
            given=given,
        )
        site = [str(workplace.site)] if workplace.site is not None else []
        flag = "-I" if workplace.is_isolated else "-P"
        text = msgspec.json.encode(order).decode()
        try:
            self._process = subprocess.Popen(
                [workplace.python, flag, "-u", "-X", "faulthandler", "-c", _PROGRAM, text, *site],
                env={
                    "OMP_NUM_THREADS": "1",
                    **workplace.environ,
                },  # a tiny model's threads wait for each other
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writer, *workplace.inherited),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reader)
            raise EnvError(
                f"the interpreter {workplace.python} does not start: {error.strerror}",
                hint="To see the environments: envkit env list",
            ) from error
        finally:
            os.close(writer)
        self._answers = reader
        self._rest = b""
        self._lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._listener = threading.Thread(target=self._listen, name="check-output", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        os.close(self._answers)

    def follow(self, *, seconds: float, start_seconds: float, on_begin: OnBegin) -> Iterator[Tried]:
        """Yield what was tried; of the one that ended the process, that it did. Raises: NothingToTry."""
        current, began, limit, left = "", time.monotonic(), start_seconds, self._count
        while left:
            try:
                answer = self._next(began + limit)
            except TimeoutError:
                self._end()
                problem = f"it did not end within {limit:g} s"
                break
            if answer is None:
                problem = _death(self._end(patience=_LAST_WORDS_SECONDS))
                break
            match answer:
                case Refused():
                    raise NothingToTry(answer.problem, answer.place)
                case Begun():
                    current, began, limit = answer.name, time.monotonic(), seconds
                    on_begin(current)
                case Ended():
                    is_bad = answer.place and answer.problem is not None
                    yield Tried(
                        name=answer.name,
                        seconds=answer.seconds,
                        problem=answer.problem,
                        unchecked=answer.unchecked,
                        evidence=(answer.place,) if is_bad else (),
                    )
                    current, left = "", left - 1
                case Ready():
                    began = time.monotonic()
        else:
            return
        if not current:
            raise NothingToTry(f"the process that tries its promises does not begin: {problem}")
        took = round(time.monotonic() - began, 3)
        yield Tried(name=current, seconds=took, problem=problem, evidence=self._evidence())

    def _next(self, deadline: float) -> Answer | None:
        """Return the next answer, None at the end of the process. Raises: TimeoutError."""
        os.set_blocking(self._answers, False)
        while b"\n" not in self._rest:
            has_ended = self._process.poll() is not None  # asked before the pipe is
            with contextlib.suppress(BlockingIOError):
                chunk = os.read(self._answers, 1 << 16)
                if not chunk:
                    return None
                self._rest += chunk
                continue
            if has_ended:  # a child of it may hold the pipe open
                return None
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.02)
        line, _, self._rest = self._rest.partition(b"\n")
        answer: Answer = msgspec.json.decode(line, type=Answer)
        return answer

    def _end(self, *, patience: float = 0.0) -> int:
        """End the process and all that it started, and return how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._listener.join(timeout=_LAST_WORDS_SECONDS)
        return status

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while line := output.readline(1 << 16):
                self._lines.append(line.decode("utf-8", "replace").rstrip())

    def _evidence(self) -> tuple[str, ...]:
        """Return the line of the plugin's where it was, as far as its last words tell, and those words."""
        lines = [line for line in self._lines if line]
        folder = f"{os.sep}{self._package}{os.sep}"
        # A dump has the innermost call first.
        places = [
            f"{m['file']}:{m['line']}" for line in lines if (m := _FRAME.search(line)) and folder in m["file"]
        ]
        said = [line for line in lines if not _FRAME.search(line) and not _NO_WORDS.search(line)]
        return (*places[:1], *said[-_SHOWN_LINES:])


def _death(status: int) -> str:
    """Return in words how a process ended that had not done all."""
    if status >= 0:
        return f"it ended the process with status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
    memory = ", most likely by the system because memory ran out" if -status == signal.SIGKILL else ""
    return f"its process was killed by {name}{memory}"
