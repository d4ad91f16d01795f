"""Published plugins in images: a task of theirs is trained in a container, and an image is made by their template."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from stranger import Person

pytestmark = [pytest.mark.long, pytest.mark.docker]


def test_relation_is_trained_in_a_container_and_predicts_outside(
    user: Person, base_image: str, new_image_name: Callable[[], str]
) -> None:
    image = new_image_name()
    user.types(f"envkit build --task relation --base-image {base_image} --torch cpu -t {image}", timeout=1800)

    user.types(f"envkit run relation --env docker:{image} --run-dir in-container --device cpu")

    result = json.loads((user.folder / "in-container" / "result.json").read_bytes())
    assert result["metrics"]["test/micro_f1"] > 0.8
    text = "[E1] Ada Lovelace [/E1] was born in [E2] London [/E2]."
    typed = user.types(f"envkit predict in-container '{text}'").stdout
    assert json.loads(typed)["relation"] == "born_in"


def test_template_of_the_house_makes_images_that_train(
    user: Person, base_image: str, new_image_name: Callable[[], str]
) -> None:
    image = new_image_name()
    user.types(
        f"envkit build house --task seq2seq --base-image {base_image} --torch cpu -t {image}", timeout=1800
    )
    read = ["docker", "run", "--rm", "--entrypoint", "sh", image, "-c", 'cat "$HOUSE_CLUSTER"']
    said = subprocess.run(read, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout)["queue"] == "text"

    user.types(f"envkit run seq2seq --env docker:{image} --run-dir in-house --max-steps 4 --device cpu")

    assert json.loads((user.folder / "in-house" / "result.json").read_bytes())["status"] == "finished"
