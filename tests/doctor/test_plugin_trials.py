"""What fails beside other plugins is tried alone, and the one that is behind it is named."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from doctor.small_plugins import TASK, install

from envkit.doctor.child_process import start_plugin_child
from envkit.doctor.plugin_process import NoAnswer, PluginProcess
from envkit.doctor.plugin_records import EntryRecord, Loaded, LoadEntry
from envkit.doctor.plugin_states import load_plugins, read_plugin_states

if TYPE_CHECKING:
    from pathlib import Path

CRASH = NoAnswer("its process was ended by SIGSEGV", is_late=False)
HANG = NoAnswer("no answer in 5 s", is_late=True)
ERROR = Loaded(problem="it cannot be loaded: KeyError", has_raised=True)
WRONG = Loaded(problem="it gives no Task")
HEAVY = Loaded(heavy=("torch",))


class Machine:
    """Processes in which a plugin fares as ``alone`` tells, or as ``after`` does once another is loaded there."""

    def __init__(
        self, *, alone: dict[str, Loaded | NoAnswer], after: dict[tuple[str, str], Loaded | NoAnswer]
    ) -> None:
        self.alone = alone
        self.after = after
        self.loaded: list[str] = []
        self.starts = 1

    def ask(self, request: object, answer: type[Any], *, timeout: float) -> object:
        if not isinstance(request, LoadEntry):
            return None
        name = request.entry.plugin
        pairs = [self.after[other, name] for other in self.loaded if (other, name) in self.after]
        load = pairs[0] if pairs else self.alone.get(name, Loaded())
        self.loaded.append(name)
        if isinstance(load, NoAnswer):
            raise load
        return load

    def stop(self) -> None:
        self.loaded.clear()
        self.starts += 1


# How a plugin fares alone and after another, and the state of each that is not well.
FARES: dict[str, tuple[dict[str, Any], dict[tuple[str, str], Any], dict[str, str]]] = {
    "all are well": ({}, {}, {}),
    "one crashes": ({"c": CRASH}, {}, {"c": "broken"}),
    "one hangs": ({"c": HANG}, {}, {"c": "silent"}),
    "one raises": ({"c": ERROR}, {}, {"c": "broken"}),
    "the last is crashed by the first": ({}, {("a", "i"): CRASH}, {"a": "broken"}),
    "one is held up by another": ({}, {("c", "d"): HANG}, {"c": "broken"}),
    "one gets an error from another": ({}, {("b", "e"): ERROR}, {"b": "broken"}),
    "one breaks two": ({}, {("b", "d"): ERROR, ("b", "f"): CRASH}, {"b": "broken"}),
    # Of the halves, the one with the culprit begins with a plugin that needs what the other half has.
    "one breaks another beside one that crashes without a third": (
        {"e": CRASH},
        {("a", "e"): Loaded(), ("f", "i"): ERROR},
        {"f": "broken"},
    ),
    "one that is broken breaks another": ({"b": ERROR}, {("b", "d"): CRASH}, {"b": "broken"}),
}


def states_of(machine: Machine) -> dict[str, Any]:
    entries = [EntryRecord(kind="task", name=name, plugin=name, version="1.0") for name in "abcdefghi"]
    report = load_plugins(machine, entries)  # type: ignore[arg-type]
    return {state.plugin: state for state in report.states}


@pytest.mark.parametrize("case", FARES)
def test_plugin_that_fails_beside_others_is_blamed_only_where_it_fails_alone(case: str) -> None:
    alone, after, bad = FARES[case]

    states = states_of(Machine(alone=alone, after=after))

    assert {name: state.state for name, state in states.items() if state.state != "ok"} == bad


def test_culprit_is_told_what_it_breaks() -> None:
    states = states_of(Machine(alone={}, after={("b", "e"): CRASH}))

    assert states["b"].problem == "it breaks e 1.0, which works without it: its process was ended by SIGSEGV"
    assert (states["e"].problem, states["e"].remarks) == (None, ())


def test_plugin_that_fails_once_and_with_nobody_again_is_well_with_a_remark() -> None:
    machine = Machine(alone={}, after={("a", "c"): CRASH, ("b", "c"): CRASH})
    stop = machine.stop

    def stop_and_forget() -> None:
        machine.after = {}
        stop()

    machine.stop = stop_and_forget  # type: ignore[method-assign]

    state = states_of(machine)["c"]

    assert state.state == "ok"
    assert state.remarks == ("fails beside other plugins (its process was ended by SIGSEGV) and works alone",)


@pytest.mark.parametrize(("load", "starts"), [(Loaded(), 1), (WRONG, 1), (HEAVY, 2)])
def test_plugins_that_raise_nothing_take_no_process_more(load: Loaded, starts: int) -> None:
    machine = Machine(alone={"c": load}, after={})

    states_of(machine)

    assert machine.starts == starts + 1  # and the end


def test_plugin_that_is_not_tried_names_those_that_took_the_time() -> None:
    now = [0.0]
    machine = Machine(alone={"a": HANG}, after={})
    stop = machine.stop

    def stop_late() -> None:
        now[0] = 30.0
        stop()

    machine.stop = stop_late  # type: ignore[method-assign]
    entries = [EntryRecord(kind="task", name=name, plugin=name, version="1.0") for name in "ab"]

    report = load_plugins(machine, entries, clock=lambda: now[0])  # type: ignore[arg-type]

    assert [state.problem for state in report.states] == [HANG.why, "not tried: a 1.0 took all the time"]


@pytest.mark.slow
def test_plugin_that_leaves_a_thread_or_a_trap_behind_is_named_and_not_who_falls_into_it(
    tmp_path: Path,
) -> None:
    trap = "import sys, types\nsys.modules['colorsys'] = types.ModuleType('colorsys')\n"
    install(tmp_path, "envkit-aa-first", TASK, task="aa-first")
    install(tmp_path, "envkit-aa-trap", f"{trap}{TASK}", task="aa-trap")
    install(tmp_path, "envkit-ab-falls", f"from colorsys import rgb_to_hsv\n{TASK}", task="ab-falls")
    process = PluginProcess(start=partial(start_plugin_child, path=[str(tmp_path), *sys.path]))

    states = {state.plugin: state for state in read_plugin_states(process=process)}

    assert states["envkit-ab-falls"].state == "ok"
    assert states["envkit-aa-first"].state == "ok"
    assert states["envkit-aa-trap"].state == "broken"
    assert "it breaks envkit-ab-falls 1.0, which works without it" in str(states["envkit-aa-trap"].problem)


@pytest.mark.slow
def test_package_that_two_import_is_charged_to_the_first_and_the_second_says_so(tmp_path: Path) -> None:
    (tmp_path / "slowly.py").write_text("import time\ntime.sleep(0.2)\ndef do(): pass\n")
    install(tmp_path, "envkit-aa", f"import slowly\n{TASK}", task="aa")
    install(tmp_path, "envkit-ab", f"from slowly import do\n{TASK}", task="ab")
    process = PluginProcess(start=partial(start_plugin_child, path=[str(tmp_path), *sys.path]))

    states = {state.plugin: state for state in read_plugin_states(process=process)}

    assert (states["envkit-aa"].milliseconds or 0) > 200 > (states["envkit-ab"].milliseconds or 0)
    assert states["envkit-aa"].shared == ()
    assert states["envkit-ab"].shared == (("slowly", "envkit-aa 1.0"),)
