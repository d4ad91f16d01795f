"""Plugins as their authors publish them: wheels, uploaded to an index of this machine, and a person who installs them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_engine import base_image, docker_engine, new_image_name
from echo import build_wheel
from stranger import ROOT, Person, fresh_environ
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["base_image", "docker_engine", "new_image_name"]

HERE = Path(__file__).parent
PLUGINS = tuple(sorted(folder.name for folder in HERE.glob("envkit-*")))
# Their own tests need them installed: test_own_tests.py runs them.
collect_ignore_glob = ["envkit-*"]
_START_SECONDS = 30.0


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the wheel of each package, by its name, built by its own backend."""
    folder = tmp_path_factory.mktemp("wheels")
    return {name: build_wheel(HERE / name, folder / name) for name in PLUGINS}


@pytest.fixture(scope="session")
def plugin_index(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an index of packages that the wheels were uploaded to; it ends with the tests."""
    folder = tmp_path_factory.mktemp("index")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "pypiserver>=2.4"], check=True)
    (folder / "packages").mkdir()
    port = _free_port()
    words = ["run", "-i", "127.0.0.1", "-p", str(port), "-P", ".", "-a", ".", str(folder / "packages")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(folder / "venv" / "bin" / "pypi-server"), *words], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/simple/", server, folder / "log")
        # As an author does; the index asks for no password and takes any.
        uv = [find_uv_bin(), "publish", "--no-config", "--quiet", "--username", "author", "--password", "any"]
        files = map(str, wheels.values())
        subprocess.run([*uv, "--publish-url", f"{address}/", *files], check=True)
        yield f"{address}/simple/"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="session")
def person(plugin_index: str, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return a person with a fresh venv that holds envkit, whose pip knows the index besides its own."""
    folder = tmp_path_factory.mktemp("person")
    environ = fresh_environ(folder / "home")
    known = environ.get("PIP_EXTRA_INDEX_URL", "")
    environ |= {
        "PIP_EXTRA_INDEX_URL": f"{known} {plugin_index}".strip(),
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
    }
    Person(folder, environ).types(f"python3 -m venv venv && venv/bin/pip install --quiet {ROOT}")
    environ["PATH"] = os.pathsep.join([str(folder / "venv" / "bin"), environ["PATH"]])
    return Person(folder, environ)


@pytest.fixture(scope="session")
def user(person: Person) -> Person:
    """Return the person once envkit has installed the plugins for them."""
    person.types(f"envkit plugin install --yes {' '.join(PLUGINS)}")
    return person


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
