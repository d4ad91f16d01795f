"""``envkit explain``: from files, folders of runs and standard input."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOG = "Traceback (most recent call last):\nOSError: [Errno 28] No space left on device\n"


def explain(*words: str, text: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envkit", "explain", *words],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


@pytest.mark.parametrize("words", [("log",), ("-",), (), (".",)], ids=["file", "dash", "pipe", "run folder"])
def test_explain_with_a_known_trouble_shows_line_and_fix_and_ends_with_0(
    tmp_path: Path, envkit_here: Any, words: tuple[str, ...]
) -> None:
    for name in ("log", "worker.log"):
        (tmp_path / name).write_text(LOG)

    is_piped = words in (("-",), ())
    done = explain(*words, text=LOG, cwd=tmp_path) if is_piped else envkit_here("explain", *words)

    assert done.returncode == 0
    assert "trouble: a disk is full [disk-full]" in done.stdout
    assert "line 2: OSError: [Errno 28] No space left on device" in done.stdout
    assert "fix: " in done.stdout
    assert done.stderr == ""


def test_explain_of_an_unknown_log_says_so_and_ends_with_1() -> None:
    done = explain(text="all is well\n")

    assert done.returncode == 1
    assert "Nothing in it is known" in done.stdout


@pytest.mark.parametrize(("text", "code", "found"), [(LOG, 0, ["disk-full"]), ("fine\n", 1, [])])
def test_explain_as_json_prints_the_envelope_alone(text: str, code: int, found: list[str]) -> None:
    done = explain("--json", text=text)

    assert done.returncode == code
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["ok"], answer["data"]["file"]) == ("explain", True, "-")
    assert [each["id"] for each in answer["data"]["explanations"]] == found


@pytest.mark.parametrize(
    ("name", "what"), [("nothing", "no such file"), ("folder", "no run's: there is no worker.log in it")]
)
def test_explain_of_what_is_not_there_names_it_and_ends_with_2(
    tmp_path: Path, envkit_here: Any, name: str, what: str
) -> None:
    (tmp_path / "folder").mkdir()

    done = envkit_here("explain", name)

    assert done.returncode == 2
    assert what in done.stderr
    assert name in done.stderr


def test_explain_of_an_input_that_is_closed_says_so_and_not_that_nothing_is_known() -> None:
    line = f"{sys.executable} -m envkit explain - <&-"

    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: standard input is closed\nhint: ")
