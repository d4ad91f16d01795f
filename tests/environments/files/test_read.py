"""Which format a file is in, and what is said of those that envkit does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import UsageError
from envkit.environments.files import read_environment_file

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


@pytest.mark.parametrize("name", ["gone.txt", "gone.toml[dev]", "gone"])
def test_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="gone.*: there is no such file"):
        read_environment_file(tmp_path / name, backend=None, environ={})
