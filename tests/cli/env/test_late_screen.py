"""A screen that comes a moment late loses no line, and holds up nobody who has to wait for uv anyway."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest

from envkit.cli.env.late_screen import LateScreen
from envkit.cli.lines import lines_on_stderr

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = 600.0


class Shown:
    """A screen that keeps what it is told, and tells when it was opened."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.opened = threading.Event()
        self.ended_with: list[type[BaseException] | None] = []

    def __enter__(self) -> Self:
        assert not self.opened.is_set()
        self.opened.set()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.ended_with.append(kind)

    def say(self, text: str) -> None:
        self.told.append(("say", text))

    def step(self, text: str) -> None:
        self.told.append(("step", text))

    def bytes(self, done: int, total: int | None, what: str) -> None:
        self.told.append(("bytes", done, total, what))

    def event(self, event: Any) -> None:
        raise AssertionError(event)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def late(shown: Shown) -> Callable[[float], LateScreen]:
    return lambda seconds: LateScreen(open_screen=lambda: shown, seconds=seconds)


def test_late_screen_shows_what_was_said_before_and_what_is_said_after_in_order(
    late: Callable[[float], LateScreen], shown: Shown
) -> None:
    with late(0.05) as view:
        view.say("note")
        view.step("planning")
        assert not shown.told
        assert shown.opened.wait(timeout=30)
        view.bytes(1, None, "written")
        view.step("proving it")
        assert shown.told[-1] == ("step", "proving it")

    assert shown.told == [
        ("say", "note"),
        ("step", "planning"),
        ("bytes", 1, None, "written"),
        ("step", "proving it"),
    ]
    assert shown.ended_with == [None]


def test_late_screen_of_what_ends_before_shows_all_at_the_end(
    late: Callable[[float], LateScreen], shown: Shown
) -> None:
    with late(NEVER) as view:
        view.step("planning")
        assert not shown.opened.is_set()

    assert shown.told == [("step", "planning")]
    assert shown.ended_with == [None]


def test_late_screen_of_what_fails_shows_what_was_done_and_closes(
    late: Callable[[float], LateScreen], shown: Shown
) -> None:
    with pytest.raises(KeyboardInterrupt), late(NEVER) as view:
        view.step("planning")
        raise KeyboardInterrupt

    assert shown.told == [("step", "planning")]
    assert shown.ended_with == [KeyboardInterrupt]


def test_create_loads_nothing_before_uv_that_only_other_ways_or_the_screen_need() -> None:
    code = "import sys, envkit.cli.env.creating; print(*sys.modules)"
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )

    late = ("rich", "hashlib", "tomlkit", "envkit.runs", "envkit.models", "envkit.cli.env.screen")
    other_ways = ("resolve", "pinned", "wheels", "pylock", "lockfile.install", "files.read")
    assert not loaded & {*late, *(f"envkit.environments.{each}" for each in other_ways)}


@pytest.mark.slow
def test_late_screen_of_a_pipe_writes_the_same_lines_as_rich_would_and_does_without_rich() -> None:
    code = (
        "import sys; from envkit.cli.env.late_screen import LateScreen\n"
        "with LateScreen(seconds=0) as view:\n"
        "    view.say('made of torch [2.8.0] \\a" + "word " * 40 + "')\n"
        "    view.step('unpacking: 1 s'); view.step('unpacking: 2 s'); view.bytes(1, None, 'written')\n"
        "print('rich' in sys.modules)"
    )

    def run(**variables: str) -> tuple[str, str]:
        environ = {name: text for name, text in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**environ, "NO_COLOR": "1", **variables},
        )
        return done.stderr, done.stdout.strip()

    plain, by_rich = run(), run(TTY_COMPATIBLE="0")
    assert (plain[1], by_rich[1]) == ("False", "True")
    assert plain[0] == by_rich[0]
    assert plain[0].splitlines()[1:] == ["unpacking: 1 s"]


class Left(io.StringIO):
    """A pipe whose reader has left."""

    def flush(self) -> None:
        raise BrokenPipeError


def test_lines_whose_reader_has_left_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Left())
    with lines_on_stderr() as view:
        view.say("planning")
