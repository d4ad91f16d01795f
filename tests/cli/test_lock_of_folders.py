"""`envkit lock` of packages that are built from a folder, and what is made from it, as a user types it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from small_projects import write_project
from small_wheels import write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def envkit(envkit_with: Callable[[Path], Command], tmp_path: Path) -> Command:
    """Run a command that knows one folder of wheels and no index."""
    write_wheel(tmp_path / "wheels", "other")
    return envkit_with(tmp_path / "wheels")


def data_of(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)["data"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "is_dynamic", "is_editable"),
    [
        ("./sub/tiny", False, False),
        ("./sub/tiny", True, False),
        ("-e ./sub/tiny", True, True),
        ("-e file://{here}/sub/tiny", False, True),
        ("tiny @ file://{here}/sub/tiny", False, False),
    ],
)
def test_lock_of_a_folder_is_read_again_and_installed_from(
    envkit: Command, tmp_path: Path, asked: str, is_dynamic: bool, is_editable: bool
) -> None:
    project = write_project(tmp_path / "sub/tiny", "tiny", "3.1", is_dynamic=is_dynamic)
    done = envkit("lock", "--with", asked.format(here=tmp_path))
    assert done.returncode == 0, done.stderr
    for words in (("lock", "--check"), ("lock",)):
        again = envkit(*words)
        assert (again.returncode, again.stderr.count("error")) == (0, 0), again.stderr
    made = data_of(envkit("env", "create", "one", "--locked", "--json"))["environment"]
    assert made["record"]["installed"] == {"tiny": "3.1"}
    python = Path(made["record"]["prefix"], "bin/python")
    code = "import tiny; print(tiny.__file__)"
    where = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert (where == str(project / "tiny.py")) == is_editable
    assert "is there and is what" in envkit("env", "create", "one", "--locked").stdout
    # From the environment itself the same is locked.
    assert envkit("lock", "one", "-o", "again.lock").returncode == 0
    assert (tmp_path / "again.lock").read_text() == (tmp_path / "envkit.lock").read_text()


@pytest.mark.slow
def test_package_of_a_folder_stays_where_something_else_is_changed(envkit: Command, tmp_path: Path) -> None:
    write_project(tmp_path / "tiny", "tiny", is_dynamic=True)
    assert envkit("env", "create", "one", "--with", "./tiny").returncode == 0
    assert data_of(envkit("env", "sync", "one", "--dry-run", "--json"))["changes"] == []
    added = data_of(envkit("env", "sync", "one", "--with", "other", "--dry-run", "--json"))["changes"]
    assert [(each["kind"], each["name"], each["new"]) for each in added] == [("add", "other", "1.0")]


@pytest.mark.slow
def test_package_of_a_folder_that_takes_anothers_place_is_said(envkit: Command, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels", "tiny", "0.9")
    project = write_project(tmp_path / "tiny", "tiny", is_dynamic=True)
    assert envkit("env", "create", "one", "--with", "tiny").returncode == 0
    done = data_of(
        envkit("env", "sync", "one", "--with", "./tiny", "--without", "tiny", "--dry-run", "--json")
    )
    assert [(each["kind"], each["old"], each["new"]) for each in done["changes"]] == [
        ("change", "0.9", f"from {project.as_uri()}")
    ]


def test_lock_without_the_version_of_a_wheel_names_its_line(envkit: Command, tmp_path: Path) -> None:
    from environments.lockfile.locks import write

    file = write(tmp_path)
    file.write_text(re.sub(r'("tiny"), version = "[^"]*"', r"\1", file.read_text()))
    line = file.read_text().partition('{ name = "tiny"')[0].count("\n") + 1
    done = envkit("env", "create", "one", "--locked", file.name)
    assert (done.returncode, f"{file.name}:{line}: there lacks 'version'" in done.stderr) == (2, True)
