"""Remove images that envkit built: never one in use, never another's."""

from __future__ import annotations

import contextlib
import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.inspection.history import layers_of
from envkit.images.inspection.last_use import forget_use
from envkit.images.inspection.listing import inspect_image, layer_ids, list_images, read_history, short_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.images.engine.engine import Engine
    from envkit.images.inspection.listing import ImageLine

_HUB = "docker.io/"
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{1,64}")


@dataclass(frozen=True, kw_only=True)
class RemovableImage:
    """An image to remove, or names of it: with ``is_whole`` its content goes as well."""

    image: ImageLine
    names: tuple[str, ...]
    is_whole: bool

    @property
    def title(self) -> str:
        """Return what goes, in words: its names, or the beginning of its id."""
        return ", ".join(self.names) or short_id(self.image.id)


def find_removable(engine: Engine, references: Sequence[str], *, home: Path) -> tuple[RemovableImage, ...]:
    """Return what is removed when these are; of an image with other names, the named ones alone.

    Raises: ImageError where there is none of that name, it is another's, or a digest of one with several names.
    """
    ours = {line.id: line for line in list_images(engine, home=home)}
    chosen: dict[str, RemovableImage] = {}
    for reference in references:
        image_id = engine.find_image(reference)
        if image_id is None:
            known = [name for line in ours.values() for name in line.names or (line.name,)]
            near = difflib.get_close_matches(reference, known, n=1)
            raise ImageError(
                f"the image {reference} is not on this engine ({engine.endpoint})",
                hint=f"Did you mean {near[0]}?" if near else "What is there: envkit image list",
            )
        if image_id not in ours:
            raise ImageError(
                f"{reference} is no image of envkit's, and stays",
                hint=f"Remove it yourself: docker image rm {reference}",
            )
        line, before = ours[image_id], chosen.get(image_id)
        name = _name_of(reference, line)
        names = line.names if name is None else (*(before.names if before is not None else ()), name)
        chosen[image_id] = RemovableImage(
            image=line,
            names=tuple(dict.fromkeys(names)),
            is_whole=set(names) >= set(line.names) or (before is not None and before.is_whole),
        )
    return tuple(replace(each, names=each.image.names) if each.is_whole else each for each in chosen.values())


def all_removable(engine: Engine, *, home: Path) -> tuple[RemovableImage, ...]:
    """Return all of envkit's images. Raises: ImageError."""
    return tuple(
        RemovableImage(image=line, names=line.names, is_whole=True) for line in list_images(engine, home=home)
    )


def refuse_used(chosen: Sequence[RemovableImage]) -> None:
    """Raises: ImageError that names the images which containers are made of, and those containers."""
    used = [each for each in chosen if each.is_whole and each.image.containers]
    if not used:
        return
    whose = "; ".join(
        f"{each.title} by {', '.join(f'{use.name} ({use.state})' for use in each.image.containers)}"
        for each in used
    )
    running = [use.name for each in used for use in each.image.containers if use.is_running]
    stopped = [use.name for each in used for use in each.image.containers if not use.is_running]
    ways = [f"docker stop {' '.join(running)}"] if running else []
    ways.append(f"docker rm {' '.join([*running, *stopped])}")
    raise ImageError(f"in use: {whose}", hint=f"Remove what uses it first: {' && '.join(ways)}")


def freed_bytes(engine: Engine, chosen: Sequence[RemovableImage]) -> int:
    """Return how many bytes become free: of the layers that no other image has. Raises: ImageError."""
    gone = {each.image.id for each in chosen if each.is_whole}
    if not gone:
        return 0
    sizes: dict[tuple[str, ...], int] = {}
    kept: set[tuple[str, ...]] = set()
    with engine.explained("look at the layers of images"):
        for image_id in dict.fromkeys(str(each["Id"]) for each in engine.client.api.images()):
            layers = layer_ids(inspect_image(engine, image_id) or {})
            # A layer lies on just those below it: the same step on another base is another layer.
            chains = [layers[: number + 1] for number in range(len(layers))]
            if image_id not in gone:
                kept.update(chains)
                continue
            made = layers_of(read_history(engine, image_id), count=len(layers))
            sizes.update((chain, line.size) for chain, line in zip(chains, made, strict=True))
    return sum(size for chain, size in sizes.items() if chain not in kept)


def remove_images(engine: Engine, chosen: Sequence[RemovableImage], *, home: Path) -> None:
    """Remove images or their names. Raises: ImageError where one is in use, or its engine refuses."""
    refuse_used(chosen)
    for each in chosen:
        with engine.explained(f"remove {each.title}"):
            for reference in each.names or (each.image.id,):
                engine.client.api.remove_image(reference)
        if each.is_whole:
            with contextlib.suppress(OSError):  # a note of no image harms nobody
                forget_use(home, each.image.id)


def _name_of(reference: str, line: ImageLine) -> str | None:
    """Return the name that a reference stands for, None where it is the image's id or the beginning of it.

    Raises: ImageError where it is neither, or a digest of an image with several names.
    """
    wanted = _whole_name(reference)
    # Podman writes the registry before every name.
    for meant in (wanted, f"localhost/{wanted.removeprefix(_HUB).removeprefix('library/')}"):
        for name in line.names:
            if _whole_name(name) == meant:
                return name
    if _ID.fullmatch(reference) and line.id.removeprefix("sha256:").startswith(
        reference.removeprefix("sha256:")
    ):
        return None
    if "@" in reference and len(line.names) < 2:
        return line.names[0] if line.names else None
    names = " ".join(line.names) or short_id(line.id)
    what = (
        "a digest of an image that has several names" if "@" in reference else "no name of the image it finds"
    )
    raise ImageError(
        f"{reference} is {what}: {names}",
        hint=f"Name which of them goes, or all by its id: envkit image remove {short_id(line.id)}",
    )


def _whole_name(reference: str) -> str:
    """Return a name with its registry and tag written out. Source: distribution/reference, ``normalize.go``."""
    first, slash, rest = reference.partition("/")
    if slash and (first == "localhost" or set(".:") & set(first)):
        registry, path = ("docker.io" if first == "index.docker.io" else first), rest
    else:
        registry, path = "docker.io", reference
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    if "@" not in path and ":" not in path.rpartition("/")[2]:
        path = f"{path}:latest"
    return f"{registry}/{path}"
