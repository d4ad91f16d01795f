"""A plugin is loaded in a process of its own, and whatever it does there is told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from authoring.small_plugins import CHECKS, lay_out, write_plugin

from envkit.authoring.inspection import Inspected, inspect_entry
from envkit.registry import find_entries, load_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def inspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Inspected]:
    """Install a plugin of this code and inspect it."""

    def look(code: str, *, timeout: float = 10.0) -> Inspected:
        site = lay_out(write_plugin(tmp_path, "envkit-small", code=code), tmp_path / "site")
        monkeypatch.syspath_prepend(str(site))
        entry = next(each for each in find_entries() if each.plugin == "envkit-small")
        return inspect_entry(entry, timeout=timeout)

    return look


def test_extension_that_loads_gives_its_hooks_and_where_they_are(
    inspect: Callable[..., Inspected], tmp_path: Path
) -> None:
    found = inspect(CHECKS)

    (hook,) = found.hooks
    assert (found.state, hook.hook, hook.function) == ("ok", "envkit_checks", "envkit_small:envkit_checks")
    assert (hook.file, hook.line) == (str(tmp_path / "site/envkit_small.py"), 3)
    assert "envkit_small" not in sys.modules


def test_task_gives_its_options_with_defaults(
    echo_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(echo_environ["PYTHONPATH"])
    entry = next(each for each in find_entries() if each.name == "echo")

    found = inspect_entry(entry)

    options = {each.flag: each for each in found.options}
    assert {"--train", "--epochs"} <= options.keys()
    assert options["--epochs"].default is not None
    assert found.headline == load_task("echo").task.headline
    assert "envkit_finetune" in {each.hook for each in found.hooks}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import ctypes\nctypes.CDLL(None)._exit(3)\n", "ends the process that loads it with status 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "ends the process that loads it"),
        ("import sys\nsys.exit('no')\n", "cannot be loaded"),
        ("print('x' * 10_000_000)\nraise ValueError('no luck')\n", "no luck"),
        ("def f(:\n", "SyntaxError"),
    ],
)
def test_plugin_that_fails_is_told_and_harms_nothing(
    inspect: Callable[..., Inspected], code: str, problem: str
) -> None:
    found = inspect(code)

    assert found.state == "broken"
    assert problem in (found.problem or "")


@pytest.mark.slow
def test_plugin_that_hangs_is_given_up(inspect: Callable[..., Inspected]) -> None:
    found = inspect("import time\ntime.sleep(60)\n", timeout=0.6)

    assert (found.state, found.problem) == ("broken", "it does not load in 0.6 s")


def test_traceback_begins_in_the_code_of_the_plugin(inspect: Callable[..., Inspected]) -> None:
    found = inspect("def f():\n    raise ValueError('no luck')\nf()\n")

    first, line, *_, last = (found.traceback or "").strip().splitlines()
    assert first == "Traceback (most recent call last):"
    assert "site/envkit_small.py" in line
    assert last == "ValueError: no luck"


def test_plugin_for_a_newer_envkit_is_incompatible(inspect: Callable[..., Inspected]) -> None:
    found = inspect(f"api_version = '99.0'\n{CHECKS}")

    assert found.state == "incompatible"
    assert "99.0" in (found.problem or "")
