"""Which format a file is in, and what is said of those that envkit does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import UsageError
from envkit.environments.files.read import read_environment_file
from envkit.environments.files.request import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCK = 'lock-version = "1.0"\ncreated-by = "hand"\npackages = []\n'


@pytest.mark.parametrize(
    ("name", "text", "packages"),
    [
        ("requirements-dev.txt", "six", ("six",)),
        ("requirements.in", "six", ("six",)),
        ("other.toml", '[project]\nname = "a"\ndependencies = ["six"]\n', ("six",)),
        ("pylock.dev.toml", LOCK, ()),
        ("locked.toml", LOCK, ()),
        ("conda.yaml", "dependencies: [{pip: [six]}]\n", ("six",)),
    ],
)
def test_file_is_read_by_name_and_content(
    write: Callable[[str, str], Path],
    environ: dict[str, str],
    name: str,
    text: str,
    packages: tuple[str, ...],
) -> None:
    assert read_environment_file(write(name, text), backend="venv", environ=environ).packages == packages


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("uv.lock", "another tool's own", "uv export --format pylock.toml"),
        ("poetry.lock", "another tool's own", "poetry export"),
        ("Pipfile", "another tool's own", "pipenv requirements"),
        ("envkit.lock", "not taken in part", "--locked"),
        ("notes.md", "no format that envkit reads", "environment.yml, requirements.txt"),
        ("other.toml", "neither a pyproject nor a pylock", "pyproject.toml"),
    ],
)
def test_file_in_no_format_of_envkits_is_refused_with_the_way_out(
    write: Callable[[str, str], Path], name: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_environment_file(write(name, "a = 1\n"), backend=None, environ={})
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("here/requirments.txt", "there is no such file", "Did you mean {}/here/requirements.txt?"),
        ("here", "this is a folder", "Did you mean {}/here/pyproject.toml or {}/here/requirements.txt?"),
        ("here/deep", "this is a folder", "Expected one of: environment.yml"),
        ("nowhere/requirements.txt", "there is no such file", "Expected one of: environment.yml"),
    ],
)
def test_file_that_is_not_there_is_answered_with_what_lies_there(
    write: Callable[[str, str], Path], tmp_path: Path, name: str, message: str, hint: str
) -> None:
    for place in ("requirements.txt", "pyproject.toml", "notes.md", "deep/notes.md"):
        write(f"here/{place}", "")
    with pytest.raises(UsageError, match=message) as caught:
        read_environment_file(tmp_path / name, backend=None, environ={})
    assert str(caught.value.hint).startswith(hint.format(tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("environment.yml", "name: mine\nchannels: [conda-forge]\n"),
        ("pyproject.toml", '[project]\nname = "mine"\n'),
    ],
)
def test_file_that_asks_for_nothing_says_so(
    write: Callable[[str, str], Path], environ: dict[str, str], name: str, text: str
) -> None:
    file = write(name, text)
    notes = read_environment_file(file, backend="conda", environ=environ).notes
    assert f"{file} asks for nothing: there is no package in it" in notes


@pytest.mark.parametrize(
    ("name", "text", "places"),
    [
        (
            "requirements.txt",
            "# one\nSix.Two>=1\n\nattrs\n",
            [("six-two", 2, "Six.Two>=1"), ("attrs", 4, "attrs")],
        ),
        ("pyproject.toml", '[project]\ndependencies = [\n  "six",\n]\n', [("six", 3, "six")]),
        (
            "environment.yml",
            "dependencies:\n  - hello=1\n  - pip:\n    - six\n",
            [("hello", 2, ""), ("six", 4, "six")],
        ),
    ],
)
def test_file_tells_the_line_of_each_package(
    write: Callable[[str, str], Path],
    environ: dict[str, str],
    name: str,
    text: str,
    places: list[tuple[str, int, str]],
) -> None:
    file = write(name, text)
    request = read_environment_file(file, backend="conda", environ=environ)
    assert request.places == tuple(Place(package, file, line, asked) for package, line, asked in places)


@pytest.mark.parametrize("name", ["gone.txt", "gone.toml[dev]", "gone"])
def test_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="gone.*: there is no such file"):
        read_environment_file(tmp_path / name, backend=None, environ={})
