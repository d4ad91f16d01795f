"""The last words of a command on a terminal: whole words, and commands that can be copied."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import PluginError, UsageError
from envkit.cli.exits import explain, labelled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("there is no such file", 40, ["error: there is no such file"]),
        ("there is no such file", 20, ["error: there is no", "       such file"]),
        ("two\n  lines of some words", 18, ["error: two", "  lines of some", "    words"]),
        ("say it: envkit env sync mine", 40, ["error: say it: envkit env sync mine"]),
        ("say it: envkit env sync mine", 30, ["error: say it:", "       envkit env sync mine"]),
        ("do it: pipx upgrade mine", 20, ["error: do it:", "       pipx upgrade mine"]),
        ("do it: /e/bin/python -m pip", 20, ["error: do it:", "       /e/bin/python -m pip"]),
        ("envkit env sync mine --with a", 20, ["error: envkit env sync mine --with a"]),
        ("/a/name/without/any/blank", 12, ["error: /a/name/without/any/blank"]),
        ("", 12, ["error: "]),
    ],
)
def test_last_words_wrap_at_words_and_leave_commands_whole(text: str, width: int, rows: list[str]) -> None:
    assert labelled("error: ", text, width=width).split("\n") == rows
    assert labelled("error: ", text, width=None) == f"error: {text}"


@pytest.mark.parametrize("width", [None, 80])
def test_last_words_of_several_lines_stand_under_each_other(width: int | None) -> None:
    told = labelled("hint: ", "One of:\nenvkit build\nenvkit lock", width=width)
    assert told == "hint: One of:\n      envkit build\n      envkit lock"


@given(words=st.lists(st.sampled_from(["a", "word", "/a/longer/path", "pip", "x:"]), min_size=1))
def test_last_words_lose_no_word_at_any_width(words: list[str]) -> None:
    for width in range(10, 60, 7):
        assert labelled("hint: ", " ".join(words), width=width).split() == ["hint:", *words]


@pytest.mark.parametrize(
    ("cause", "more"),
    [
        (None, []),
        (UsageError("there is no task 'ner'"), []),
        (ImportError("no such module"), ["Traceback: ENVKIT_TRACEBACK=1 before the command"]),
    ],
)
def test_last_words_of_a_plugin_whose_code_raised_have_the_way_to_its_traceback_in_a_line_of_its_own(
    cause: Exception | None, more: list[str]
) -> None:
    error = PluginError("it cannot be loaded", hint="Tell its author")
    error.__cause__ = cause

    _, hint, _ = explain(error, [])

    assert (hint or "").splitlines() == ["Tell its author", *more]


@pytest.mark.slow
def test_last_words_are_wrapped_for_a_terminal_alone(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "envkit", "env", "show", "no-such-one"]
    environ = {**os.environ, "ENVKIT_HOME": str(tmp_path), "COLUMNS": "30"}
    piped = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert len(piped.stderr.splitlines()) == 2
    ours, theirs = pty.openpty()
    subprocess.run(words, env=environ, stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert len(shown.splitlines()) > 2
    assert shown.split() == piped.stderr.split()
