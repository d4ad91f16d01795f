"""A terminal that closes or a pipe whose reader leaves takes no run with it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from echo import living_processes, wait_until

ENVKIT = [sys.executable, "-m", "envkit"]

pytestmark = pytest.mark.slow


def take_terminal() -> None:
    """Make standard input the controlling terminal, as that of a shell is."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def result_of(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "run" / "result.json").read_bytes())
    return result


def test_run_whose_reader_leaves_goes_on_to_its_end(tmp_path: Path, echo_environ: dict[str, str]) -> None:
    line = f"{' '.join(ENVKIT)} run echo --steps 30 --pause 0.02 --run-dir run 2>&1 | head -n 2"

    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=echo_environ, capture_output=True, check=True
    )
    wait_until(lambda: (tmp_path / "run" / "result.json").exists())

    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == b""
    assert result_of(tmp_path)["status"] == "finished"


def test_run_whose_terminal_closes_ends_as_cancelled_and_keeps_its_model(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*ENVKIT, "run", "echo", "--steps", "2000", "--pause", "0.02", "--run-dir", "run"],
        cwd=tmp_path,
        env={**echo_environ, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 - one system call, in a test without threads
    )
    os.close(theirs)
    events = tmp_path / "run" / "events.jsonl"
    wait_until(lambda: events.exists() and '"event":"step"' in events.read_text())

    os.close(ours)  # the window is closed: SIGHUP to all in it, and nothing can be written any more
    process.wait(timeout=60)

    assert result_of(tmp_path)["status"] == "cancelled"
    assert result_of(tmp_path)["model_dir"] == "model"
    worker = json.loads(events.read_text().splitlines()[0])["pid"]
    assert living_processes(worker) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("words", [["facts"], ["runs", "list", "--json"]], ids=" ".join)
def test_output_that_cannot_be_written_is_said_in_one_line(words: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*ENVKIT, *words], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, check=False
        )

    assert done.returncode == 1
    assert done.stderr.decode() == "error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_error_whose_json_cannot_be_written_is_said_in_words_with_its_own_code(
    where: str, tmp_path: Path
) -> None:
    if where == ">/dev/full" and sys.platform != "linux":
        pytest.skip("/dev/full is Linux's")
    line = f"{' '.join(ENVKIT)} nothing-like-it --json {where}"

    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 2
    assert [row.partition(":")[0] for row in done.stderr.splitlines()] == ["error", "error", "hint"]
    assert "'nothing-like-it'" in done.stderr


def test_check_whose_progress_cannot_be_written_still_prints_its_report(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'envkit-nothing'\n")
    line = f"{' '.join(ENVKIT)} plugin check . --json 2>/dev/full"

    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode != 0
    assert json.loads(done.stdout)["data"]["verdict"] == "errors"


def test_list_whose_reader_leaves_ends_quietly(tmp_path: Path) -> None:
    line = f"{' '.join(ENVKIT)} facts | head -n 1; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=tmp_path, check=True)

    assert done.stdout.splitlines() == [b"{", b"0"]
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("data check echo train.txt test.txt", 1),
        ("data check echo train.txt test.txt --json", 1),
        ("data check echo train.txt", 0),
        ("config show", 2),
        ("config show --json", 2),
        ("explain train.txt", 1),
        ("plugin check .", 1),
    ],
)
def test_verdict_is_the_exit_code_though_nobody_reads(
    words: str, code: int, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    (tmp_path / "train.txt").write_text("one\ntwo\n" * 8)
    (tmp_path / "test.txt").write_text("two\nthree\n")
    (tmp_path / "envkit.toml").write_text("[echo]\nnosuch = 1\n" if "show" in words else "")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'envkit-nothing'\n")
    reader, writer = os.pipe()
    os.close(reader)

    with os.fdopen(writer, "wb") as unread:
        done = subprocess.run(
            [*ENVKIT, *words.split()],
            stdout=unread,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=echo_environ,
            check=False,
        )

    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b"the output cannot be written" not in done.stderr
