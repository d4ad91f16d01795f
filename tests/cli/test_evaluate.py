"""`envkit evaluate` from its words to its last line, with the task `echo` in this interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo_model import echo_record, save_echo_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def envkit(tmp_path: Path, echo_environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a folder that holds a model and a file to score it on."""
    save_echo_model(tmp_path / "model")
    (tmp_path / "test.txt").write_text("LOUD\nsoft\n")

    def run(*words: str, given: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "envkit", *words],
            cwd=tmp_path,
            env={**echo_environ, "ENVKIT_HOME": str(tmp_path / "home"), "NO_COLOR": "1", **more},
            capture_output=True,
            text=True,
            input=given,
            check=False,
        )

    return run


@pytest.mark.slow
def test_evaluate_prints_tables_and_scores_as_a_run_does(envkit: Any, tmp_path: Path) -> None:
    done = envkit("evaluate", "model", "test.txt", "--predictions", "told.jsonl")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "",
        "Echoes",
        "  word  heard",
        "  all       2",
        "",
        "test/echo_score  0.5000   95 % between 0.2500 and 0.5000",
        "model            model",
        "file             test.txt",
        "predictions      told.jsonl",
    ]
    assert done.stderr == "warning: an echo is no proof\n"
    rows = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [(row["gold"], row["is_right"]) for row in rows] == [("LOUD", True), ("soft", False)]


@pytest.mark.slow
def test_evaluate_as_json_prints_the_envelope_alone(envkit: Any, tmp_path: Path) -> None:
    done = envkit("evaluate", "model", "test.txt", "--json")

    body = json.loads(done.stdout)
    assert (body["ok"], body["command"], body["data"]["model"]) == (True, "evaluate", str(tmp_path / "model"))
    assert body["data"]["result"]["metrics"] == {"test/echo_score": 0.5, "test/support": 2.0}


@pytest.mark.slow
def test_evaluate_of_standard_input_gives_the_plugin_a_file_and_leaves_none(
    envkit: Any, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = envkit("evaluate", "model", "-", "--json", given="LOUD\nsoft\n", TMPDIR=str(temporary))

    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["data"]["file"] == "-"
    assert body["data"]["result"]["metrics"] == {"test/echo_score": 0.5, "test/support": 2.0}
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "error: standard input, given for FILE, is empty\n"),
        ("soft\ndoubt\n", "error: stdin:2: no echo is doubtful\n"),
    ],
    ids=["empty", "read by the plugin"],
)
def test_evaluate_of_a_standard_input_that_cannot_be_read_names_it(
    envkit: Any, given: str, message: str
) -> None:
    done = envkit("evaluate", "model", "-", given=given)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_evaluate_never_keeps_predictions_over_the_file_it_reads(
    envkit: Any, envkit_here: Any, tmp_path: Path
) -> None:
    done = envkit_here("evaluate", "model", "test.txt", "--predictions", "test.txt", "--force")

    assert done.returncode == 2
    assert "over the file that is read" in done.stderr
    assert (tmp_path / "test.txt").read_text() == "LOUD\nsoft\n"


@pytest.mark.slow
def test_evaluate_that_fails_under_json_carries_the_error_in_the_envelope(
    envkit: Any, tmp_path: Path
) -> None:
    (tmp_path / "test.txt").write_text("data\n")

    done = envkit("evaluate", "model", "test.txt", "--json")

    assert done.returncode == 2
    assert "echo.txt:3" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.slow
def test_evaluate_with_a_plugin_that_keeps_no_predictions_says_so(envkit: Any, tmp_path: Path) -> None:
    save_echo_model(tmp_path / "other", echo_record(words=False))

    done = envkit("evaluate", "other", "test.txt", "--predictions", "told.jsonl")

    assert done.returncode == 0
    assert "gives no predictions: told.jsonl is empty" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["model", "gone.txt"], 2, "gone.txt: no such file"),
        (["model", "test.txt", "--encoding", "latin-1"], 2, "the task echo knows no --encoding"),
        (["model", "test.txt", "--predictions", "no/such/file"], 2, "no/such/file cannot be written"),
    ],
)
def test_evaluate_with_what_cannot_work_ends_with_error_and_code(
    envkit: Any, words: list[str], code: int, message: str
) -> None:
    done = envkit("evaluate", *words)

    assert (done.returncode, done.stdout) == (code, "")
    assert f"error: {message}" in done.stderr
