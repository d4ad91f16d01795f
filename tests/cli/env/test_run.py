"""`envkit env run`: the program has envkit's place, and with it input, output, signals and the exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from environments.small_venvs import make_small

from envkit.api import EnvError
from envkit.environments.removal import remove_environment
from envkit.environments.store import find_stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENVKIT = (sys.executable, "-m", "envkit", "env", "run", "mine")
FILES = {
    "bin/tool": "#!/bin/sh\necho tool\n",
    "bin/no-reader": "#!/gone/reader\n",
    "bin/no-script": "\x00\x01",
}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return variables with which there is an environment `mine`."""
    make_small(tmp_path / "home", "mine", files=FILES)
    return {**os.environ, "ENVKIT_HOME": str(tmp_path / "home"), "ENVKIT_MODEL_HUB": "https://hub.example"}


def test_run_program_has_the_environment_the_streams_and_the_exit_code(
    environ: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import os, sys; print(sys.prefix, os.environ['HF_ENDPOINT'], sys.argv[1:], sys.stdin.read(), "
        "os.getpid(), end=''); sys.exit(7)"
    )
    process = subprocess.Popen(
        [*ENVKIT, "--", "python", "-c", code, "--json", "--", "-x"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate("typed")
    prefix = find_stored(tmp_path / "home", "mine").prefix
    assert (process.returncode, err) == (7, "")
    # The very process that was started: nothing stays around it.
    assert out == f"{prefix} https://hub.example ['--json', '--', '-x'] typed {process.pid}"


def test_run_program_holds_the_environment_and_hears_signals(environ: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*ENVKIT, "sh", "-c", "yes | head -n 1; exec sleep 60"],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    # `yes` ends by SIGPIPE without a word, which Python ignores for itself.
    assert process.stdout.readline() == "y\n"
    with pytest.raises(EnvError, match="mine"):
        remove_environment(tmp_path / "home", "mine", say=lambda text: None)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()
    remove_environment(tmp_path / "home", "mine", say=lambda text: None)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "envkit env run mine -- "),
        (("pip", "install", "six"), 2, "envkit env sync mine --with PACKAGE"),
        (("--", "pip3.11", "list"), 2, "has no pip of its own"),
        (("pipx-of-nobody",), 127, "there is no program"),
        (("toll",), 127, "Did you mean tool"),
        (("./gone",), 127, "no file ./gone"),
        (("./plain",), 126, "chmod +x ./plain"),
        (("./home",), 126, "./home is a folder"),
        (("no-reader",), 126, "first line"),
        (("no-script",), 126, "does not start"),
    ],
)
def test_run_what_cannot_start_ends_as_in_a_shell(
    words: tuple[str, ...],
    code: int,
    told: str,
    environ: dict[str, str],
    tmp_path: Path,
    envkit_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    (tmp_path / "plain").write_text("text")
    done = envkit_here("env", "run", "mine", *words)
    assert done.returncode == code
    assert told in done.stderr


def test_run_pip_of_the_environment_is_its_own(tmp_path: Path) -> None:
    make_small(tmp_path / "home", "mine", files={"bin/pip3": "#!/bin/sh\necho its own\n"})
    done = subprocess.run(
        [*ENVKIT, "pip3"],
        env={**os.environ, "ENVKIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "its own\n")


def test_run_in_no_environment_names_those_there_are(
    environ: dict[str, str], envkit_here: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = envkit_here("env", "run", "mime", "--", "python")
    assert done.returncode == 6
    assert "Known: mine" in done.stderr
