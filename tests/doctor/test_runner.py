"""Checks run beside each other: in order, on what they need, and whatever one of them does."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api.checks import Check, CheckContext, Finding, PluginState
from envkit.api.facts import MachineFacts, Unread
from envkit.doctor.runner import run_checks
from envkit.machine import read_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

FACTS = msgspec.structs.replace(read_facts(), parts=("python", "platform", "memory", "docker"))


def check(name: str, run: Any = lambda context: (), **more: Any) -> Check:
    return Check(id=name, summary=f"{name} is well", run=run, **more)


def results(checks: Iterable[Check], **more: Any) -> dict[str, Finding]:
    more.setdefault("facts", lambda *parts: FACTS)
    return {each.id: findings[0] for each, findings in run_checks(list(checks), **more)}


def test_run_checks_check_that_finds_nothing_is_ok() -> None:
    [finding] = results([check("a.b", link="here")]).values()

    assert finding == Finding(severity="ok", summary="a.b is well", id="a.b", link="here")


def test_run_checks_finding_gets_id_and_link_of_its_check() -> None:
    def run(context: CheckContext) -> list[Finding]:
        return [Finding(severity="warn", summary="x"), Finding(severity="info", summary="y", link="there")]

    [(_, (first, second))] = run_checks([check("a.b", run, link="here")], facts=lambda *parts: FACTS)

    assert (first.id, first.link) == ("a.b", "here")
    assert (second.id, second.link) == ("a.b", "there")


def test_run_checks_password_in_a_finding_is_masked() -> None:
    address = "https://bob:s3kret@mirror.example/whl"

    def run(context: CheckContext) -> list[Finding]:
        return [Finding(severity="warn", summary=address, evidence=(address,), fix=f"curl {address}")]

    [finding] = results([check("a.b", run)]).values()

    assert "s3kret" not in str(finding) and "mirror.example" in str(finding.fix)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (lambda context: 1 / 0, "ZeroDivisionError"),
        (lambda context: sys.exit(3), "SystemExit"),
        (lambda context: [3], "int, not a Finding"),
        (lambda context: 3, "TypeError"),
        (lambda context: (_ for _ in "x" if 1 / 0), "ZeroDivisionError"),
    ],
)
def test_run_checks_check_that_fails_is_a_crash_and_the_next_runs(run: Any, says: str) -> None:
    found = results([check("a.bad", run), check("a.good")])

    assert found["a.bad"].severity == "crash" and says in found["a.bad"].summary
    assert found["a.good"].severity == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("cost", ["light", "slow"])
def test_run_checks_check_that_hangs_is_a_crash_and_the_others_run(cost: str) -> None:
    released = threading.Event()
    checks = [check(f"a.hang{n}", lambda context: released.wait(), cost=cost) for n in range(2)]
    try:
        found = results([*checks, check("a.good")], check_timeout=0.1, deadline=0.5)
    finally:
        released.set()

    assert [found[f"a.hang{n}"].severity for n in range(2)] == ["crash", "crash"]
    assert "did not answer" in found["a.hang0"].summary
    assert found["a.good"].severity == "ok"


def test_run_checks_facts_that_never_come_end_at_the_deadline() -> None:
    released = threading.Event()

    def facts(*parts: str) -> MachineFacts:
        if "docker" in parts:
            released.wait()
        return FACTS

    start = time.monotonic()
    found = results(
        [check("a.first", needs=("python",)), check("a.waits", needs=("docker",))], facts=facts, deadline=0.3
    )
    released.set()

    assert time.monotonic() - start < 5
    assert found["a.waits"].severity == "skip" and "not there in time" in found["a.waits"].summary
    assert found["a.first"].severity == "ok"


def test_run_checks_part_that_could_not_be_read_is_skipped_with_why() -> None:
    silent = Unread(what="docker", why="no answer in 5 s", part="docker", is_whole=True)
    facts = msgspec.structs.replace(FACTS, unread=(silent,))
    checks = [check("a.b", needs=("docker",)), check("a.c", needs=("memory",))]

    found = results(checks, facts=lambda *parts: facts)

    assert found["a.b"].severity == "skip" and "no answer in 5 s" in found["a.b"].summary
    assert found["a.c"].severity == "ok"


@pytest.mark.parametrize(("part", "severity"), [("nvidia", "ok"), ("docker", "skip"), ("conda", "skip")])
def test_run_checks_facts_of_an_older_envkit_tell_of_their_parts_alone(part: str, severity: str) -> None:
    old = msgspec.structs.replace(FACTS, parts=(), version=1)

    assert results([check("a.b", needs=(part,))], facts=lambda *parts: old)["a.b"].severity == severity


def test_run_checks_plugins_are_waited_for_by_those_that_need_them_alone() -> None:
    state = PluginState(plugin="p", version="1", kind="task", name="t", state="ok")
    asked: list[str] = []

    def plugins() -> tuple[PluginState, ...]:
        asked.append("once")
        return (state,)

    def run(context: CheckContext) -> list[Finding]:
        return [Finding(severity="info", summary=context.plugins[0].name)]

    found = results([check("a.b"), check("a.c", run, needs=("plugins",))], plugins=plugins)

    assert found["a.c"].summary == "t" and asked == ["once"]


@given(st.lists(st.sampled_from(["well", "raise", "many", "slow"]), max_size=12))
def test_run_checks_any_mix_keeps_the_order_and_gives_each_a_finding(kinds: list[str]) -> None:
    runs: dict[str, Any] = {
        "well": lambda context: (),
        "raise": lambda context: {}["x"],
        "many": lambda context: [Finding(severity="info", summary="x")] * 3,
        "slow": lambda context: time.sleep(0.001),
    }
    checks = [
        check(f"a.{n}", runs[kind], cost="slow" if kind == "slow" else "light")
        for n, kind in enumerate(kinds)
    ]

    found = list(run_checks(checks, facts=lambda *parts: FACTS))

    assert [each.id for each, _ in found] == [each.id for each in checks]
    assert all(findings for _, findings in found)
