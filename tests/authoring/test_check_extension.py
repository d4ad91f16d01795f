"""An extension is checked for what it hands in: checks of the doctor, templates of images, backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from authoring.check_plugins import ENTRY_POINTS, METADATA, PLUGIN, Files, write_plugin

from envkit.authoring.check import check_plugin
from envkit.authoring.check_progress import Silence
from envkit.authoring.check_report import Wanted

if TYPE_CHECKING:
    from pathlib import Path

EXTENSION = "envkit_tally/extension.py"
CODE = '''\
"""Checks of the house."""

from envkit.api import Check, Finding, hookimpl


def too_few(context):
    count = context.facts.cpu.logical_cores
    if count is not None and count < 64:
        yield Finding(
            severity="warn", summary="few processors", evidence=(f"{count} processors",), fix="Ask for more"
        )


@hookimpl
def envkit_checks():
    return [Check(id="house.processors", summary="there are enough processors", run=too_few, needs=("cpu",))]
'''


def extension(code: str) -> Files:
    """Return what makes the plugin one that extends envkit and has no task."""

    def change(files: Files) -> Files:
        files = {
            **files,
            EXTENSION: code,
            ENTRY_POINTS: "[envkit.extensions]\nhouse = envkit_tally.extension\n",
        }
        files[METADATA] = files[METADATA].replace("Provides-Extra: train\n", "")
        return {name: text for name, text in files.items() if name != PLUGIN}

    return change  # type: ignore[return-value]


def bad(folder: Path, code: str) -> dict[str, str]:
    report = check_plugin(write_plugin(folder, extension(code)))  # type: ignore[arg-type]
    return {
        finding.id: finding.summary
        for finding in report.findings
        if finding.severity in ("error", "warn", "crash")
    }


@pytest.mark.slow
def test_check_of_an_extension_tries_what_it_hands_in(tmp_path: Path) -> None:
    report = check_plugin(write_plugin(tmp_path, extension(CODE)))  # type: ignore[arg-type]
    well = {finding.id: finding.summary for finding in report.findings if finding.severity == "ok"}
    (unjudged,) = [finding for finding in report.findings if finding.severity != "ok"]
    assert (unjudged.id, unjudged.severity) == ("check.doctor-finds", "skip")
    assert "not checked, no machine is known on which it has to warn" in unjudged.summary
    assert well["check.given"] == "it hands in: check house.processors"
    assert well["check.doctor-judges"].startswith("house.processors: ")
    assert "check.train-extra" not in well
    assert report.environment is None


@pytest.mark.slow
def test_check_of_an_extension_with_a_bad_check_names_the_promise(tmp_path: Path) -> None:
    found = bad(tmp_path, CODE.replace('fix="Ask for more"', ""))
    assert list(found) == ["check.doctor-says-what-to-do"]
    assert "house.processors" in found["check.doctor-says-what-to-do"]


@pytest.mark.slow
def test_check_of_an_extension_without_contracts_tries_what_needs_no_torch(tmp_path: Path) -> None:
    code = CODE.replace('needs=("cpu",)', 'needs=("cpus",)')
    report = check_plugin(
        write_plugin(tmp_path, extension(code)),  # type: ignore[arg-type]
        has_contract=False,
        wanted=Wanted(only=("extension",)),
    )
    found = {finding.id: finding.summary for finding in report.findings if finding.severity == "error"}
    assert "it needs cpus, which MachineFacts does not have" in found["check.doctor-check"]
    assert {result.group for result in report.checks} == {"extension"}


@pytest.mark.slow
def test_check_of_an_extensions_doctor_checks_alone_runs_no_more_and_is_stopped_anywhere(
    tmp_path: Path,
) -> None:
    class Stopped(Silence):
        def begin(self, check_id: str) -> None:
            if check_id == "check.doctor-needs":
                raise KeyboardInterrupt

    wheel = write_plugin(tmp_path, extension(CODE))  # type: ignore[arg-type]
    report = check_plugin(wheel, wanted=Wanted(only=("doctor",)), progress=Stopped())
    assert {result.id.partition("-")[0] for result in report.checks} == {"check.doctor"}
    assert {finding.severity for finding in report.findings} <= {"ok", "skip"}
    assert report.not_reached[0] == "check.doctor-needs"
    assert {check_id.partition("-")[0] for check_id in report.not_reached} == {"check.doctor"}


@pytest.mark.slow
def test_check_of_an_extension_with_a_misspelt_hook_names_the_nearest(tmp_path: Path) -> None:
    found = bad(tmp_path, CODE.replace("def envkit_checks", "def envkit_check"))
    assert list(found) == ["check.hooks"]
    assert "is envkit_checks meant" in found["check.hooks"]


@pytest.mark.slow
def test_check_of_an_extension_that_hands_in_nothing_says_so(tmp_path: Path) -> None:
    code = CODE.replace("    return [", "    return []\n    [")
    assert list(bad(tmp_path, code)) == ["check.given"]


def test_check_of_a_backend_asks_for_its_contract(tmp_path: Path) -> None:
    code = """
from envkit.api import hookimpl


class Backend:
    name = "house"
    summary = "the house's own"

    def plan(self, request, *, context): ...
    def install(self, base, prefix, *, requested, context, progress, inherited): ...
    def activate(self, prefix, *, environ): ...
    def activation_script(self, prefix, *, shell): ...


@hookimpl
def envkit_backends():
    return [Backend()]
"""
    report = check_plugin(  # its CONTRACT is a task's
        write_plugin(tmp_path, extension(code)),  # type: ignore[arg-type]
        wanted=Wanted(only=("contract",)),
    )
    (finding,) = report.findings
    assert finding.id == "check.contract"
    assert "no CONTRACT that is an envkit.testing.BackendContract" in finding.summary
