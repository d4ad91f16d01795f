"""What every command line gets: help that loads nothing, errors in one shape, exits by their meaning."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import envkit as package
from envkit.api import errors
from envkit.cli import COMMANDS


def envkit(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as few tests need it."""
    return subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize(
    "words", [[], *[[name] for name in COMMANDS]], ids=lambda words: " ".join(words) or "-"
)
def test_help_of_every_command_ends_well_within_80_columns(envkit_here: Any, words: list[str]) -> None:
    done = envkit_here(*words, "--help")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: envkit")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_version_is_printed() -> None:
    done = envkit("--version")

    assert (done.returncode, done.stdout.split()[0]) == (0, "envkit")


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["rn", "ner"], 2, "there is no command 'rn'. Did you mean 'envkit run'?", "envkit --help"),
        (
            ["env", "snc"],
            2,
            "there is no command 'snc'. Did you mean 'envkit env sync'?",
            "envkit env --help",
        ),
        (["env", "ner"], 2, "there is no command 'ner'. Did you mean 'envkit run ner'?", "envkit env --help"),
        (["doctor", "--jsn"], 2, "--jsn", "envkit doctor --help"),
        (["run", "no-such-task"], 2, "there is no task 'no-such-task'", "Others come with their plugins"),
        (["runs", "show", "no-such-run"], 2, "no-such-run", "kept where they were started"),
    ],
)
def test_wrong_words_get_error_hint_and_exit_without_a_traceback(
    envkit_here: Any, words: list[str], code: int, message: str, hint: str
) -> None:
    done = envkit_here(*words)

    assert done.returncode == code
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert lines[1].startswith("hint: ")
    assert hint in lines[1]
    assert "Traceback" not in done.stderr


def test_exit_code_and_streams_are_those_of_the_process() -> None:
    wrong = envkit("rn", "ner")
    right = envkit("run", "--help", COLUMNS="80")

    assert (wrong.returncode, wrong.stdout, wrong.stderr[:7]) == (2, "", "error: ")
    assert (right.returncode, right.stdout[:13], right.stderr) == (0, "Usage: envkit", "")


def test_an_error_under_json_is_the_envelope_and_nothing_else_on_stdout() -> None:
    done = envkit("run", "no-such-task", "--json")

    body = json.loads(done.stdout)
    assert done.returncode == 2
    assert body["ok"] is False
    assert body["data"] is None
    assert body["error"]["exit_code"] == 2
    assert "no-such-task" in body["error"]["message"]
    assert done.stderr == ""


def test_json_after_two_dashes_is_another_programs_word(envkit_here: Any) -> None:
    done = envkit_here("env", "run", "nowhere", "--", "tool", "--json")

    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.startswith("error: there is no environment 'nowhere'")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m envkit facts | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""


def test_exit_codes_are_those_that_readme_documents() -> None:
    codes = {
        name: getattr(errors, name).exit_code
        for name in dir(errors)
        if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), errors.EnvkitError)
    }

    assert {
        "EnvkitError": 1,
        "RunFailed": 1,
        "UsageError": 2,
        "ConfigError": 2,
        "DataError": 2,
        "MachineError": 4,
        "PluginError": 5,
        "EnvError": 6,
        "RunCancelled": 130,
    }.items() <= codes.items()


@pytest.mark.parametrize(
    "words", [[], ["run"], ["env"], ["plugin"], ["runs"]], ids=lambda words: " ".join(words) or "-"
)
def test_group_alone_prints_its_help_and_is_no_error(envkit_here: Any, words: list[str]) -> None:
    done = envkit_here(*words)

    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: {' '.join(['envkit', *words])} ")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["ner"], "Did you mean 'envkit run ner'?", "envkit --help"),
        (["run", "--epochs", "3", "ner"], "--epochs", "envkit run TASK --epochs"),
        (["run", "ner", "--train"], "--train", "envkit run ner --help"),
        (["run", "NER"], "'NER'", "Did you mean 'ner'?"),
    ],
)
def test_words_in_the_wrong_place_are_put_right(
    envkit_here: Any, words: list[str], message: str, hint: str
) -> None:
    done = envkit_here(*words)

    assert done.returncode == 2
    error, hint_line = done.stderr.splitlines()[:2]
    assert message in error
    assert hint in hint_line


@pytest.mark.slow
@pytest.mark.parametrize("words", [["doctor"], ["doctor", "--json"]], ids=" ".join)
def test_password_in_the_torch_index_is_shown_nowhere(envkit_here: Any, words: list[str]) -> None:
    done = envkit_here(
        *words,
        ENVKIT_TORCH_INDEX="https://bob:s3kret@mirror.example/whl",
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
    )

    assert "mirror.example" in done.stdout
    assert "s3kret" not in done.stdout + done.stderr


def started(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which ENVKIT is the command."""
    line = line.replace("ENVKIT", f"{sys.executable} -m envkit")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["doctor --only python", "doctor --json --only python", "doctor --list", "torch", "facts"]
)
def test_command_without_an_output_says_so(words: str) -> None:
    done = started(f"ENVKIT {words} >&-")
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: it is closed\n")


def test_help_without_any_stream_ends_with_1_alone() -> None:
    done = started("ENVKIT --help <&- >&- 2>&-")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
def test_reader_that_leaves_the_doctor_is_no_error() -> None:
    done = started("set -o pipefail; ENVKIT doctor -v --only python | head -n 1")
    assert (done.returncode, done.stderr) == (0, "")


def test_interrupt_before_the_command_line_is_there_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stop:
        def find_spec(self, name: str, *rest: object) -> None:
            if name == "envkit.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "envkit.cli")
    monkeypatch.setattr(sys, "meta_path", [Stop(), *sys.meta_path])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(Path(package.__file__).with_name("__main__.py")), run_name="__main__")
    assert end.value.code == 130
    assert capsys.readouterr().err == "error: stopped\n"
