"""Docker engines for tests: the one of this machine, and one that a test may stop or fill up."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from required import skip_or_fail

from envkit.api import ImageError
from envkit.images.engine.engine import Engine, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE_IMAGE = "envkit-base:debian"
# What the tests of this process make carries it (or a name of `new_image_name`), and is removed by it.
TEST_LABELS = {"envkit.test": uuid.uuid4().hex}
_START_SECONDS = 60.0
_MAKE_BASE = Path(__file__).with_name("base_image.sh")


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """Return the engine of this machine; what carries TEST_LABELS is gone from it afterwards."""
    try:
        engine = connect()
    except ImageError as error:
        skip_or_fail("docker", f"no engine: {error}")
    yield engine
    remove_made(engine)
    engine.client.close()


@pytest.fixture
def new_image_name(docker_engine: Engine) -> Iterator[Callable[[], str]]:
    """Return what gives a name that no image has; images of these names are gone afterwards."""
    from docker.errors import APIError

    given: list[str] = []

    def give() -> str:
        given.append(f"envkit-test-{uuid.uuid4().hex[:12]}:1")
        return given[-1]

    yield give
    for name in given:
        if docker_engine.has_image(name):
            with contextlib.suppress(APIError):
                docker_engine.client.images.remove(name, force=True)


@pytest.fixture(scope="session")
def base_image(docker_engine: Engine) -> str:
    """Return the name of an image with Python and venv, made on the first use."""
    if not docker_engine.has_image(BASE_IMAGE):
        if os.geteuid() != 0 or shutil.which("debootstrap") is None:
            skip_or_fail(
                "docker", f"{BASE_IMAGE} is not there, and root's debootstrap, which makes it, is missing"
            )
        made = subprocess.run(
            ["sh", str(_MAKE_BASE), BASE_IMAGE],
            env={**os.environ, **docker_engine.client_variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    return BASE_IMAGE


@dataclass
class OwnEngine:
    """A second Docker daemon, alone in namespaces of its own, with a disk of its own of ``size``."""

    folder: Path
    size: str
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket(self) -> Path:
        """Return where it listens."""
        return self.folder / "docker.sock"

    @property
    def environ(self) -> dict[str, str]:
        """Return variables that lead to it."""
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}

    def start(self) -> Engine:
        """Start it with an empty disk and return it when it answers."""
        data, execution = self.folder / "data", self.folder / "exec"
        for each in (data, execution):
            each.mkdir(exist_ok=True)
        (self.folder / "docker.pid").unlink(missing_ok=True)
        script = (
            f"mount -t tmpfs -o size={self.size} tmpfs {data} && ip link set lo up; exec dockerd "
            f"--data-root {data} --exec-root {execution} -H unix://{self.socket} "
            f"--pidfile {self.folder}/docker.pid --iptables=false --ip6tables=false"
        )
        with (self.folder / "log").open("wb") as log:
            # All that it starts ends with it: it is the first process of its namespace.
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
                + ["sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(ImageError):
                return connect(self.environ)
            time.sleep(0.2)
        self.kill()
        raise AssertionError(f"no second engine: {(self.folder / 'log').read_text()[-2000:]}")

    def give(self, engine: Engine, reference: str) -> None:
        """Copy an image of another engine into it."""
        name = reference if ":" in reference else f"{reference}:latest"
        with connect(self.environ).without_limit() as client:
            client.images.load(b"".join(engine.client.images.get(name).save(named=name)))

    def stop(self) -> None:
        """Tell the daemon to end, as the system does, and wait for it."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the daemon and all of it at once, as a crash does."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        with contextlib.suppress(OSError, ProcessLookupError):
            for pid in children.read_text().split():
                os.kill(int(pid), number)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def engine_of_its_own(docker_engine: Engine) -> Iterator[OwnEngine]:
    """Return an engine, not yet started, with a disk of 800 MB, that the test may do anything to."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None or shutil.which("unshare") is None:
        skip_or_fail("docker", "a second daemon needs root, dockerd and unshare")
    # A socket's path has room for a hundred letters: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="envkit-dockerd-") as folder:
        own = OwnEngine(folder=Path(folder), size="800m")
        try:
            yield own
        finally:
            own.kill()


def remove_made(engine: Engine) -> None:
    """Remove containers and images that tests labelled."""
    from docker.errors import APIError

    filters = {"label": [f"{name}={value}" for name, value in TEST_LABELS.items()]}
    for container in engine.client.containers.list(all=True, filters=filters):
        with contextlib.suppress(APIError):
            container.remove(force=True, v=True)
    for image in engine.client.images.list(all=True, filters=filters):
        with contextlib.suppress(APIError):
            engine.client.images.remove(image.id, force=True)
