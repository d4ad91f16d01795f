"""`envkit env export`: to the screen, to a file, as JSON, and never over a file unasked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
import yaml
from environments.stored import build_for, wanted

from envkit.api import BasePackage
from envkit.environments.store import change_environment, find_stored, write_record

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


def test_export_of_a_conda_environment_says_what_is_left_out(envkit: Command, tmp_path: Path) -> None:
    stored = find_stored(tmp_path / "home", NAME)
    spec = msgspec.structs.replace(stored.record.spec, backend="conda", base_packages=("hello", "zlib"))
    packages = tuple(BasePackage(name=name, version="1.2") for name in ("zlib", "hello"))
    base = msgspec.structs.replace(stored.record.base, backend="conda", packages=packages)
    record = msgspec.structs.replace(stored.record, backend="conda", base=base, spec=spec)
    write_record(stored.prefix, record)
    done = envkit(*TEXT)
    assert "note: left out, for they are of conda: hello, zlib" in done.stderr
    assert f"envkit env export {NAME} --format environment.yml" in done.stderr
    assert json.loads(envkit(*TEXT, "--json").stdout)["data"]["left_out"] == ["hello", "zlib"]
    assert envkit("env", "export", NAME, "--format", "environment.yml").stderr == ""
    shown = envkit("env", "show", NAME, "--packages").stdout
    export = f"envkit env export {NAME} --format environment.yml --output environment.yml"
    assert f"{export} && envkit env create {NAME} --backend conda --file environment.yml\n" in shown
    assert "packages     1 package for Python, 2 packages of conda" in shown
    assert shown.endswith("Packages for Python:\n  tiny 1.5\n\nPackages of conda:\n  hello 1.2, zlib 1.2\n")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("env", "export", NAME, "--no-hashes"), 2, "--format requirements"),
        (("env", "export", NAME, "-o", "lock.toml"), 2, "pylock.toml"),
        (("env", "export", "echo-py3.12"), 6, NAME),
        (("env", "export", NAME, "--format", "pip"), 2, "Did you mean 'requirements'?"),
        (("env", "export", NAME, "--format", "conda"), 2, "Did you mean 'environment.yml'?"),
        (("env", "export", NAME, "--format", "toml"), 2, "'pylock'"),
        ((*TEXT, "-o", "/dev/null/x"), 6, "/dev/null/x"),
    ],
)
def test_export_that_cannot_be_says_why(
    envkit: Command, words: tuple[str, ...], code: int, told: str
) -> None:
    done = envkit(*words)
    assert done.returncode == code
    assert told in done.stderr
