"""`envkit --no-plugins` and `--disable-plugin`: for one command, in all that it starts."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from small_distributions import SOUND_TASK, small_task

from envkit.cli.disabling import disable_plugins

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

VARIABLE = "ENVKIT_DISABLE_PLUGINS"
OLD = "from envkit.api import deprecated\ndeprecated('Task.old', removed_in='2.0', instead='Task.new')\n"


@pytest.fixture
def site(tmp_path: Path) -> str:
    small_task("away").install(tmp_path / "site")
    return str(tmp_path / "site")


@pytest.mark.parametrize(
    "flags", [["--no-plugins"], ["--disable-plugin", "away"], ["--disable-plugin=Envkit_Away"]], ids=str
)
def test_disabled_plugins_task_is_an_error_that_says_so_and_others_are_as_before(
    flags: list[str], site: str, envkit_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = envkit_here(*flags, "run", "away", "--json", PYTHONPATH=site)

    told = json.loads(done.stdout)
    assert done.returncode == 5
    assert told["command"] == "run away"
    assert told["error"]["message"] == "the task 'away' of envkit-away 1.0 is disabled"
    assert VARIABLE not in os.environ  # the command's own
    assert envkit_here("run", "away", "--help", PYTHONPATH=site).returncode == 0


def test_no_plugins_lists_no_task(
    site: str, envkit_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert "(none)" in envkit_here("--no-plugins", "run", "--help", PYTHONPATH=site).stdout


def test_disable_plugin_of_a_name_that_nobody_has_says_the_nearest(
    site: str, envkit_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = envkit_here("--disable-plugin", "awey", "env", "list", PYTHONPATH=site)

    assert done.returncode == 2
    assert "there is no plugin 'awey'" in done.stderr and "Did you mean 'away'?" in done.stderr


def test_disable_plugins_adds_to_those_that_are_and_is_undone() -> None:
    environ = {VARIABLE: "one"}

    undo = disable_plugins((), everything=True, environ=environ)

    assert environ == {VARIABLE: "one,*"}
    undo()
    assert environ == {VARIABLE: "one"}


@pytest.mark.filterwarnings("default")  # as users have them
def test_plugin_that_uses_what_goes_away_is_told_in_one_line(
    tmp_path: Path, envkit_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    small_task("old-one", module=OLD + OLD + SOUND_TASK).install(tmp_path / "site")

    done = envkit_here("run", "old-one", "--help", PYTHONPATH=str(tmp_path / "site"))

    assert done.stderr == "warning: envkit-old-one 1.0: Task.old goes away in envkit 2.0: use Task.new\n"
