"""A container that starts, from an image that is here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from doctor.machines import docker_machine

from envkit.api.checks import CheckContext
from envkit.doctor.deep_container import start_container

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.images.engine.engine import Engine


def test_container_without_an_engine_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    environ = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}

    finding = start_container(CheckContext(facts=docker_machine()), environ=environ, timeout=5)

    assert finding.severity == "error"
    assert finding.fix


@pytest.mark.docker
def test_container_of_an_image_that_is_here_starts_and_is_gone_afterwards(
    docker_engine: Engine, base_image: str
) -> None:
    before = docker_engine.client.images.list()

    finding = start_container(CheckContext(facts=docker_machine()), environ=os.environ, timeout=60)

    assert finding.severity == "ok"
    left = docker_engine.client.containers.list(all=True, filters={"label": "envkit.probe=doctor"})
    assert left == []
    assert len(docker_engine.client.images.list()) >= len(before)
