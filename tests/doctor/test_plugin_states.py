"""Plugins that are broken in every way: each is named, and the others are seen to."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from doctor.small_plugins import TASK, TRACKER, check, checks_module, install

from envkit.api import PluginError
from envkit.doctor.child_process import start_plugin_child
from envkit.doctor.plugin_process import PluginProcess
from envkit.doctor.plugin_states import PluginReader, read_plugin_states

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.api.checks import PluginState

WELL = "envkit-zz-well"


def states_of(site: Path, *, timeout: float = 10.0, all_seconds: float = 20.0) -> dict[str, PluginState]:
    """Load what lies in a folder, beside what is installed anyway, and return the states by distribution."""
    process = PluginProcess(start=partial(start_plugin_child, path=[str(site), *sys.path]))
    states = read_plugin_states(process=process, timeout=timeout, all_seconds=all_seconds)
    return {
        state.plugin: state for state in states if (site / f"{state.plugin.replace('-', '_')}.py").exists()
    }


# A module, and what is said of it.
BROKEN = [
    ("raise ValueError('oh no')", "ValueError: oh no"),
    ("import no_such_module_at_all", "no_such_module_at_all"),
    ("def f(:", "SyntaxError"),
    ("raise SystemExit(3)", "SystemExit"),
    ("import os\nos._exit(3)", "ended its process with status 3"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    ("import sys\nprint('{}')\nsys.stderr.write('x' * 99999)\nraise ValueError('oh')", "oh"),
    ("import os\nos.write(1, b'{}\\n')\nraise ValueError('oh')", "oh"),
    ("import sys\nsys.stdin.read()\nraise ValueError('oh')", "oh"),
    ("from envkit.api import hookimpl\n@hookimpl\ndef envkit_no_such(): pass", "envkit_no_such"),
    (checks_module("3"), "int, which is no Check"),
    (checks_module(check("no-subject")), "'no-subject'"),
    (checks_module(check("a.b.c")), "one dot"),
    (checks_module(check("a.b", needs=["gpus"])), "fields of MachineFacts"),
    (checks_module(check("a.b", needs="nvidia")), "fields of MachineFacts"),
    (checks_module(check("a.b", cost="huge")), "'huge'"),
    (checks_module(check("a.b"), check("a.b")), "two checks with the id 'a.b'"),
    (checks_module("Check(id='a.b', summary='', run=print)"), "without a summary"),
    (checks_module("Check(id='a.b', summary='x', run=3)"), "cannot be called"),
    (checks_module("1 / 0"), "ZeroDivisionError"),
    (checks_module("exit(1)"), "SystemExit"),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PluginState]:
    """Load all broken extensions, and a task and an extension that are well."""
    site = tmp_path_factory.mktemp("site")
    for number, (body, _) in enumerate(BROKEN):
        install(site, f"envkit-tried{number}", body)
    install(site, WELL, TASK, task="tiny")
    install(site, "envkit-zz-checks", checks_module(check("a.b")))
    return states_of(site)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BROKEN)), ids=[says for _, says in BROKEN])
def test_read_plugin_states_broken_extension_is_named_with_why(
    number: int, broken: dict[str, PluginState]
) -> None:
    name = f"envkit-tried{number}"

    state = broken[name]

    assert (state.state, state.kind, state.name, state.version) == ("broken", "extension", "it", "1.0")
    assert BROKEN[number][1] in str(state.problem)
    assert state.tracker == TRACKER.format(name)


def test_read_plugin_states_broken_ones_beside_them_leave_the_others_well(
    broken: dict[str, PluginState],
) -> None:
    assert (broken[WELL].state, broken["envkit-zz-checks"].state) == ("ok", "ok")
    assert broken[WELL].hooks == ("envkit_finetune", "envkit_read", "envkit_task")
    assert broken["envkit-zz-checks"].hooks == ("envkit_checks",)


@pytest.mark.slow
def test_read_plugin_states_import_that_hangs_is_silent_and_costs_its_time_alone(tmp_path: Path) -> None:
    install(tmp_path, "envkit-aa-hangs", "while True: pass", task="aa-hangs")
    install(tmp_path, WELL, TASK, task="tiny")
    start = time.monotonic()

    states = states_of(tmp_path, timeout=1.5)

    assert [state.state for state in states.values()] == ["silent", "ok"]
    assert states["envkit-aa-hangs"].problem == "no answer in 1.5 s"
    assert time.monotonic() - start < 10


@pytest.mark.slow
def test_read_plugin_states_too_many_hang_says_which_were_not_tried(tmp_path: Path) -> None:
    for number in range(3):
        install(tmp_path, f"envkit-aa-hangs{number}", "import time\ntime.sleep(60)", task=f"aa{number}")

    states = states_of(tmp_path, timeout=0.9, all_seconds=1.2)

    assert {state.state for state in states.values()} == {"silent"}
    assert "not tried" in str(states["envkit-aa-hangs2"].problem)


def test_read_plugin_states_one_task_of_two_names_both(tmp_path: Path) -> None:
    for name in ("envkit-first", "envkit-second"):
        install(tmp_path, name, TASK, task="tiny")

    states = states_of(tmp_path)

    problem = "the task 'tiny' is claimed by envkit-first 1.0 and by envkit-second 1.0"
    assert {(state.state, state.problem) for state in states.values()} == {("conflict", problem)}


def test_read_plugin_states_task_that_a_setting_gives_away_is_overruled_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "envkit-first", f"open({str(tmp_path / 'loaded')!r}, 'w').close()\n{TASK}", task="tiny")
    install(tmp_path, "envkit-second", TASK, task="tiny")
    monkeypatch.setenv("ENVKIT_PREFER_PLUGINS", "tiny=envkit-second")

    states = states_of(tmp_path)

    assert {name: state.state for name, state in states.items()} == {
        "envkit-first": "overruled",
        "envkit-second": "ok",
    }
    assert "plugins.prefer.tiny gives the task 'tiny' to envkit-second 1.0" in str(
        states["envkit-first"].problem
    )
    assert not (tmp_path / "loaded").exists()


def test_read_plugin_states_disabled_rival_is_no_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("envkit-first", "envkit-second"):
        install(tmp_path, name, TASK, task="tiny")
    monkeypatch.setenv("ENVKIT_DISABLE_PLUGINS", "envkit-first")

    states = states_of(tmp_path)

    assert {name: (state.state, state.milliseconds is None) for name, state in states.items()} == {
        "envkit-first": ("disabled", True),
        "envkit-second": ("ok", False),
    }


def test_read_plugin_states_plugin_for_another_api_is_incompatible_task_or_extension(tmp_path: Path) -> None:
    install(tmp_path, "envkit-t", f"api_version = '99.0'\n{TASK}", task="tt")
    install(tmp_path, "envkit-x", f"api_version = '99.0'\n{checks_module(check('a.b'))}")

    states = states_of(tmp_path)

    assert [state.state for state in states.values()] == ["incompatible", "incompatible"]
    assert all("99.0" in str(state.problem) for state in states.values())


def test_read_plugin_states_what_an_import_does_besides_is_remarked(tmp_path: Path) -> None:
    install(tmp_path, "envkit-t", f"import os\nos.environ['X_Y'] = '1'\nprint('hi')\n{TASK}", task="tt")
    install(tmp_path, "envkit-x", f"print('hello')\n{checks_module(check('a.b'))}")
    install(tmp_path, WELL, TASK, task="tiny")

    states = states_of(tmp_path)

    assert {name: state.remarks for name, state in states.items()} == {
        "envkit-t": ("prints 'hi'", "changes the variables 'X_Y'"),
        "envkit-x": ("prints 'hello'",),
        WELL: (),
    }


# What the metadata ask for, as packages and as a range of Pythons, and what is said of it.
UNMET = [
    (("envkit-ml>=99",), None, "envkit-ml>=99, here is 0."),
    (("envkit-ml", "no-such-package-at-all>2"), None, "no-such-package-at-all>2, which is not installed"),
    ((), "<3.9", "Python <3.9, here is 3."),
    (("not a requirement",), None, "cannot be read"),
    ((), "three", "cannot be read"),
]


def test_read_plugin_states_metadata_that_ask_for_more_are_incompatible(tmp_path: Path) -> None:
    for number, (needs, python, _) in enumerate(UNMET):
        install(tmp_path, f"envkit-t{number}", TASK, task=f"t{number}", needs=needs, python=python)

    states = states_of(tmp_path)

    for number, (_, _, says) in enumerate(UNMET):
        state = states[f"envkit-t{number}"]
        assert state.state == "incompatible" and says in str(state.problem)


def test_read_plugin_states_extra_that_is_not_installed_is_not_asked_for(tmp_path: Path) -> None:
    install(tmp_path, WELL, TASK, task="tiny", needs=("no-such-package-at-all; extra == 'train'",))

    assert states_of(tmp_path)[WELL].state == "ok"


@pytest.mark.slow
def test_read_plugin_states_heavy_import_is_seen_for_each_that_does_it(tmp_path: Path) -> None:
    for module in ("torch", "pandas"):
        (tmp_path / f"{module}.py").write_text("")
    install(tmp_path, "envkit-aa", f"import torch\n{TASK}", task="aa")
    install(tmp_path, "envkit-ab", f"import torch, pandas\n{TASK}", task="ab")
    install(tmp_path, WELL, TASK, task="tiny")

    states = states_of(tmp_path)

    assert [state.heavy for state in states.values()] == [("torch",), ("torch", "pandas"), ()]
    assert all((state.milliseconds or 0) > 0 for state in states.values())


def test_plugin_process_abandoned_while_it_is_asked_ends_the_wait(tmp_path: Path) -> None:
    install(tmp_path, "envkit-aa-hangs", "import time\ntime.sleep(60)", task="aa-hangs")
    process = PluginProcess(start=partial(start_plugin_child, path=[str(tmp_path), *sys.path]))
    reader = PluginReader(process=process)
    reader.start()
    start = time.monotonic()

    assert reader.installed() is not None
    reader.stop()

    assert {state.state for state in reader.report().states if state.plugin == "envkit-aa-hangs"} != {"ok"}
    assert time.monotonic() - start < 4


def test_read_plugins_interpreter_that_does_not_start_says_so() -> None:
    def fail() -> object:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(PluginError, match="No such file or directory"):
        read_plugin_states(process=PluginProcess(start=fail))  # type: ignore[arg-type]
