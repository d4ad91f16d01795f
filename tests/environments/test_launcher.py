"""The command `envkit` in an environment is the host's, whatever an activation has set."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from envkit import __version__
from envkit.environments.launcher import write_launcher

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SYSTEM = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return the folder of an environment in which an installer has left its own `envkit`."""
    prefix = tmp_path / "home of mine" / "e-1"
    (prefix / "bin").mkdir(parents=True)
    (tmp_path / "cached").write_text("an installer's")
    (prefix / "bin" / "envkit").symlink_to(tmp_path / "cached")
    return prefix


def call(prefix: Path, *words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [prefix / "bin" / "envkit", *words],
        cwd=prefix,
        env={**_SYSTEM, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_launcher_is_the_hosts_envkit_despite_what_is_set_and_where_one_is(
    prefix: Path, tmp_path: Path
) -> None:
    write_launcher(prefix, name="e", environ={})
    for folder in (prefix, tmp_path / "poison"):
        (folder / "envkit").mkdir(parents=True)
        (folder / "envkit" / "__init__.py").write_text("raise SystemExit(9)")
    poison = {"PYTHONHOME": "/nowhere", "PYTHONPATH": str(tmp_path / "poison")}
    done = call(prefix, "--version", environ=poison)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"envkit {__version__}\n", "")
    assert (tmp_path / "cached").read_text() == "an installer's"


def test_launcher_passes_words_on_from_a_path_with_spaces(prefix: Path, tmp_path: Path) -> None:
    python = tmp_path / "it's mine" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\nprintf "%s|" "$PYTHONPATH" "$@"\nexit 7\n')
    python.chmod(0o755)
    modules = tmp_path / "modules of mine"
    write_launcher(prefix, name="e", environ={"PYTHONPATH": f"{modules}::"}, python=python)
    done = call(prefix, "run", "a b", environ={"PYTHONPATH": "/another"})
    assert (done.returncode, done.stdout) == (7, f"{modules}|-P|-m|envkit|run|a b|")


@pytest.mark.parametrize("gone", ["python", "main"])
def test_launcher_whose_envkit_is_gone_says_so(prefix: Path, tmp_path: Path, gone: str) -> None:
    there = {"python": tmp_path / "cached", "main": tmp_path / "cached", gone: tmp_path / "gone"}
    write_launcher(prefix, name="e", environ={}, **there)
    done = call(prefix, "doctor", environ={})
    assert done.returncode == 6
    assert done.stderr.splitlines() == [
        f"error: the envkit that made this environment is gone: {tmp_path / 'gone'}",
        "hint: Install envkit, and with it make the environment anew, from outside: envkit env sync e",
    ]


def test_launcher_runs_the_python_that_writes_it(prefix: Path) -> None:
    write_launcher(prefix, name="e", environ={})
    assert sys.executable in (prefix / "bin" / "envkit").read_text()
