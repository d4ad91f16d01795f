"""An image built by an envkit that pip has installed, looked at by that envkit."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker_engine import base_image, docker_engine, new_image_name
from echo import SOURCE, build_wheel, make_venv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.images.engine.engine import Engine

__all__ = ["base_image", "docker_engine", "new_image_name"]

ROOT = Path(__file__).parents[2]


def needed(name: str, found: dict[str, None]) -> dict[str, None]:
    """Add what a distribution needs here, without itself."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        other = canonicalize_name(requirement.name)
        if other in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            distribution(other)
        except PackageNotFoundError:  # for another system
            continue
        found[other] = None
        needed(other, found)
    return found


@pytest.mark.slow
@pytest.mark.docker
def test_image_of_an_installed_envkit_is_what_was_locked(
    docker_engine: Engine, base_image: str, new_image_name: Callable[[], str], tmp_path: Path
) -> None:
    wheels = [build_wheel(source, tmp_path / f"dist-{n}") for n, source in enumerate((ROOT, SOURCE))]
    python = make_venv(tmp_path / "venv", *wheels, packages=tuple(needed("envkit-ml", {})))
    name = new_image_name()

    def envkit(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(python.parent / "envkit"), *words],
            cwd=tmp_path,
            env={**os.environ, "ENVKIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    built = envkit("build", "--task", "echo", "--base-image", base_image, "-t", name)
    assert built.returncode == 0, built.stderr
    checked = envkit("image", "check", name, "--deep", "--json")
    said = json.loads(checked.stdout)["data"]
    faults = [each for subject in said["check"]["subjects"] for each in subject["findings"]]
    assert [each["text"] for each in faults if each["is_fault"]] == []
    assert (checked.returncode, said["faults"]) == (0, 0)
