"""A command line in this process: what it prints and its exit, at a tenth of what a process of its own takes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from envkit.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def envkit_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in this process and an empty folder; keywords are variables, `PYTHONPATH` is searched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENVKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    # As wide as where a process of the tests finds no terminal.
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as this_command:
            for name, value in environ.items():
                this_command.setenv(name, value)
            for folder in reversed(environ.get("PYTHONPATH", "").split(":")):
                if folder:
                    this_command.syspath_prepend(folder)
            with pytest.raises(SystemExit) as end:
                main(words)
        printed = capfd.readouterr()
        assert isinstance(end.value.code, int)
        return subprocess.CompletedProcess(words, end.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def envkit_with(
    envkit_here: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Path], Callable[..., subprocess.CompletedProcess[str]]]:
    """Give a folder of packages, and get a command that knows that folder and no index."""

    def know(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        return envkit_here

    return know
