"""What all tests stand on, and runs of the task `echo`, in this interpreter and in an environment of its own."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest
from conda_channel import (
    LocalChannel,
    build_channel,
    other_packages,
    python_package,
    require_conda,
    small_packages,
)
from echo import SOURCE, build_wheel, install_source, make_venv
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

# Fixtures of what speaks to an engine.
pytest_plugins = ["docker_engine"]

# A busy machine is no fault of the code's. The inner loop tries fewer examples, CI all: --hypothesis-profile=whole.
settings.register_profile("envkit", deadline=None, max_examples=25)
settings.register_profile("whole", deadline=None, max_examples=100)
settings.load_profile("envkit")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage: thousands of tests stay to the end, and going through them takes long."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `--dist loadgroup` keep a module's tests together, and all that speak to the one engine."""
    for item in items:
        group = "docker" if item.get_closest_marker("docker") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def signals_of_a_terminal() -> Iterator[None]:
    """Let SIGHUP and SIGINT mean something, to what tests start as well, where nohup or a shell's & runs the tests."""
    usual = {signal.SIGHUP: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


@pytest.fixture(scope="session")
def conda_channel(tmp_path_factory: pytest.TempPathFactory) -> LocalChannel:
    """Return a channel with this interpreter as its python, and packages of every kind."""
    require_conda()
    folder = tmp_path_factory.mktemp("channels") / "main"
    return build_channel(folder, [(python_package(), ".conda"), *small_packages()])


@pytest.fixture(scope="session")
def other_channel(tmp_path_factory: pytest.TempPathFactory) -> LocalChannel:
    """Return a second channel, whose packages are partly newer."""
    require_conda()
    return build_channel(tmp_path_factory.mktemp("channels") / "other", other_packages())
