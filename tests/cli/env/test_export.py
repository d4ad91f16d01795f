"""`envkit env export`: to the screen, to a file, as JSON, and never over a file unasked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from environments.stored import build_for, wanted

from envkit.environments.store import change_environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]

NAME = "echo-py3.11"
TEXT = ("env", "export", NAME, "--format", "requirements", "--no-hashes")


@pytest.fixture
def envkit(envkit_here: Command, tmp_path: Path) -> Command:
    """Run a command where one environment is stored, which has the package `tiny`."""
    want = wanted()
    change_environment(
        tmp_path / "home",
        want.name,
        is_fit=lambda prefix, record: "not made yet",
        build=build_for(want),
        say=lambda text: None,
    ).release()
    return envkit_here


def test_export_prints_the_file_alone(envkit: Command) -> None:
    done = envkit(*TEXT)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if not line.startswith("#")] == ["tiny==1.5"]
    assert "envkit-ml 0.1.0, envkit-echo 1.0" in done.stdout


def test_export_of_environment_yml_asks_no_index(envkit: Command) -> None:
    done = envkit("env", "export", NAME, "--format", "environment.yml", PIP_INDEX_URL="http://127.0.0.1:9/")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["dependencies"] == ["python=3.11.7", {"pip": ["tiny==1.5"]}]


def test_export_writes_no_file_over_another_unless_yes(envkit: Command, tmp_path: Path) -> None:
    file = tmp_path / "out/requirements.txt"
    done = envkit(*TEXT, "-o", str(file))
    assert (done.returncode, done.stdout) == (0, f"{file}: 1 package\n")
    file.write_text("mine")
    refused = envkit(*TEXT, "-o", str(file))
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    assert "--yes" in refused.stderr
    assert file.read_text() == "mine"
    assert envkit(*TEXT, "-o", str(file), "--yes").returncode == 0
    assert "tiny==1.5" in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_export_as_json_holds_the_text(envkit: Command) -> None:
    done = envkit(*TEXT, "--json")
    data = json.loads(done.stdout)["data"]
    assert (data["name"], data["format"], data["packages"], data["file"]) == (NAME, "requirements", 1, "")
    assert data["text"].endswith("tiny==1.5\n")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("env", "export", NAME, "--no-hashes"), 2, "--format requirements"),
        (("env", "export", NAME, "-o", "lock.toml"), 2, "pylock.toml"),
        (("env", "export", "echo-py3.12"), 6, NAME),
        (("env", "export", NAME, "--format", "pip"), 2, "requirements"),
        ((*TEXT, "-o", "/dev/null/x"), 6, "/dev/null/x"),
    ],
)
def test_export_that_cannot_be_says_why(
    envkit: Command, words: tuple[str, ...], code: int, told: str
) -> None:
    done = envkit(*words)
    assert done.returncode == code
    assert told in done.stderr
