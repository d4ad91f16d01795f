"""Checks of extensions: they run in a process of their own, and what one does harms it alone."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
from doctor.small_plugins import TRACKER, check, checks_module, install

from envkit.api.checks import CheckContext, Finding
from envkit.doctor.child_process import start_plugin_child
from envkit.doctor.extension import Foreign, take_checks
from envkit.doctor.plugin_process import PluginProcess
from envkit.doctor.plugin_states import list_plugins, load_plugins
from envkit.machine import read_facts

if TYPE_CHECKING:
    from pathlib import Path

NAME = "envkit-acme"
GOOD = "lambda context: [Finding(severity='warn', summary=context.facts.platform.system, fix='mend it')]"
FUNCTIONS = """
    import os, sys, time

    def fail(context):
        raise RuntimeError("no luck")

    def leave(context):
        sys.exit(0)

    def die(context):
        os._exit(7)

    def chatter(context):
        print("{}", flush=True)
        os.write(1, b'{"findings": []}\\n')
        yield Finding(severity="info", summary="said much")
        print("more", file=sys.stderr)

    def wrong(context):
        return ["text"]

    def shout(context):
        return [Finding(severity="fatal", summary="x")]

    def lone(context):
        return Finding(severity="ok", summary="x")

    def hang(context):
        time.sleep(60)
"""


def take(site: Path, *, timeout: float = 10.0, taken: tuple[str, ...] = ()) -> Foreign:
    start = partial(start_plugin_child, path=[str(site), *sys.path])
    process = PluginProcess(start=start)
    report = load_plugins(process, list_plugins(process).entries, timeout=10.0)
    return take_checks(report, taken=taken, timeout=timeout, new_process=lambda: PluginProcess(start=start))


def run_all(foreign: Foreign) -> dict[str, Finding]:
    context = CheckContext(facts=read_facts())
    found = {check.id: next(iter(check.run(context))) for check in foreign.checks}
    foreign.stop()
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """Run one extension's checks, nearly all of them bad, each for at most two seconds."""
    site = tmp_path_factory.mktemp("site")
    names = ("fail", "leave", "die", "chatter", "wrong", "shout", "lone", "hang")
    listed = [check(f"acme.{name}", name) for name in names]
    module = checks_module(*listed, check("acme.good", GOOD), before=FUNCTIONS)
    return run_all(take(install(site, NAME, module), timeout=1.5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fail", "RuntimeError: no luck"),
        ("leave", "SystemExit"),
        ("die", "ended its process with status 7"),
        ("wrong", "the check gave no Finding"),
        ("shout", "'fatal'"),
        ("lone", "TypeError"),
        ("hang", "the check gave no answer in 1.5 s"),
    ],
)
def test_check_of_an_extension_that_fails_is_a_crash_with_its_author(
    name: str, says: str, found: dict[str, Finding]
) -> None:
    finding = found[f"acme.{name}"]

    assert finding.severity == "crash" and says in finding.summary
    assert finding.plugin == NAME and f"{NAME} 1.0" in finding.evidence[0]
    assert TRACKER.format(NAME) in str(finding.fix)


def test_check_of_an_extension_beside_bad_ones_is_taken_whole(found: dict[str, Finding]) -> None:
    good, chatter = found["acme.good"], found["acme.chatter"]

    assert (good.severity, good.summary, good.fix) == ("warn", sys.platform, "mend it")
    assert (good.id, good.plugin) == ("acme.good", NAME)
    assert chatter.summary == "said much"


def test_take_checks_id_that_two_claim_is_neithers(tmp_path: Path) -> None:
    install(tmp_path, "envkit-one", checks_module(check("acme.x"), check("acme.one"), check("gpu.mig")))
    install(tmp_path, "envkit-two", checks_module(check("acme.x")))

    foreign = take(tmp_path, taken=("gpu.mig",))

    assert [check.id for check in foreign.checks] == ["acme.one"]
    states = {state.plugin: state for state in foreign.states}
    assert states["envkit-two"].state == "conflict"
    assert (
        states["envkit-two"].problem
        == "the check 'acme.x' is claimed by envkit-one 1.0 and by envkit-two 1.0"
    )
    assert "'gpu.mig' is claimed by envkit itself and by envkit-one 1.0" in str(states["envkit-one"].problem)


def test_take_checks_record_keeps_what_the_author_said(tmp_path: Path) -> None:
    made = check(
        "acme.x", needs=("docker", "plugins"), cost="slow", network=True, link="https://example.org/x"
    )
    install(tmp_path, NAME, checks_module(made))

    [taken] = take(tmp_path).checks

    assert (taken.needs, taken.cost, taken.network) == (("docker", "plugins"), "slow", True)
    assert (taken.plugin, taken.link, taken.summary) == (NAME, "https://example.org/x", "It is well")
