"""Read what a build says: BuildKit's plain progress and the classic builder's stream, as the same steps.

Sources: buildkit, util/progress/progressui/printer.go (plain); docker, builder/dockerfile (classic); buildah's
`STEP n/m:` where Podman builds. Lines of real builds are in the tests.
"""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from envkit.images.building.dockerfile_steps import count_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEPT_LINES = 40  # the reason stands above a traceback of some twenty lines
# Colours and movements of the cursor, as programs send them to a terminal.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-_])|[\x00-\x08\x0b-\x1f\x7f]")
_STEP_LINE = re.compile(r"#(\d+) (.*)")
_LOG_HEAD = re.compile(r"#\d+ \d+\.\d+ ")
_LOG_LINE = re.compile(r"\d+\.\d+ ?(.*)")
_DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")
_TITLE = re.compile(r"\[(?!internal\])(?:[^\]\s]+ +)?\d+/\d+\] (.*)")
_EXPORT = re.compile(r"exporting to \S+")
_FINAL_WORDS = re.compile(r"^(?:error: )?(?:failed to build: )?(?:failed to solve[^:]*: )?", re.IGNORECASE)
_CLASSIC_STEP = re.compile(r"(?:\[\d+/\d+\] )?(?:Step|STEP) (\d+)/(\d+) ?: (.*)")
_CLASSIC_CACHE = re.compile(r"-{2,3}> Using cache")
_CLASSIC_CONTAINER = re.compile(r" ?-{2,3}> Running in ([0-9a-f]{12,})")
_CLASSIC_NOISE = re.compile(
    r" ?-{2,3}>\s*(?:[0-9a-f]{12,})?\s*$|Removing intermediate container |Successfully built "
)


class BuildProgress(Protocol):
    """What the command line renders while an image is built."""

    def step(self, number: int, total: int, title: str, is_cached: bool, seconds: float | None) -> None:
        """Show a step: once when it begins, with ``seconds`` None, and once when it is done."""

    def line(self, text: str) -> None:
        """Show a line of the step that runs; the next one may replace it."""

    def say(self, text: str) -> None:
        """Tell the user something that stays on the screen."""


@dataclass(frozen=True, kw_only=True)
class BuildStep:
    """A step that is done: the instruction as the Dockerfile has it, and the seconds it took."""

    number: int
    title: str
    is_cached: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class BuildFailure:
    """Where a build ended: the step's instruction, empty where none had begun, its last lines, the builder's word."""

    step: str
    lines: tuple[str, ...]
    error: str


@dataclass
class _Vertex:
    title: str
    number: int = 0  # 0 for what is no instruction
    is_done: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))


class PlainOutput:
    """Reads BuildKit's plain progress, line by line; every text that leaves it went through ``mask``."""

    def __init__(
        self, progress: BuildProgress, *, dockerfile: str = "", mask: Callable[[str], str] = str
    ) -> None:
        self._progress = progress
        self._mask = mask
        self._total = count_steps(dockerfile) + 1  # and the export
        self._vertices: dict[int, _Vertex] = {}
        self._begun = 0
        self._failed: _Vertex | None = None
        self._error = ""
        self._loose: deque[str] = deque(maxlen=KEPT_LINES)
        self.steps: list[BuildStep] = []

    def feed(self, line: str) -> None:
        """Take in a line."""
        text = self._mask(plain(line))
        found = _STEP_LINE.fullmatch(text)
        if found is None:
            if text.strip(" -"):
                self._loose.append(text)
            return
        number, rest = int(found[1]), found[2].strip()
        vertex = self._vertices.get(number)
        if vertex is None:
            self._begin(number, rest)
        elif rest not in (vertex.title, "...") and not rest.startswith("sha256:"):
            self._go_on(vertex, rest)

    def failure(self) -> BuildFailure:
        """Return where the build ended, told by what was fed."""
        said = [line for line in self._loose if not line.lstrip().startswith((">", "0."))]
        final = _FINAL_WORDS.sub("", said[-1]) if said else ""
        if self._failed is None:
            return BuildFailure(step="", lines=tuple(said), error=final)
        return BuildFailure(
            step=_instruction(self._failed.title), lines=tuple(self._failed.lines), error=self._error or final
        )

    def _begin(self, number: int, title: str) -> None:
        vertex = self._vertices[number] = _Vertex(title=title)
        if _TITLE.fullmatch(title) or _EXPORT.match(title):
            self._begun += 1
            vertex.number = self._begun
            self._total = max(self._total, self._begun)
            self._progress.step(vertex.number, self._total, _instruction(title), False, None)
        else:
            self._progress.line(title)

    def _go_on(self, vertex: _Vertex, rest: str) -> None:
        if done := _DONE.fullmatch(rest):
            self._end(vertex, float(done[1]), is_cached=False)
        elif rest == "CACHED":
            self._end(vertex, 0.0, is_cached=True)
        elif rest.startswith("ERROR"):
            error = rest.removeprefix("ERROR").lstrip(": ")
            if self._failed is None and "context canceled" not in error:
                self._failed, self._error = vertex, error
        elif rest != "CANCELED":
            log = _LOG_LINE.fullmatch(rest)
            text = log[1] if log else rest
            vertex.lines.append(text)
            self._progress.line(text)

    def _end(self, vertex: _Vertex, seconds: float, *, is_cached: bool) -> None:
        # A base image that is fetched in parts is done several times.
        if vertex.number == 0 or vertex.is_done:
            return
        vertex.is_done = True
        title = _instruction(vertex.title)
        self.steps.append(BuildStep(number=vertex.number, title=title, is_cached=is_cached, seconds=seconds))
        self._progress.step(vertex.number, self._total, title, is_cached, seconds)


