"""What builds on an engine: tried, remembered, forgotten."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from envkit.api import ImageError
from envkit.images.building.builders import Builder, choose_builder, find_clients, forget_builder
from envkit.images.building.client import build_call

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.images.engine.engine import Engine


def write_client(folder: Path, script: str) -> Path:
    """Put a program named docker into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    client = folder / "docker"
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o755)
    return client


def with_path(*folders: Path) -> Mapping[str, str]:
    return {**os.environ, "PATH": os.pathsep.join(map(str, folders))}


def test_clients_are_all_on_path_in_its_order_each_once(tmp_path: Path) -> None:
    first, second = (write_client(tmp_path / name, "true") for name in ("a", "b"))
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "docker").symlink_to(first)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "docker").write_text("no program")
    found = find_clients(with_path(*(tmp_path / name for name in "abcd")))
    assert found[:2] == (first, second)
    assert not {tmp_path / "c" / "docker", tmp_path / "d" / "docker"} & set(found)


def test_call_shows_no_value_of_a_proxy_an_argument_or_a_secret(tmp_path: Path) -> None:
    builder = Builder(name="buildx", mode="buildkit", has_secrets=True, binary=tmp_path / "docker")
    call = build_call(
        builder,
        tmp_path,
        iid_file=tmp_path / "id",
        environ={"HOME": "/home/x"},
        platform="linux/arm64",
        build_args={"TOKEN": "t0ken", "HOME": "/elsewhere"},
        proxies={"http_proxy": "http://u:pw@h:1"},
        secret_files={"netrc": tmp_path / "secret-0"},
        no_cache=True,
        pull=True,
    )
    words = " ".join(call.cmd)
    assert "t0ken" not in words and "pw" not in words
    assert "t0ken" not in repr(call)
    assert call.environ["http_proxy"] == "http://u:pw@h:1"
    # What the client itself goes by stays as it is.
    assert call.environ["HOME"] == "/home/x"
    assert "--build-arg HOME=/elsewhere" in words
    assert "--build-arg http_proxy --build-arg TOKEN" in words
    assert f"--secret id=netrc,src={tmp_path}/secret-0" in words
    assert {"--load", "--no-cache", "--pull", "--platform"} <= set(call.cmd)


@pytest.mark.docker
@pytest.mark.slow
def test_builder_of_this_machine_is_found_and_remembered(docker_engine: Engine, tmp_path: Path) -> None:
    before = {image.id for image in docker_engine.client.images.list(all=True)}
    found = choose_builder(docker_engine, cache_dir=tmp_path)
    assert (tmp_path / "builders.json").is_file()
    assert choose_builder(docker_engine, cache_dir=tmp_path) == found
    made = {image.id for image in docker_engine.client.images.list(all=True)} - before
    assert not [
        image_id for image_id in made if docker_engine.client.images.get(image_id).attrs["Size"] < 1000
    ]


@pytest.mark.docker
@pytest.mark.slow
def test_builder_is_tried_again_when_a_client_changes(docker_engine: Engine, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    client = write_client(tmp_path / "bin", f"echo x >> {counter}; exit 1")
    environ = with_path(client.parent)

    def tries() -> int:
        choose_builder(docker_engine, environ=environ, cache_dir=tmp_path / "cache")
        return len(counter.read_text().splitlines())

    first = tries()
    assert first >= 1
    assert tries() == first
    os.utime(client, (1, 1))
    second = tries()
    assert second > first
    forget_builder(tmp_path / "cache")
    assert tries() > second


@pytest.mark.docker
@pytest.mark.slow
def test_builder_with_a_damaged_memory_is_found_anew(docker_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "builders.json").write_text("{")
    assert choose_builder(docker_engine, cache_dir=tmp_path).name in ("buildx", "buildkit", "classic")
    assert stat.S_ISREG((tmp_path / "builders.json").stat().st_mode)


@pytest.mark.docker
@pytest.mark.slow
def test_builder_that_is_wanted_and_does_not_work_is_refused(docker_engine: Engine, tmp_path: Path) -> None:
    client = write_client(tmp_path / "bin", "exit 1")
    plugin = tmp_path / "none"
    environ = {**with_path(client.parent), "DOCKER_CONFIG": str(plugin), "BUILDX_BUILDER": "no-such-builder"}
    with pytest.raises(ImageError, match="buildx does not build on this engine"):
        choose_builder(docker_engine, wanted="buildx", environ=environ, cache_dir=tmp_path)
    assert not (tmp_path / "builders.json").exists()


@pytest.mark.docker
@pytest.mark.slow
def test_builder_that_is_wanted_as_classic_needs_no_trial(docker_engine: Engine, tmp_path: Path) -> None:
    builder = choose_builder(docker_engine, wanted="classic", cache_dir=tmp_path)
    assert (builder.name, builder.mode, builder.has_secrets) == ("classic", "classic", False)
