"""`envkit plugin new` makes a package from what it is given, or from what it is told when it asks."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.authoring import skeleton
from envkit.cli.plugin.new import LICENCES

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., subprocess.CompletedProcess[str]]


def read_project(folder: Path) -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return project


def test_new_makes_a_package_and_says_what_to_do_with_it(envkit_here: Command, tmp_path: Path) -> None:
    done = envkit_here("plugin", "new", "mood", "--summary", "Tell moods", "--author", "Ada")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Made envkit-mood in envkit-mood: 22 files\n\n"
        "To try it, and to see what it promises:\n"
        "  cd envkit-mood\n  pip install -e .\n  envkit run mood\n  envkit plugin check .\n"
    )
    project = read_project(tmp_path / "envkit-mood")
    assert (project["description"], project["authors"]) == ("Tell moods", [{"name": "Ada"}])


def test_new_as_json_lists_the_files(envkit_here: Command, tmp_path: Path) -> None:
    done = envkit_here("plugin", "new", "mood", "--dir", "a b/here", "--license", "MIT", "--json")

    data = json.loads(done.stdout)["data"]
    assert (data["task"], data["plugin"], data["module"]) == ("mood", "envkit-mood", "envkit_mood")
    assert data["folder"] == str(tmp_path / "a b" / "here")
    assert all((Path(data["folder"]) / file).is_file() for file in data["files"])
    assert read_project(tmp_path / "a b" / "here")["license"] == "MIT"


def test_new_from_a_task_copies_its_plugin(envkit_here: Command, tmp_path: Path) -> None:
    done = envkit_here("plugin", "new", "my-ner", "--from", "ner", "--summary", "Find stars")

    assert read_project(tmp_path / "envkit-my-ner")["authors"] != [{"name": "The envkit developers"}]
    assert done.returncode == 0, done.stderr
    assert ", a copy of ner\n" in done.stdout and "  ruff format" in done.stdout
    assert read_project(tmp_path / "envkit-my-ner")["description"] == "Find stars"


REFUSED = [
    ((), "the new task has no name", "envkit plugin new my-task"),
    (("json",), "a module of Python's standard library", "my-json"),
    (("mood", "--from", "nerr"), "there is no task 'nerr'", "Did you mean 'ner'?"),
    (("mood", "--from", "ner", "--licence", "MIT"), "--licence is that of ner", "pyproject.toml"),
    (("mood", "--from", "ner", "--python", ">=3.12"), "--python is that of ner", "pyproject.toml"),
    (("mood", "--licence", "WTFPL"), "not one of", "--help"),
    (("mood", "--python", "3.12"), "no range of Pythons", "--python '>=3.11'"),
    (("mood", "--dir", "there"), "something at there already", "--dir FOLDER"),
]


@pytest.mark.parametrize(("words", "said", "hint"), REFUSED)
def test_new_refuses_what_cannot_be_and_makes_nothing(
    envkit_here: Command, tmp_path: Path, words: tuple[str, ...], said: str, hint: str
) -> None:
    (tmp_path / "there").mkdir()

    done = envkit_here("plugin", "new", *words)

    assert done.returncode == 2
    assert said in done.stderr and hint in done.stderr
    assert not list(tmp_path.glob("**/pyproject.toml")) and not list((tmp_path / "there").iterdir())


def test_licences_of_the_command_are_those_that_have_a_text() -> None:
    assert LICENCES == skeleton.LICENCES


def in_terminal(*words: str, answers: str, folder: Path) -> tuple[int, str]:
    """Run a command in a terminal and type these answers; return its exit and all that the screen showed."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "ENVKIT_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "envkit", *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environ, close_fds=True
    ) as process:
        os.close(theirs)
        os.write(ours, answers.encode())
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # how Linux tells that the other side is closed
                part = b""
            if not part:
                break
            shown += part
        os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def test_new_in_a_terminal_asks_for_what_is_not_given(tmp_path: Path) -> None:
    code, shown = in_terminal("plugin", "new", answers="mood\nTell moods\nAda L\nGPL\nMIT\n", folder=tmp_path)

    assert code == 0, shown
    for question in ("Name of the task, such as mood:", "What it is for, in one line", "Author", "Licence"):
        assert question in shown
    project = read_project(tmp_path / "envkit-mood")
    assert (project["description"], project["authors"]) == ("Tell moods", [{"name": "Ada L"}])
    assert project["license"] == "MIT"


def test_new_in_a_terminal_does_not_offer_the_name_as_the_summary(tmp_path: Path) -> None:
    code, shown = in_terminal("plugin", "new", "mood", answers="\nAda\n\n", folder=tmp_path)

    assert code == 0, shown
    assert "[mood]" not in shown
    assert read_project(tmp_path / "envkit-mood")["description"] == "The task mood"


def test_new_in_a_terminal_refuses_a_name_before_it_asks_for_more(tmp_path: Path) -> None:
    code, shown = in_terminal("plugin", "new", "class", answers="", folder=tmp_path)

    assert code == 2
    assert "a word of the Python language" in shown and "Author" not in shown


def test_new_with_yes_asks_nothing(tmp_path: Path) -> None:
    code, shown = in_terminal("plugin", "new", "mood", "--yes", answers="", folder=tmp_path)

    assert code == 0, shown
    assert "Author" not in shown
    assert read_project(tmp_path / "envkit-mood")["description"] == "The task mood"
