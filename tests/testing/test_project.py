"""A project runs envkit's commands as a user does, and its test leaves the process as it was."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_runs import run_pytest

from envkit.testing.project import make_project

if TYPE_CHECKING:
    from envkit.testing import Project


def test_run_gives_exit_output_and_json(envkit_project: Project) -> None:
    outcome = envkit_project.run("config", "path", "--json")

    assert outcome.exit == 0, outcome
    assert outcome.json["ok"] is True
    assert outcome.json["command"] == "config path"
    assert outcome.err == ""


def test_run_of_what_is_wrong_gives_its_exit_and_its_words(envkit_project: Project) -> None:
    outcome = envkit_project.run("no-such-command")

    assert (outcome.exit, outcome.out, outcome.json) == (2, "", None)
    assert "there is no command 'no-such-command'" in outcome.err
    assert "exit 2" in str(outcome)


def test_run_sees_the_files_of_the_project_and_no_variable_of_envkits(
    envkit_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVKIT_CONDA_CHANNELS", "[")
    envkit_project.write("envkit.toml", "[ner]\nepochs = 7\n")

    shown = envkit_project.run("config", "show", "--json")

    assert shown.exit == 0, shown
    assert str(envkit_project.folder / "envkit.toml") in shown.out


def test_run_searches_the_project_for_no_module(envkit_project: Project) -> None:
    envkit_project.write("click.py", "raise RuntimeError('a file of the user')\n")

    assert envkit_project.run("--version").exit == 0


def test_run_is_given_standard_input_and_variables_besides(envkit_project: Project) -> None:
    explained = envkit_project.run("explain", "-", stdin="CUDA out of memory\n")
    shown = envkit_project.run("config", "show", "ner", environ={"ENVKIT_NER_EPOCHS": "19"})

    assert "out of memory" in explained.out, explained
    assert "ENVKIT_NER_EPOCHS" in shown.out, shown


@pytest.mark.slow
def test_run_that_does_not_end_is_killed_with_what_it_started(envkit_project: Project) -> None:
    script = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    site = envkit_project.write(
        "site/sitecustomize.py", f"import os\nif 'SLEEP' in os.environ: exec({script!r})\n"
    )

    with pytest.raises(TimeoutError, match=r"envkit --version did not end in 0\.5 s"):
        envkit_project.run("--version", timeout=0.5, environ={"SLEEP": "1", "PYTHONPATH": str(site.parent)})


def test_write_makes_folders_and_refuses_what_leads_out(envkit_project: Project) -> None:
    file = envkit_project.write("data/train.txt", "é\n")

    assert file == envkit_project.folder / "data" / "train.txt"
    assert envkit_project.read("data/train.txt") == "é\n"
    for name in ("../home/x", "/elsewhere/x", "data/../../x"):
        with pytest.raises(ValueError, match="leads out of the project"):
            envkit_project.write(name, "")


def test_project_has_a_configuration_of_its_own_and_the_testers_installers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    for name in ("envkit", "pip"):
        (theirs / name).mkdir(parents=True)
        (theirs / name / "file").write_text(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(theirs))

    project = make_project(tmp_path / "made")

    assert project.environ()["XDG_CONFIG_HOME"] == str(project.config_dir)
    assert project.environ()["ENVKIT_HOME"] == str(project.home)
    assert sorted(each.name for each in project.config_dir.iterdir()) == ["pip"]
    assert (project.config_dir / "pip" / "file").read_text() == "pip"


LEAVES = """
import os
import pytest

def as_before():
    return os.environ["GIVEN"], os.environ.get("LEFT"), os.getcwd() == {folder!r}

def test_set(envkit_project):
    os.environ["LEFT"] = "1"
def test_after_set():
    assert as_before() == ("1", None, True)

def test_gone(envkit_project):
    del os.environ["GIVEN"]
def test_after_gone():
    assert as_before() == ("1", None, True)

def test_other(envkit_project):
    os.environ["GIVEN"] = "2"
def test_after_other():
    assert as_before() == ("1", None, True)

def test_folder(envkit_project):
    os.chdir("/")
def test_after_folder():
    assert as_before() == ("1", None, True)

def test_by_monkeypatch_before(monkeypatch, envkit_project):
    monkeypatch.setenv("SET", "1")
    monkeypatch.chdir("/")
def test_by_monkeypatch_after(envkit_project, monkeypatch):
    monkeypatch.setenv("SET", "1")
    monkeypatch.chdir("/")

@pytest.fixture(scope="module")
def of_the_module():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OF_THE_MODULE", "1")
        yield
def test_with_a_fixture_of_the_module(of_the_module, envkit_project):
    assert os.environ["OF_THE_MODULE"] == "1"
"""


@pytest.mark.slow
def test_project_of_a_test_that_changes_the_process_fails_it_and_mends(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, LEAVES.format(folder=str(tmp_path)), "-rE", GIVEN="1")

    assert "11 passed, 4 errors" in done.out, done.out
    said = dict(
        re.findall(r"at teardown of (\w+) _.*?this process changed: (.*?)\. Change it", done.out, re.DOTALL)
    )
    assert said == {
        "test_set": "LEFT is set",
        "test_gone": "GIVEN is gone",
        "test_other": "GIVEN has another value",
        "test_folder": "the working folder is /",
    }


def test_run_uses_this_interpreter(envkit_project: Project) -> None:
    facts = envkit_project.run("facts", "--json").json["data"]

    assert Path(facts["python"]["path"]).parent == Path(sys.executable).parent
    assert Path.cwd() != envkit_project.folder
