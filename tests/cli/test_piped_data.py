"""Data from standard input: who may ask for it, and where it is kept."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envkit.api import DataError, Options, UsageError
from envkit.cli.piped_data import find_piped

pytestmark = pytest.mark.slow

NAMES = ("train", "dev", "test", "data")
STANDARD_INPUT = Path("-")


def stream(content: bytes) -> Any:
    return io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]  # it is raw enough


def test_find_piped_without_standard_input_reads_nothing() -> None:
    source = stream(b"a")
    assert find_piped(Options(train=Path("a")), NAMES, stream=source) is None
    assert source.read() == b"a"


@pytest.mark.parametrize(("content", "is_parquet"), [(b"a\tb\n", False), (b"PAR1\0\0", True)])
def test_find_piped_tells_parquet_and_keeps_every_byte(
    tmp_path: Path, content: bytes, is_parquet: bool
) -> None:
    piped = find_piped(Options(train=STANDARD_INPUT), NAMES, stream=stream(content))
    assert piped is not None
    assert (piped.option, piped.is_parquet) == ("train", is_parquet)
    piped.keep(run_path=tmp_path)
    assert (tmp_path / "data" / "train").read_bytes() == content
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["train"]


def test_find_piped_for_two_files_is_refused() -> None:
    with pytest.raises(UsageError, match="--train and --dev would both"):
        find_piped(Options(train=STANDARD_INPUT, dev=STANDARD_INPUT), NAMES, stream=stream(b"a"))


def test_find_piped_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="standard input, given for --data, is empty"):
        find_piped(Options(data=STANDARD_INPUT), NAMES, stream=stream(b""))


def test_find_piped_from_a_terminal_says_how_to_send_data_in() -> None:
    controller, terminal = os.openpty()
    with open(terminal, "rb") as source, pytest.raises(UsageError, match="a terminal") as raised:  # noqa: PTH123  # a descriptor
        find_piped(Options(train=STANDARD_INPUT), NAMES, stream=source)
    os.close(controller)
    assert "--train - < train.csv" in (raised.value.hint or "")


@pytest.mark.parametrize("option", ["train", "data"])
def test_run_on_standard_input_keeps_it_in_the_runs_folder(
    tmp_path: Path, echo_environ: dict[str, str], option: str
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "envkit",
            "run",
            "echo",
            "--steps",
            "1",
            f"--{option}",
            "-",
            "--run-dir",
            "run",
        ],
        cwd=tmp_path,
        env={**echo_environ, "ENVKIT_HOME": str(tmp_path / "home")},
        input=b"a\tb\n" * 100_000,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = tmp_path / "run" / "data" / "train"
    assert kept.read_bytes() == b"a\tb\n" * 100_000
    request = json.loads((tmp_path / "run" / "request.json").read_bytes())
    assert request["options"][option] == str(kept)
    assert request["sources"][option] == f"--{option}"
