"""Progress of a run while it goes on: one live line in a terminal, plain lines anywhere else."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Protocol, Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from envkit.api.events import Choice, Hello, Message, Metrics, Phase
from envkit.api.metric_names import find_headline
from envkit.cli.lines import SECONDS_BETWEEN_LINES, Lines, bytes_text
from envkit.cli.render import print_wrapped, screen, seconds_text
from envkit.runs.progress import RunProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console

    from envkit.api.events import AnyEvent

_LONG_SECONDS = 3.0  # from then on the screen says how long a step has taken
_BESIDE_STEP = 28  # columns for the bar and the seconds


class RunScreen(Protocol):
    """What shows the making of an environment and then the events of a run, all of it on stderr."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, text: str) -> None:
        """Show a line that stays."""

    def step(self, text: str) -> None:
        """Show what is being done now."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show beside it how many bytes are there."""

    def event(self, event: AnyEvent) -> None:
        """Show what a run's event tells."""


def run_screen(*, headline: str, progress: RunProgress | None = None) -> RunScreen:
    """Return the screen that suits where stderr goes; ``progress`` is where a run to be resumed stands."""
    console = screen(to_stderr=True)
    kind = LiveScreen if console.is_terminal else PlainScreen
    return _Detachable(kind(console, headline, progress=progress))


class _Detachable:
    """A screen that may go: where a terminal is closed or a pipe's reader leaves, the run goes on unseen."""

    def __init__(self, shown: RunScreen) -> None:
        self.shown = shown

    def __enter__(self) -> Self:
        with contextlib.suppress(OSError):
            self.shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self.shown.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self.shown.say(text)

    def step(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self.shown.step(text)

    def bytes(self, done: int, total: int | None, what: str) -> None:
        with contextlib.suppress(OSError):
            self.shown.bytes(done, total, what)

    def event(self, event: AnyEvent) -> None:
        with contextlib.suppress(OSError):
            self.shown.event(event)


class PlainScreen(Lines):
    """Lines, each whole: for logs, pipes and people who read with a screen reader."""

    def __init__(
        self,
        console: Console,
        headline: str,
        *,
        progress: RunProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(lambda text: print_wrapped(text, console=console), clock=clock)
        self.console = console
        self.headline = headline
        self.progress = progress or RunProgress()

    def event(self, event: AnyEvent) -> None:
        """Print phases, messages and metrics at once, steps every few seconds."""
        self.progress = self.progress.after(event)
        line = event.name if isinstance(event, Phase) else lasting_line(event, self.progress, self.headline)
        if line is not None:
            self.say(line)
        elif self.progress.step and self.clock() - self.last_line >= SECONDS_BETWEEN_LINES:
            self.say(f"{_where(self.progress)}  {pace_text(self.progress)}")


class _PaceColumn(ProgressColumn):
    """What stands behind the bar, asked for whenever that is drawn."""

    def __init__(self, pace: Callable[[str], str]) -> None:
        super().__init__()
        self.pace = pace

    def render(self, task: Task) -> Text:
        """Return the text."""
        return Text(self.pace(str(task.fields["pace"])))


class LiveScreen:
    """A bar at the bottom of the terminal, under the lines that stay."""

    def __init__(
        self,
        console: Console,
        headline: str,
        *,
        progress: RunProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.headline = headline
        self.progress = progress or RunProgress()
        self.clock = clock
        self.last_step, self.since = "", float("inf")
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            _PaceColumn(self._pace),
            console=console,
            transient=True,
            refresh_per_second=5,
        )
        self.task = self.bar.add_task("", total=None, pace="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def say(self, text: str) -> None:
        """Print the line above the bar."""
        print_wrapped(text, console=self.console)

    def step(self, text: str) -> None:
        """Write what is done now beside the bar."""
        self._of(None)
        kind = text.partition(":")[0]
        if kind != self.last_step:
            self.last_step, self.since = kind, self.clock()
        self.bar.update(self.task, description=_shorten(text, self.console.width - _BESIDE_STEP), pace="")

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Move the bar by bytes; the step stays beside it."""
        pace = bytes_text(done, total, what)
        shown = _shorten(str(self.bar.tasks[0].description), self.console.width - 20 - len(pace))
        self._of(total)
        self.bar.update(self.task, description=shown, completed=done, pace=pace)

    def event(self, event: AnyEvent) -> None:
        """Move the bar; messages and metrics stay above it."""
        self.last_step, self.since = "", float("inf")
        self.progress = progress = self.progress.after(event)
        line = lasting_line(event, progress, self.headline)
        if line is not None:
            self.say(line)
        is_training = progress.phase == "train" and progress.step > 0
        self._of(progress.steps if is_training else None)
        self.bar.update(
            self.task,
            description=_where(progress) if is_training else progress.phase or "start",
            completed=progress.step if is_training else 0,
            pace=pace_text(progress) if is_training else "",
        )

    def _pace(self, shown: str) -> str:
        """Return how fast it goes, or how long a step has taken that tells nothing of that."""
        taken = self.clock() - self.since
        return shown or (seconds_text(taken) if taken >= _LONG_SECONDS else "")

    def _of(self, total: int | None) -> None:
        self.bar.tasks[0].total = total  # for `update`, None means as before


def lasting_line(event: AnyEvent, progress: RunProgress, headline: str) -> str | None:
    """Return the line by which an event stays on the screen, None for one that only moves the progress."""
    match event:
        case Message(level="warning"):
            return f"warning: {event.text}"
        case Message():
            return event.text
        case Metrics():
            shown = find_headline(headline, chosen=progress.metric)
            return f"{_where(progress)}  {metrics_text(event, headline=shown)}".strip()
        case Choice():
            return f"{event.name}: {event.value} ({event.reason})"
        case Hello(from_step=0):
            return "No checkpoint: starting over"
        case Hello(from_step=int()):
            whole = f" of {progress.steps}" if progress.steps else ""
            return f"Resuming at step {event.from_step}{whole}"
        case _:
            return None


def metrics_text(event: Metrics, *, headline: str) -> str:
    """Return the headline metric of an evaluation, or the first few where it is not among them."""
    shown = [name for name in event.values if name.rpartition("/")[2] == headline] or list(event.values)[:3]
    return "  ".join(f"{name} {event.values[name]:.4f}" for name in shown)


def pace_text(progress: RunProgress) -> str:
    """Return loss, real tokens per second and the time left, as far as they are known."""
    parts = []
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.tokens_per_second is not None:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left is not None:
        parts.append(f"{seconds_text(progress.seconds_left)} left")
    return "  ".join(parts)


def _where(progress: RunProgress) -> str:
    if not progress.step:
        return ""
    return f"step {progress.step}/{progress.steps}" if progress.steps else f"step {progress.step}"


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(1, width - 1)] + "…"
