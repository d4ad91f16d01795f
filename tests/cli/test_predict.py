"""`envkit predict` from its words to its last row, with the task `echo` in this interpreter."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo_model import save_echo_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

ENVKIT = [sys.executable, "-m", "envkit"]


@pytest.fixture
def environ(tmp_path: Path, echo_environ: dict[str, str]) -> dict[str, str]:
    return {**echo_environ, "ENVKIT_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}


@pytest.fixture
def envkit(tmp_path: Path, environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a folder that holds a model."""
    save_echo_model(tmp_path / "model")

    def run(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*ENVKIT, *words],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            input=given,
            check=False,
        )

    return run


def test_predict_prints_rows_alone(envkit: Any) -> None:
    done = envkit("predict", "model", "--", "good", "- bye")

    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["label"] for line in done.stdout.splitlines()] == ["GOOD", "- BYE"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [[], *(pytest.param(words, marks=pytest.mark.slow) for words in (["-"], ["--file", "-"]))],
    ids=" ".join,
)
def test_predict_of_standard_input_writes_a_file(envkit: Any, tmp_path: Path, words: list[str]) -> None:
    done = envkit("predict", "model", "--to", "csv", "--output", "out.csv", *words, given="good\nbye\n")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [line.split(",")[2] for line in (tmp_path / "out.csv").read_text().splitlines()] == [
        "label",
        "GOOD",
        "BYE",
    ]


def test_predict_leaves_a_file_that_is_there_alone_unless_forced(envkit: Any, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("mine\n")
    words = ["predict", "model", "good", "--output", "out.jsonl"]

    done = envkit(*words)
    assert (done.returncode, file.read_text()) == (2, "mine\n")
    assert "out.jsonl is there already" in done.stderr
    assert envkit(*words, "--force").returncode == 0
    assert json.loads(file.read_text())["label"] == "GOOD"


def test_predict_gives_a_row_before_the_next_text_is_there(tmp_path: Path, environ: dict[str, str]) -> None:
    save_echo_model(tmp_path / "model")
    with subprocess.Popen(
        [*ENVKIT, "predict", "model", "--to", "conll"],
        cwd=tmp_path,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("one", "two"):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()

            assert process.stdout.readline() == f"{text}\t{text.upper()}\n"
            assert process.stdout.readline() == "\n"
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["nothing", "x"], 2, "there is no run 'nothing'", "kept where they were started"),
        (["model", "x", "--file", "in.txt"], 2, "give one or the other", "--help"),
        (["model", "--file", "in.txt"], 2, "in.txt: no such file", "ls"),
        (["model", "x", "--device", "gpu"], 2, "'gpu' is no device", "cuda:N"),
        (["model", "x", "--env", "no-such"], 6, "'no-such'", "Known: none yet"),
        (["model", "caf\udce9"], 2, "is not UTF-8", "UTF-8"),
        (["model", "data"], 2, "echo.txt:3: there is nothing to echo", "Write something"),
        (["model", "x", "--output", "model"], 2, "model is a folder", "Name a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.slow
def test_predict_with_what_cannot_work_ends_with_error_hint_and_code(
    envkit: Any, words: list[str], code: int, message: str, hint: str
) -> None:
    done = envkit("predict", *words)

    *_, error, advice = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (code, "")
    assert error.startswith("error: ")
    assert message in error
    assert advice.startswith("hint: ")
    assert hint in advice
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_predict_in_a_shells_loop_leaves_the_other_lines_alone(
    envkit: Any, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "in.txt").write_text("good\nbye\n")
    line = f'while read -r text; do {" ".join(ENVKIT)} predict model --output - "$text"; done < in.txt'

    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )

    assert [json.loads(row)["label"] for row in done.stdout.splitlines()] == ["GOOD", "BYE"]


def test_predict_of_a_standard_input_that_is_closed_says_so(tmp_path: Path, environ: dict[str, str]) -> None:
    save_echo_model(tmp_path / "model")
    line = f"{' '.join(ENVKIT)} predict model <&-"

    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: standard input is closed\nhint: ")


def test_predict_that_fails_leaves_the_file_that_was_there(envkit: Any, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("old\n")

    done = envkit("predict", "model", "good", "data", "--output", "out.jsonl")

    assert done.returncode == 2
    assert (tmp_path / "out.jsonl").read_text() == "old\n"
    assert not list(tmp_path.glob(".out*"))


def test_predict_whose_reader_leaves_ends_quietly(tmp_path: Path, environ: dict[str, str]) -> None:
    save_echo_model(tmp_path / "model")
    line = f"yes good | {' '.join(ENVKIT)} predict model | head -n 1; echo ${{PIPESTATUS[1]}}"

    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.splitlines()[1:] == ["0"]
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_predict_that_is_interrupted_ends_quietly_at_once(
    tmp_path: Path, environ: dict[str, str], number: signal.Signals
) -> None:
    save_echo_model(tmp_path / "model")
    with subprocess.Popen(
        [*ENVKIT, "predict", "model", "good", "sleep 60", "--output", "/dev/stderr"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("{")  # the row of the first text

        process.send_signal(number)

        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == ""


def test_predict_in_a_terminal_without_anything_to_read_gives_an_example(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [*ENVKIT, "predict", "model"],
            cwd=tmp_path,
            env=environ,
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert done.returncode == 2
    assert "envkit predict RUN 'Some text.'" in done.stderr


@pytest.mark.slow
def test_predict_in_a_terminal_to_a_file_counts_on_one_line(tmp_path: Path, environ: dict[str, str]) -> None:
    save_echo_model(tmp_path / "model")
    (tmp_path / "in.txt").write_text("sleep 0.15\n" * 5)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*ENVKIT, "predict", "model", "--file", "in.txt", "--output", "out.jsonl"],
        cwd=tmp_path,
        env={**environ, "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        assert process.wait(timeout=30) == 0
    os.close(ours)

    assert shown.startswith(b"Loading the model\r\x1b[2K")
    assert b" rows\r\x1b[2K" in shown
    assert shown.endswith(b"\r\x1b[2K")
    assert b"\n" not in shown


@pytest.mark.slow
def test_predict_of_a_text_that_is_a_files_name_says_how_to_read_the_file(
    envkit: Any, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("good\n")

    done = envkit("predict", "model", "in.txt", "--quiet")

    assert json.loads(done.stdout)["label"] == "IN.TXT"
    assert done.stderr == "warning: 'in.txt' is taken as a text; to predict on the file: --file in.txt\n"
