"""A check for the doctor that breaks a promise is found out, and those of envkit keep them all."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.specifiers import SpecifierSet

from envkit.api import Check, CheckContext, Finding
from envkit.doctor.catalog import builtin_checks
from envkit.doctor.surroundings import Surroundings
from envkit.testing import NotChecked, check_doctor_check, fake_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SMALL = fake_facts(memory=2 * 10**9)


def judge_memory(context: CheckContext) -> Iterator[Finding]:
    total = context.facts.memory.total
    if total is not None and total < 8 * 10**9:
        yield Finding(
            severity="warn",
            summary="There is little memory",
            evidence=(f"{total / 1e9:.1f} GB",),
            fix="Add memory",
        )


def memory_check(**changed: Any) -> Check:
    usual: dict[str, Any] = {
        "id": "house.memory",
        "summary": "there is enough memory",
        "run": judge_memory,
        "needs": ("memory",),
    }
    return Check(**{**usual, **changed})


def warn(**fields: Any) -> Callable[[CheckContext], Iterable[Finding]]:
    usual: dict[str, Any] = {"severity": "warn", "summary": "Bad", "evidence": ("x",), "fix": "Mend it"}
    return lambda _: [Finding(**{**usual, **fields})]


def ask_the_network(_: CheckContext) -> Iterable[Finding]:
    with suppress(OSError):
        socket.create_connection(("192.0.2.1", 80), timeout=0.01)
    return ()


def start_a_program(context: CheckContext) -> Iterable[Finding]:
    if len(context.facts.nvidia.gpus) > 1:
        subprocess.run(["true"], check=True)
    return ()


def write_a_file(_: CheckContext) -> Iterable[Finding]:
    Path(os.environ["WRITES"], "file").write_text("found\n")
    return ()


def take_long(context: CheckContext) -> Iterable[Finding]:
    if len(context.facts.nvidia.gpus) > 1:
        time.sleep(0.12)
    return ()


BROKEN: list[tuple[str, Check, str]] = [
    ("id", memory_check(id="memory"), "its id is 'memory', expected subject.what"),
    ("summary", memory_check(summary="two\nlines"), "its summary is not one line"),
    ("needs", memory_check(needs="memory"), "expected a tuple of names"),
    ("unknown part", memory_check(needs=("memory", "ram")), "it needs ram, which MachineFacts does not have"),
    ("cost", memory_check(cost="heavy"), "its cost is 'heavy'"),
    (
        "raises",
        memory_check(run=lambda context: [] if context.facts.memory.total > 0 else ()),
        "on a machine that tells nothing it raises TypeError",
    ),
    ("gives text", memory_check(run=lambda _: ["bad"]), "it gives str, not a Finding"),
    ("severity", memory_check(run=warn(severity="bad")), "the severity is 'bad'"),
    ("lines", memory_check(run=warn(summary="one\ntwo")), "the summary is no line"),
    ("long", memory_check(run=warn(summary="x" * 200)), "the summary has 200 letters"),
    ("evidence", memory_check(run=warn(evidence=(1,))), "a finding is not as documented"),
    ("no fix", memory_check(run=warn(fix=None)), "nobody says what mends: Bad"),
    ("no evidence", memory_check(run=warn(evidence=())), "nothing says what it rests on: Bad"),
    ("looks elsewhere", memory_check(needs=()), "it looks at facts that are not in needs=()"),
    (
        "random",
        memory_check(run=lambda _: warn(summary=f"Bad {random.random()}")(_)),
        "it finds something else each time",
    ),
    ("network", memory_check(run=ask_the_network), "connects to 192.0.2.1, which takes network=True"),
    ("program", memory_check(run=start_a_program, needs=("nvidia",)), "which takes cost='slow'"),
    ("slow", memory_check(run=take_long, needs=("nvidia",)), ", more than 0.1 s"),
    ("finds nothing", memory_check(run=lambda _: ()), "on machine 1 of wrong it finds nothing"),
    ("finds too much", memory_check(run=warn()), "on machine 1 of well it finds: Bad"),
]


def test_check_that_keeps_all_promises_passes() -> None:
    check_doctor_check(memory_check(), wrong=[SMALL], well=[fake_facts()])


@pytest.mark.slow
@pytest.mark.parametrize(("check", "said"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_check_that_breaks_a_promise_is_told(check: Check, said: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_doctor_check(check, wrong=[SMALL], well=[fake_facts()])

    assert said in str(caught.value)
    assert str(caught.value).startswith(f"the check {check.id} does not keep:")


def test_check_that_writes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITES", str(tmp_path))

    with pytest.raises(AssertionError, match=f"it writes {tmp_path}"):
        check_doctor_check(memory_check(run=write_a_file))


def unjudged(error: NotChecked) -> set[str]:
    return {line.partition(":")[0] for line in str(error).splitlines()[1:]}


def test_envkits_own_checks_keep_the_promises(tmp_path: Path) -> None:
    surroundings = Surroundings(
        home=tmp_path,
        torch_index="https://download.pytorch.org/whl",
        wheels=(),
        torch_range=SpecifierSet(">=2.6,<3"),
        wanted_python=SpecifierSet(">=3.11"),
        disk_needed=8 * 10**9,
    )

    for check in builtin_checks(surroundings):
        if check.cost == "light" and not check.network:
            try:
                check_doctor_check(check)
            except NotChecked as error:  # most find nothing wrong on a machine that is made up
                assert unjudged(error) <= {"says_what_to_do", "needs", "finds"}, check.id


def test_check_that_never_warns_is_not_called_sound() -> None:
    with pytest.raises(NotChecked) as caught:
        check_doctor_check(memory_check(run=lambda _: (), needs=()))

    assert unjudged(caught.value) == {"says_what_to_do", "needs", "finds"}
    assert "give one on which it does" in str(caught.value)


def test_check_that_warns_on_a_given_machine_alone_is_held_to_its_needs_there() -> None:
    with pytest.raises(AssertionError, match="on machine 1 of wrong it looks at facts that are not in needs"):
        check_doctor_check(memory_check(needs=()), wrong=[SMALL])
