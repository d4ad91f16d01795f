"""Give an image its names: all of them or none."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.engine.references import split_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.images.engine.engine import Engine


def tag_image(engine: Engine, image_id: str, tags: Sequence[str]) -> None:
    """Tag an image; where one tag cannot be set, or Ctrl-C comes between, every tag is as it was.

    Raises: ImageError that names the tag.
    """
    before: dict[str, str | None] = {}
    try:
        for tag in tags:
            before[tag] = engine.find_image(tag)
            with engine.explained(f"tag the image as {tag}"):
                _set(engine, image_id, tag)
    except BaseException:
        _take_back(engine, image_id, before)
        raise


def _set(engine: Engine, image_id: str, tag: str) -> None:
    repository, name = split_reference(tag)
    if not engine.client.api.tag(image_id, repository, name, force=True):
        raise ImageError(
            f"the engine does not tag the image as {tag}", hint="Choose another name: --tag NAME:TAG"
        )


def _take_back(engine: Engine, image_id: str, before: Mapping[str, str | None]) -> None:
    from docker.errors import DockerException

    for tag, former in before.items():
        # What cannot be taken back on an engine that is gone must not hide why.
        with contextlib.suppress(DockerException, ImageError, OSError):
            if former is not None:
                _set(engine, former, tag)
            elif engine.find_image(tag) == image_id:
                engine.client.images.remove(tag, noprune=True)
