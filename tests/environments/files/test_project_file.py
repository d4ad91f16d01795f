"""`pyproject.toml`: dependencies, extras and groups of what is a project, and what is said of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import UsageError
from envkit.environments.files.read import read_environment_file
from envkit.environments.files.request import FileRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROJECT = """\
[project]
name = "thing"
requires-python = ">=3.11"
dependencies = ["six>=1", "foo @ file:./foo"]
[project.optional-dependencies]
all = ["thing[dev]", "thing[all]"]
dev = ["pytest"]
[dependency-groups]
lint = ["ruff", {include-group = "typing"}]
typing = ["mypy"]
round = [{include-group = "round"}]
"""


def read(file: Path, choices: str = "") -> FileRequest:
    return read_environment_file(file.with_name(file.name + choices), backend="venv", environ={})


@pytest.mark.parametrize(
    ("choices", "more"),
    [
        ("", ()),
        ("[dev]", ("pytest",)),
        ("[all]", ("pytest",)),
        ("[lint]", ("ruff", "mypy")),
        ("[dev, Lint]", ("pytest", "ruff", "mypy")),
    ],
)
def test_pyproject_gives_what_the_project_and_the_choices_need(
    write: Callable[[str, str], Path], tmp_path: Path, choices: str, more: tuple[str, ...]
) -> None:
    requested = read(write("pyproject.toml", PROJECT), choices)
    assert requested.python == ">=3.11"
    assert set(requested.packages) == {"six>=1", f"foo @ file://{tmp_path}/foo", *more}
    assert f"--with 'thing @ file://{tmp_path}' adds it" in requested.notes[0]


def test_pyproject_extra_of_extras_asked_for_under_a_marker_passes_it_on(
    write: Callable[[str, str], Path],
) -> None:
    text = """\
[project]
name = "thing"
[project.optional-dependencies]
all = ["thing[old]; python_version < '3'", "Thing[round] ; sys_platform == 'linux'", "six"]
old = ["pluggy", "enum34; sys_platform == 'linux' or os_name == 'nt'"]
round = ["thing[round, old]; sys_platform == 'linux'"]
"""
    requested = read(write("pyproject.toml", text), "[all]")
    assert set(requested.packages) == {
        "six",
        'pluggy; python_version < "3"',
        'enum34; python_version < "3" and (sys_platform == "linux" or os_name == "nt")',
        'pluggy; sys_platform == "linux"',
        'enum34; sys_platform == "linux" and (sys_platform == "linux" or os_name == "nt")',
    }


def test_pyproject_of_poetry_has_groups_for_everybody(write: Callable[[str, str], Path]) -> None:
    text = '[tool.poetry]\npackage-mode = false\n[dependency-groups]\ndev = ["iniconfig"]\n'
    file = write("pyproject.toml", text)
    assert read(file, "[dev]") == FileRequest(packages=("iniconfig",))
    for choices in ("", "[test]"):  # which Poetry alone may know
        with pytest.raises(UsageError, match="only Poetry reads"):
            read(file, choices)


def test_pyproject_of_groups_alone_needs_no_project(write: Callable[[str, str], Path]) -> None:
    file = write("pyproject.toml", '[dependency-groups]\ndev = ["pytest"]\n')
    assert read(file, "[dev]") == FileRequest(packages=("pytest",))


def test_pyproject_with_sources_of_uv_names_the_packages(write: Callable[[str, str], Path]) -> None:
    text = '[project]\nname = "a"\ndependencies = ["b"]\n[tool.uv.sources]\nb = {path = "../b"}\n'
    assert "[tool.uv] sources (b) is passed over" in read(write("pyproject.toml", text)).notes[1]


@pytest.mark.parametrize(
    ("text", "choices", "place", "message", "hint"),
    [
        ("[project\n", "", ":1:", "no TOML", ""),
        ("[build-system]\n", "", "", "no [project] table", "requirements.txt"),
        ('[tool.poetry]\nname = "a"\n', "", ":1:", "only Poetry reads", "poetry export"),
        ('[project]\nname = "a"\ndynamic = ["dependencies"]\n', "", ":3:", "dynamic", "uv pip compile"),
        ('[project]\nname = "a"\ndependencies = "six"\n', "", ":3:", "not a list of texts", ""),
        (
            '[project]\nname = "a"\ndependencies = [\n "six",\n "=1",\n]\n',
            "",
            ":5:",
            "no requirement",
            "name",
        ),
        (
            '[project]\nname = "a"\ndependencies = [\n "six",\n "https://host.example/b"\n]\n',
            "",
            ":5:",
            "'https://host.example/b' has no name",
            "NAME @ https://host.example/b",
        ),
        ('[project]\nname = "a"\nrequires-python = "three"\n', "", ":3:", "no range", ">=3.11"),
        ("dependency-groups = 3\n", "[dev]", ":1:", "not a table", ""),
        ('[project]\nname = "a"\ndynamic = 3\n', "", ":3:", "not a list of texts", ""),
        ('[project]\nname = "a"\noptional-dependencies = ["b"]\n', "[b]", ":3:", "not a table", ""),
        (PROJECT, "[docs]", "", "no extra and no dependency group 'docs'", "all, dev, lint"),
        (PROJECT, "[round]", ":11:", "the dependency group round", ""),
    ],
)
def test_pyproject_names_the_line_that_it_cannot_take(
    write: Callable[[str, str], Path], text: str, choices: str, place: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read(write("pyproject.toml", text), choices)
    assert f"pyproject.toml{place}" in caught.value.message
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
