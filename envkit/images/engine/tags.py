"""Give an image its names: all of them or none."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from envkit.api import EnvError, ImageError
from envkit.environments.flock import lock_exclusively
from envkit.images.engine.references import split_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envkit.images.engine.engine import Engine


_LOCK_FILE = "tags.lock"


def tag_image(
    engine: Engine, image_id: str, tags: Sequence[str], *, cache_dir: Path | None = None
) -> tuple[str, ...]:
    """Tag an image and return the ids of those that lost their last name to it.

    Where one tag cannot be set, or Ctrl-C comes between, every tag is as it was. Raises: ImageError that names
    the tag.
    """
    with _alone(cache_dir):
        before: dict[str, str | None] = {}
        try:
            for tag in tags:
                before[tag] = engine.find_image(tag)
                with engine.explained(f"tag the image as {tag}"):
                    _set(engine, image_id, tag)
        except BaseException:
            _take_back(engine, image_id, before)
            raise
        formers = dict.fromkeys(former for former in before.values() if former and former != image_id)
        return tuple(former for former in formers if _is_nameless(engine, former))


@contextlib.contextmanager
def _alone(cache_dir: Path | None) -> Iterator[None]:
    """Have other builds of this person wait: of two that take one name at once, the later must see the earlier."""
    folder = cache_dir or Path(platformdirs.user_cache_dir("envkit"))
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, EnvError):  # a folder that cannot be written ends no build
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock_exclusively(folder / _LOCK_FILE))
        yield


def _is_nameless(engine: Engine, image_id: str) -> bool:
    from docker.errors import DockerException

    # All is built and tagged: what cannot be told any more is no fault of the build.
    with contextlib.suppress(DockerException, OSError):
        return not engine.client.images.get(image_id).tags
    return False


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
