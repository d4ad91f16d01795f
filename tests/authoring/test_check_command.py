"""``envkit plugin check`` on the screen and as JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from authoring.check_plugins import METADATA, PLUGIN, replaced, write_plugin

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


@pytest.mark.slow
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
    assert [finding["id"] for check in data["checks"] for finding in check["findings"]] == [
        "check.name",
        "check.version",
    ]
    assert "findings" not in data
    assert (data["is_stopped"], data["not_reached"]) == (False, [])
    assert data["entries"] == [{"kind": "task", "name": "tally", "module": "envkit_tally.plugin"}]


def test_plugin_check_with_warnings_fails_under_strict_alone(tmp_path: Path, check: Check) -> None:
    wheel = write_plugin(tmp_path, replaced(METADATA, "License-Expression", "License"))
    assert check(wheel, "--only", "licence", "--no-contract").returncode == 0
    assert check(wheel, "--only", "licence", "--no-contract", "--strict").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
def test_plugin_check_that_is_interrupted_prints_what_it_found_and_ends_with_130(
    tmp_path: Path, as_json: bool
) -> None:
    hangs = replaced(PLUGIN, "from typing", "import time\n\ntime.sleep(600)\nfrom typing")
    words = ["plugin", "check", str(write_plugin(tmp_path, hangs)), "--no-contract", "-v"]
    process = subprocess.Popen(
        [sys.executable, "-m", "envkit", *words, *(["--json"] if as_json else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None and process.stdout is not None
        for line in process.stderr:
            if "private-imports" in line:
                break
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 130
    if not as_json:
        assert "\nNot reached\n  import-weight, import-time, " in said
        assert "envkit-tally 0.1.0: stopped; nothing wrong found in " in said.splitlines()[-1]
        return
    answer = json.loads(said)
    assert (answer["ok"], answer["error"]["exit_code"]) == (False, 130)
    assert answer["data"]["checks"][0]["id"] == "check.name"
    assert answer["data"]["not_reached"][0] == "check.import-weight"


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
    assert "\nExtension (--only extension, doctor, template)\n" in done.stdout
