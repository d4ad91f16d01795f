"""Two builds of one tag at the same moment: the last has it, and its person learns which image lost it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from docker_engine import TEST_LABELS
from required import skip_or_fail

from envkit.images.building.build import build_image
from envkit.images.building.builders import CLASSIC, choose_builder
from envkit.images.engine.engine import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.images.engine.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow]


class Silent:
    """Shows nothing of a build."""

    def step(self, number: int, total: int, title: str, is_cached: bool, seconds: float | None) -> None:
        pass

    def line(self, text: str) -> None:
        pass

    def say(self, text: str) -> None:
        pass


@pytest.mark.parametrize("name", ["client", "classic"])
@pytest.mark.parametrize("is_same", [True, False], ids=["same", "different"])
def test_builds_of_one_tag_at_once_tell_which_image_lost_it(
    docker_engine: Engine,
    name: str,
    base_image: str,
    tmp_path: Path,
    new_image_name: Callable[[], str],
    is_same: bool,
) -> None:
    builder = CLASSIC if name == "classic" else choose_builder(docker_engine, cache_dir=tmp_path / "cache")
    if name == "client" and builder.binary is None:
        skip_or_fail("docker", "no client of this machine speaks to BuildKit")
    labels = " ".join(f"{label}={value}" for label, value in TEST_LABELS.items())
    tag, made, barrier = new_image_name(), [], threading.Barrier(2)

    def build(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        place = 0 if is_same else number
        (folder / "Dockerfile").write_text(f"FROM {base_image}\nLABEL {labels}\nENV PLACE={place}\n")
        barrier.wait()
        made.append(
            build_image(
                folder, engine=connect(), builder=builder, tags=[tag], progress=Silent(), no_cache=True
            )
        )

    threads = [threading.Thread(target=build, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    last = docker_engine.image_id(tag)
    lost = {each.id for each in made} - {last}
    assert {image_id for each in made for image_id in each.unnamed} == lost
    assert is_same or len(lost) == 1
    found = docker_engine.client.containers.list(all=True, filters={"label": labels.split()})
    assert found == []
    for image_id in lost:
        docker_engine.discard(image_id)
