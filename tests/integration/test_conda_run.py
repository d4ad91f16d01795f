"""A run and its model in a conda prefix: workers have what the scripts of its packages set, wheels or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from typing import TYPE_CHECKING, Any

import pytest
from conda_channel import MINOR
from echo import SOURCE, build_wheel

from envkit.environments.store import find_stored
from envkit.environments.wheels import remake_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from conda_channel import LocalChannel

pytestmark = pytest.mark.slow

HUB = "https://hub.example"
FILE = """\
name: mine
dependencies:
  - python={minor}
  - settings
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environ(
    tmp_path_factory: pytest.TempPathFactory, home: Path, conda_channel: LocalChannel
) -> dict[str, str]:
    """Return variables with which the plugin is installed here, and all else comes from folders."""
    folder = tmp_path_factory.mktemp("echo")
    with zipfile.ZipFile(build_wheel(SOURCE, folder / "dist")) as wheel:
        wheel.extractall(folder / "site")
    (folder / "wheels").mkdir()
    for name in ("pluggy", "msgspec", "iniconfig"):
        remake_wheel(distribution(name), folder=folder / "wheels")
    return {
        **os.environ,
        "PYTHONPATH": str(folder / "site"),
        "HOME": str(folder),
        "ENVKIT_HOME": str(home),
        "ENVKIT_CHANNELS": conda_channel.url,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder / "wheels"),
        "UV_CACHE_DIR": str(folder / "cache"),
        "ECHO_SHOWS": "SETTINGS_DIR SETTINGS_LEVEL CONDA_PREFIX HF_ENDPOINT PYTHONPATH",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Path:
    """Return a folder that names a mirror of the model hub; the environment `mine` serves it."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "envkit.toml").write_text(f'[mirrors]\nmodel-hub = "{HUB}"\n')
    (folder / "environment.yml").write_text(FILE.format(minor=MINOR))
    made = types(folder, environ, "env", "create", "mine", "--task", "echo", "--file", "environment.yml")
    assert made.returncode == 0, made.stderr
    return folder


def types(folder: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def shown(prefix: Path) -> set[str]:
    """Return what a worker in this prefix says of its variables."""
    return {
        f"SETTINGS_DIR is {prefix}/share",
        "SETTINGS_LEVEL is 4",
        f"CONDA_PREFIX is {prefix}",
        f"HF_ENDPOINT is {HUB}",
        "PYTHONPATH is None",
    }


def test_run_resume_predict_and_evaluate_in_a_conda_prefix_see_what_its_packages_set(
    home: Path, place: Path, environ: dict[str, str]
) -> None:
    stored = find_stored(home, "mine")
    assert stored.record.backend == "conda"
    assert {"settings", "python"} <= {package.name for package in stored.record.base.packages}

    words = ["run", "echo", "--env", "mine", "--steps", "10", "--checkpoint-every", "3", "--run-dir", "run"]
    killed = types(place, {**environ, "ECHO_DIES_AT": "8"}, *words)
    assert killed.returncode == 1
    assert shown(stored.prefix) <= set(killed.stderr.splitlines())

    resumed = types(place, environ, "runs", "resume", "run")
    assert resumed.returncode == 0, resumed.stderr
    assert shown(stored.prefix) <= set(resumed.stderr.splitlines())
    assert "Resuming at step 6 of 10" in resumed.stderr

    record = json.loads((place / "run/model/envkit.json").read_bytes())
    assert (record["environment"]["kind"], record["environment"]["name"]) == ("conda", "mine")
    texts = ["$SETTINGS_DIR", "$SETTINGS_LINES", "$HF_ENDPOINT", "$CONDA_PREFIX"]
    rows = predicted(place, environ, "run", *texts)
    assert rows == [f"{stored.prefix}/share", "one\ntwo", HUB, str(stored.prefix)]

    (place / "test.txt").write_text("LOUD\n")
    scored = types(place, environ, "evaluate", "run", "test.txt", "--json")
    assert json.loads(scored.stdout)["data"]["result"]["metrics"]["test/echo_score"] == 1.0


def predicted(place: Path, environ: dict[str, str], model: str, *texts: str) -> list[Any]:
    """Return the variables that the model's worker has."""
    done = types(place, environ, "predict", model, *texts, "--to", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["variable"] for line in done.stdout.splitlines()]
