"""Runs of the task `echo`, in this interpreter and in an environment of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from echo import SOURCE, build_wheel, install_source, make_venv

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def echo_environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return variables by which a worker in this interpreter finds the plugin."""
    site = install_source(tmp_path_factory.mktemp("echo") / "site")
    return {**os.environ, "PYTHONPATH": str(site)}


@pytest.fixture(scope="session")
def echo_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with envkit, the plugin's wheel and what its loop needs."""
    folder = tmp_path_factory.mktemp("echo-env")
    wheel = build_wheel(SOURCE, folder / "dist")
    return make_venv(folder / "venv", wheel, packages=("envkit-ml", "msgspec", "pluggy", "iniconfig"))
