"""An image with the task `echo`, made by hand: what tests of containers run in."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import SOURCE, build_wheel, echo_request

from envkit.api.records import EnvironmentUse
from envkit.images.containers.start import ContainerStart
from envkit.images.containers.variables import ModelSupply
from envkit.images.layout import ENV_PREFIX, ENVKIT_LABEL, IMAGE_PYTHON, PYTHON_LABEL, TASKS_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.api.records import RunRequest
    from envkit.images.engine.engine import Engine

NAME = f"envkit-test-echo-{uuid.uuid4().hex[:8]}"  # another suite may use the same engine
_ROOT = Path(__file__).parent.parent
# What the worker and the plugin import; the image's Python takes wheels of its own version.
_THIRD_PARTIES = ("msgspec", "pluggy", "iniconfig")
_DOCKERFILE = """\
FROM {base}
COPY wheels /wheels
RUN {interpreter} -m venv {prefix} && {prefix}/bin/pip install --quiet --no-index --no-deps /wheels/*.whl
"""


@pytest.fixture(scope="session")
def echo_image(
    docker_engine: Engine, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the name of the image."""
    base = docker_engine.probe_base(base_image)
    folder = tmp_path_factory.mktemp("echo-image")
    wheels = folder / "wheels"
    wheels.mkdir()
    for name, source in (("envkit", _ROOT), ("echo", SOURCE)):
        shutil.copy(build_wheel(source, folder / name), wheels)
    _download(wheels, python=base.python, machine=base.platform.machine)
    with image_of(
        docker_engine,
        folder,
        NAME,
        _DOCKERFILE.format(base=base_image, interpreter=base.interpreter, prefix=ENV_PREFIX),
        labels={ENVKIT_LABEL: "0.1.0", TASKS_LABEL: "echo", PYTHON_LABEL: base.python},
    ) as name:
        yield name


class image_of:
    """An image of a Dockerfile, for as long as this is entered."""

    def __init__(
        self, engine: Engine, folder: Path, name: str, dockerfile: str, *, labels: Mapping[str, str]
    ) -> None:
        self._engine, self._folder, self._name = engine, folder, name
        lines = "".join(f'LABEL {key}="{text}"\n' for key, text in labels.items())
        (folder / "Dockerfile").write_text(dockerfile + lines, encoding="utf-8")

    def __enter__(self) -> str:
        self._engine.client.images.build(path=str(self._folder), tag=self._name, rm=True, forcerm=True)
        return self._name

    def __exit__(self, *_: object) -> None:
        from docker.errors import ImageNotFound

        with contextlib.suppress(ImageNotFound):  # the engine's own clearing away may come first
            self._engine.client.images.remove(self._name, force=True)


def echo_in_image(image: str, **options: Any) -> RunRequest:
    """Return the request of a run of `echo` in the image."""
    use = EnvironmentUse(
        kind="docker", name=f"docker:{image}", python=IMAGE_PYTHON, reason="the test says so"
    )
    return msgspec.structs.replace(echo_request(**options), environment=use)


def echo_start(engine: Engine, image: str, **changes: Any) -> ContainerStart:
    """Return what starts a worker of `echo` in the image."""
    start = ContainerStart(
        engine=engine,
        image=engine.image_id(image),
        reference=image,
        supply=ModelSupply(readable=(), variables={}),
        gpus="none",
        path_options=("train", "data"),
    )
    return replace(start, **changes)


def containers_of(engine: Engine, run_id: str) -> list[str]:
    """Return the containers of a run that are still there, in whatever state."""
    found = engine.client.containers.list(all=True, filters={"label": f"envkit.run={run_id}"})
    return [str(container.id) for container in found]


def _download(folder: Path, *, python: str, machine: str) -> None:
    tags = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (17, 28)]
    minor = ".".join(python.split(".")[:2])
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, f"--python-version={minor}", *tags, "-d", str(folder), *_THIRD_PARTIES], check=True)
