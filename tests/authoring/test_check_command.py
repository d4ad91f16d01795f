"""``envkit plugin check`` on the screen and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from authoring.check_plugins import METADATA, replaced, write_plugin

from envkit.authoring.check_report import CheckResult, PluginReport
from envkit.cli import main
from envkit.cli.plugin.check_screen import last_line
from envkit.doctor.report import Counts

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Check = Callable[..., Done]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Return what runs the command in this process."""

    def run(*words: str | Path, folder: Path | None = None) -> Done:
        if folder is not None:
            monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as ended:
            main(["plugin", "check", *map(str, words)])
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


def test_plugin_check_of_a_good_plugin_ends_with_0_and_one_line_on_stdout(
    tmp_path: Path, check: Check
) -> None:
    done = check(write_plugin(tmp_path), "--no-contract")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("envkit-tally 0.1.0: all well, ")
    assert "ok     name\n" in done.stderr
    assert "contract" not in done.stderr


def test_last_line_does_not_count_what_could_not_be_checked_as_well() -> None:
    report = PluginReport(
        plugin="envkit-tally",
        version="0.1.0",
        source="wheel",
        location=".",
        entries=(),
        environment=None,
        findings=(),
        checks=tuple(
            CheckResult(id=name, group="contract", findings=(), seconds=0.0) for name in ("a", "b", "c")
        ),
        counts=Counts(ok=2, skip=1),
        verdict="well",
    )
    assert (
        last_line(report) == "envkit-tally 0.1.0: nothing wrong found, 3 checks, 1 of them could not be made."
    )


def test_plugin_check_of_a_fault_ends_with_1_and_says_where_and_what_to_do(
    tmp_path: Path, check: Check
) -> None:
    wheel = write_plugin(tmp_path, replaced(METADATA, "License-Expression: MIT\n", ""))
    done = check(wheel, "--only", "metadata", "--no-contract")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[1] == "Metadata"
    assert lines[2] == "error    check.licence: no licence is named, so nobody else may use it"
    assert lines[3].strip().endswith("METADATA:1")
    assert lines[4].strip() == 'fix: In pyproject.toml: license = "Apache-2.0"'
    assert lines[-1] == "envkit-tally 0.1.0: 1 error in 12 checks."
    assert "error  licence\n" in done.stderr


def test_plugin_check_as_json_prints_the_report_alone(tmp_path: Path, check: Check) -> None:
    done = check(write_plugin(tmp_path), "--only", "name,version", "--no-contract", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["command"] == "plugin check"
    data = answer["data"]
    assert (data["plugin"], data["source"], data["verdict"]) == ("envkit-tally", "wheel", "well")
    assert [finding["id"] for finding in data["findings"]] == ["check.name", "check.version"]
    assert data["entries"] == [{"kind": "task", "name": "tally", "module": "envkit_tally.plugin"}]


def test_plugin_check_with_warnings_fails_under_strict_alone(tmp_path: Path, check: Check) -> None:
    wheel = write_plugin(tmp_path, replaced(METADATA, "License-Expression", "License"))
    assert check(wheel, "--only", "licence", "--no-contract").returncode == 0
    assert check(wheel, "--only", "licence", "--no-contract", "--strict").returncode == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nerr",), "Did you mean 'ner'?"),
        (("ner", "--only", "hoks"), "Did you mean 'hooks'?"),
        (("ner", "--limit", "0"), "--limit"),
        (("ner", "--env", "docker:some"), "not in a container"),
        ((), "it has no pyproject.toml"),
    ],
)
def test_plugin_check_of_wrong_words_ends_with_2_and_a_hint(
    tmp_path: Path, check: Check, words: tuple[str, ...], said: str
) -> None:
    done = check(*words, folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_plugin_check_list_names_every_check_once(tmp_path: Path, check: Check) -> None:
    done = check("--list", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Metadata (--only metadata)\n  builds")
    assert done.stdout.count("  contract-seed ") == 1