class ClassicOutput:
    """Reads the stream of the classic builder, record by record.

    ``image_id`` is what it made last, ``containers`` are those that its steps ran in.
    """

    def __init__(
        self,
        progress: BuildProgress,
        *,
        mask: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._mask = mask
        self._clock = clock
        self._rest = ""
        self._number, self._total, self._title = 0, 0, ""
        self._is_cached = False
        self._since = 0.0
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._error = ""
        self.image_id = ""
        self.containers: list[str] = []
        self.steps: list[BuildStep] = []

    @property
    def has_failed(self) -> bool:
        """Tell whether the builder reported an error."""
        return bool(self._error)

    def feed(self, record: Mapping[str, Any]) -> None:
        """Take in a record."""
        if error := record.get("error"):
            self._flush()
            self._error = self._mask(plain(str(error)))
        aux = record.get("aux")
        if isinstance(aux, dict) and aux.get("ID"):
            self.image_id = str(aux["ID"])
        if status := record.get("status"):
            self._progress.line(self._mask(f"{record.get('id', '')} {status}".strip()))
        if stream := record.get("stream"):
            *whole, self._rest = (self._rest + str(stream)).split("\n")
            for line in whole:
                self._take(self._mask(plain(line)))

    def finish(self) -> None:
        """Take note that the stream ended well."""
        self._flush()
        self._end_step()

    def failure(self) -> BuildFailure:
        """Return where the build ended, told by what was fed."""
        self._flush()
        return BuildFailure(step=self._title, lines=tuple(self._lines), error=self._error)

    def _flush(self) -> None:
        if self._rest:
            self._take(self._mask(plain(self._rest)))
            self._rest = ""

    def _take(self, line: str) -> None:
        if found := _CLASSIC_STEP.match(line):
            self._end_step()
            # Podman counts each stage from 1; the screen counts on.
            self._number += 1
            self._total = max(int(found[2]), self._number)
            self._title, self._is_cached, self._since = found[3].strip(), False, self._clock()
            self._lines.clear()
            self._progress.step(self._number, self._total, self._title, False, None)
        elif _CLASSIC_CACHE.search(line):
            self._is_cached = True
        elif found := _CLASSIC_CONTAINER.match(line):
            self.containers.append(found[1])
        elif line.strip() and not _CLASSIC_NOISE.match(line):
            self._lines.append(line)
            self._progress.line(line)

    def _end_step(self) -> None:
        if not self._title:
            return
        seconds = self._clock() - self._since
        step = BuildStep(number=self._number, title=self._title, is_cached=self._is_cached, seconds=seconds)
        self.steps.append(step)
        self._progress.step(self._number, self._total, self._title, self._is_cached, seconds)
        self._title = ""


def _instruction(title: str) -> str:
    """Return the instruction in a title, ``[packages 2/7] RUN true`` -> ``RUN true``."""
    found = _TITLE.fullmatch(title)
    return (found[1] if found else title).replace("FROM docker.io/library/", "FROM ")


def plain(text: str) -> str:
    """Return a line without what is meant for a terminal; of a bar that was drawn anew, its last state."""
    head = _LOG_HEAD.match(text)
    begin = head[0] if head else ""
    said = text[len(begin) :].rstrip().rpartition("\r")[2]
    return _ESCAPE.sub("", begin + said).rstrip()
