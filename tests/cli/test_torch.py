"""``envkit torch``."""

from __future__ import annotations

import json
import platform
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner
from torch_grid import Cell, facts_of

from envkit.api.facts import Unread
from envkit.cli import command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def facts_file(tmp_path: Path) -> Path:
    file = tmp_path / "gpu01.json"
    facts = facts_of(Cell(("7.0",), "535.129.03", "linux", "x86_64", "3.12"))
    file.write_bytes(msgspec.json.encode(facts))
    return file


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*words: str):
        return CliRunner().invoke(command, ["torch", *words])

    return call


def test_torch_says_build_reason_size_ending_and_how_to_install_it(run, facts_file):
    done = run("--for", str(facts_file))
    assert done.exit_code == 0, done.output
    for words in (
        "2.14.1+cu126 for Python 3.12, from https://download.pytorch.org/whl/cu126",
        "Driver 535.129.03 is new enough for CUDA 12.6",
        "to download",
        "no wheels for this GPU from torch 2.15 on",
        "find-links are left out",
        "install  python3.12 -m pip install torch==2.14.1+cu126 --extra-index-url https://download.pytorch.org/whl/cu126",
        "not      2.15.0 (cu132): CUDA 13 needs NVIDIA driver 580",
    ):
        assert words in done.output


def test_torch_names_the_way_to_a_better_build(run, tmp_path):
    file = tmp_path / "facts.json"
    facts = facts_of(Cell(("8.0",), "535.129.03", "linux", "x86_64", "3.12"))
    file.write_bytes(msgspec.json.encode(facts))
    assert "driver >= 580 -> torch 2.15+cu132" in run("--for", str(file)).output
    data = json.loads(run("--for", str(file), "--json").stdout)["data"]
    assert data["ways"] == ["driver >= 580 -> torch 2.15+cu132"]
    assert data["requirement"] == "torch==2.14.1+cu126"
    assert data["torch"]["endings"] == ["no wheels for driver 535.129.03 from torch 2.15 on"]


@pytest.mark.parametrize(
    ("words", "version"),
    [
        (["--require", "torch<2.9"], "2.8.0+cu129"),
        (["--require", "<2.8"], "2.7.1"),
        (["--python", "3.14"], "2.14.1+cu126"),
        (["--python", "3.9.2"], "2.8.0+cu129"),
    ],
)
def test_torch_is_chosen_within_a_range_and_for_a_python(run, facts_file, words, version):
    done = run("--for", str(facts_file), "--json", *words)
    assert json.loads(done.stdout)["data"]["torch"]["version"] == version


def test_torch_is_installed_with_the_python_that_was_asked_for(run):
    assert "install  python3.13 -m pip install torch" in run("--python", "3.13").output


def test_torch_for_another_machine_leaves_the_folders_of_this_one_alone(
    run, facts_file, tmp_path, monkeypatch
):
    (tmp_path / "torch-2.12.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl").touch()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert "torch    2.14.1+cu126" in run("--for", str(facts_file)).output


def test_torch_is_chosen_for_this_machine_and_a_task(run):
    done = run("--task", "ner", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["data"]["range"] == "<3,>=2.6"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--python", "three"], "'three' is no version of Python"),
        (["--require", "numpy<2"], "is not about torch"),
        (["--require", "torch<<2"], "is no range of torch"),
        (["--require", ">=2.99"], "no torch up to"),
        (["--require", "torch", "--python", "3.99"], "no wheel for Python 3.99"),
        (["--task", "nerd"], "nerd"),
        (["--for", "absent.json"], "absent.json"),
    ],
)
def test_torch_that_cannot_be_chosen_says_why(run, words, message):
    done = run(*words)
    assert done.exit_code != 0
    assert message in str(getattr(done.exception, "message", done.exception))


def test_torch_shows_no_control_character_of_facts(run, tmp_path):
    facts = msgspec.to_builtins(facts_of(Cell(("8.0",), "535.129.03", "linux", "x86_64", "3.12")))
    for gpu in facts["nvidia"]["gpus"]:
        gpu["name"] = "NV\x1b]0;pwn\x07\u202eX\nnot  forged"
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(facts))
    done = run("--for", str(file))
    assert done.exit_code == 0, done.output
    assert "NV\\x1b]0;pwn\\x07\\u202eX\\nnot  forged" in done.output
    assert not any(letter in done.output for letter in "\x1b\x07\u202e")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere wheels of the index have the same tags")
def test_torch_of_ones_own_is_installed_by_its_file(run, tmp_path, monkeypatch):
    system = "linux_" + platform.machine()
    file = tmp_path / f"torch-2.9.0-cp312-cp312-{system}.whl"
    file.touch()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert f"install  python3.12 -m pip install {file}\n" in run("--python", "3.12").output


def test_torch_condition_in_require_is_refused(run):
    done = run("--require", "torch>=2.8; python_version<'3'")
    assert done.exit_code != 0
    assert "condition" in str(done.exception)


def test_torch_install_names_the_python_that_it_is_for(run, facts_file):
    done = run("--for", str(facts_file), "--python", "3.12")
    assert "install  python3.12 -m pip install torch" in done.output


def test_torch_gpus_that_could_not_be_read_are_spoken_of(run, tmp_path):
    facts = facts_of(Cell((), None, "linux", "x86_64", "3.12"))
    silent = Unread(what="nvidia", why="no answer in 5 s", part="nvidia", is_whole=True)
    file = tmp_path / "facts.json"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(facts, unread=(silent,))))
    assert "NVIDIA's GPUs could not be read (no answer in 5 s)" in run("--for", str(file)).output
