"""`envkit env remove`: asked, and never what a run is in."""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from environments.stored import build_for, wanted

from envkit.environments.store import change_environment, envs_dir, find_stored, list_environments

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with the environments `one` and `two`."""
    for name in ("one", "two"):
        want = wanted(name=name)
        change_environment(
            tmp_path / "home",
            name,
            is_fit=lambda prefix, record: "not made yet",
            build=build_for(want),
            say=lambda text: None,
        ).release()
    return tmp_path / "home"


class Terminal(io.StringIO):
    """A terminal at which somebody has typed."""

    def isatty(self) -> bool:
        return True


def names(home: Path) -> list[str]:
    return [each.name for each in list_environments(home)]


@pytest.mark.parametrize(
    ("words", "code", "left", "said"),
    [
        (["one"], 2, ["one", "two"], "--yes"),
        (["one", "--json"], 2, ["one", "two"], "--yes"),
        (["one", "--dry-run"], 0, ["one", "two"], "Nothing was removed: --dry-run"),
        (["one", "--yes"], 0, ["two"], "Removed one: "),
        (["one", "two", "one", "--yes"], 0, [], "Removed one, two: "),
        (["one", "tow", "--yes"], 6, ["one", "two"], "Known: two, one"),
        (["--unused-for", "30d", "--yes"], 0, ["two"], "Removed one: "),
        (["--unused-for", "30d", "--dry-run"], 0, ["one", "two"], "one  1 MB, last used "),
        (["--unused-for", "9w", "--yes"], 0, ["one", "two"], "No environment has been unused for 9w"),
        (["--unused-for", "soon"], 2, ["one", "two"], "days or weeks"),
        ([], 2, ["one", "two"], "no environment is named"),
        (["../one", "--yes"], 2, ["one", "two"], "cannot name an environment"),
    ],
)
def test_remove_takes_what_is_named_and_agreed(
    envkit_here: Any, home: Path, words: list[str], code: int, left: list[str], said: str
) -> None:
    forty_days_ago = time.time() - 40 * 86400
    os.utime(envs_dir(home) / ".made/one-1.in-use", (forty_days_ago, forty_days_ago))
    done = envkit_here("env", "remove", *words)
    assert (done.returncode, names(home)) == (code, left), done.stderr
    assert said in done.stdout + done.stderr


def test_remove_of_one_in_use_takes_none(envkit_here: Any, home: Path) -> None:
    from envkit.environments.store import hold_environment

    held = hold_environment(find_stored(home, "two"))
    done = envkit_here("env", "remove", "one", "two", "--yes")
    held.release()
    assert done.returncode == 6
    assert "a run is in two" in done.stderr
    assert names(home) == ["one", "two"]


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, ["two"]), ("n\n", 1, ["one", "two"])])
def test_remove_on_a_terminal_does_what_is_answered(
    envkit_here: Any, home: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    done = envkit_here("env", "remove", "one")
    assert (done.returncode, names(home)) == (code, left)
    assert "last used" in done.stdout
