"""Images of the task `echo`, built from the rendered Dockerfiles by both kinds of builder."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker_engine import TEST_LABELS
from echo import SOURCE, build_wheel
from image_plans import make_plan

from envkit.environments.records import WheelPackage
from envkit.environments.wheels import remake_wheel
from envkit.images.building.build import build_image
from envkit.images.building.builders import CLASSIC, choose_builder
from envkit.images.contents.context import write_context
from envkit.images.rendering.render import render_dockerfile

if TYPE_CHECKING:
    from envkit.images.building.output import BuildStep
    from envkit.images.engine.engine import Engine

ROOT = Path(__file__).parents[3]
NEEDED = ("iniconfig", "msgspec", "pluggy")
TELL = """
import json, os, pwd, subprocess, sys
def can_write(path):
    try:
        open(path + "/x", "w").close()
    except OSError:
        return False
    return True
print(json.dumps({
    "ids": [os.getuid(), os.getgid()],
    "name": pwd.getpwuid(os.getuid()).pw_name,
    "home": os.path.expanduser("~"),
    "writes": [path for path in ("/home/envkit", "/work", "/opt/envkit", "/opt") if can_write(path)],
    "anybody": subprocess.run(["find", "/opt", "/home", "/work", "-perm", "-0002", "!", "-type", "l"],
                              capture_output=True, text=True).stdout,
    "build": [path for path in ("/build", "/opt/uv", "/var/cache/uv", "/root/.netrc") if os.path.exists(path)],
    "prefix": sys.prefix,
}))
"""


class Silent:
    """Shows nothing of a build."""

    def step(self, number: int, total: int, title: str, is_cached: bool, seconds: float) -> None: ...

    def line(self, text: str) -> None: ...

    def say(self, text: str) -> None: ...


def local_wheel(name: str, folder: Path) -> WheelPackage:
    file = remake_wheel(distribution(name), folder=folder)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return WheelPackage(name=name, version=distribution(name).version, url=file.as_uri(), sha256=digest)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the image of the task is made of."""
    folder = tmp_path_factory.mktemp("image-wheels")
    for number, source in enumerate((ROOT, SOURCE)):
        shutil.move(build_wheel(source, folder / f"dist-{number}"), folder)
    return folder


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("how", ["buildkit", "classic"])
def test_render_dockerfile_of_echo_builds_and_a_changed_plugin_installs_no_other(
    how: str, docker_engine: Engine, base_image: str, wheels: Path, tmp_path: Path
) -> None:
    builder = CLASSIC if how == "classic" else choose_builder(docker_engine, wanted="buildkit")
    plan = make_plan(
        tasks=("echo",),
        base=base_image,
        interpreter="/usr/bin/python3",
        labels={**TEST_LABELS, "nasty.label": '$HOME "\\'},
        user_id=4321,
        build_args={"UV_HTTP_TIMEOUT": "100"},
    )
    found = tuple(local_wheel(name, tmp_path) for name in NEEDED)
    contents = replace(plan.contents, packages=found, uv=local_wheel("uv", tmp_path), lock_text="a lock\n")
    plan = replace(plan, contents=contents)

    def build(folder: Path, echo_wheel: Path) -> tuple[str, tuple[BuildStep, ...]]:
        write_context(
            plan, folder, dockerfile=render_dockerfile(plan, mode=builder.mode), mode=builder.mode, environ={}
        )
        [host] = wheels.glob("envkit_ml-*.whl")
        for wheel, place in ((host, "host"), (echo_wheel, "plugins")):
            (folder / place).mkdir()
            shutil.copy(wheel, folder / place)
        built = build_image(
            folder,
            engine=docker_engine,
            builder=builder,
            tags=(),
            progress=Silent(),
            build_args=plan.build_args,
        )
        return built.id, built.steps

    [echo] = wheels.glob("envkit_echo-*.whl")
    changed = build_wheel(change_plugin(tmp_path / "source"), tmp_path / "dist")
    image, _ = build(tmp_path / "first", echo)
    again, steps = build(tmp_path / "second", changed)

    def run(*arguments: str) -> str:
        told = docker_engine.client.containers.run(
            image,
            arguments,
            entrypoint=["/opt/envkit/bin/python"],
            remove=True,
            labels=TEST_LABELS,
            network_mode="none",
        )
        return str(told.decode())

    told: dict[str, Any] = json.loads(run("-I", "-c", TELL))
    assert told == {
        "ids": [4321, 4321],
        "name": "envkit",
        "home": "/home/envkit",
        "writes": ["/home/envkit", "/work"],
        "anybody": "",
        "build": [],
        "prefix": "/opt/envkit",
    }
    run("-I", "-m", "envkit.worker.healthy")
    config = docker_engine.client.images.get(image).attrs["Config"]
    assert config["User"] == "4321:4321" and config["StopSignal"] == "SIGTERM"
    assert config["Labels"]["nasty.label"] == '$HOME "\\'
    assert again != image
    installs = [step for step in steps if "pip install" in step.title]
    [anew] = [step for step in installs if not step.is_cached]
    assert len(installs) == 4 and "plugins/*.whl" in anew.title


def change_plugin(folder: Path) -> Path:
    shutil.copytree(SOURCE, folder)
    module = folder / "src" / "envkit_echo" / "loop.py"
    # Never the same change twice: the engine remembers what it built for an earlier one.
    module.write_text(f"{module.read_text(encoding='utf-8')}\n# changed {uuid.uuid4()}\n", encoding="utf-8")
    return folder
