"""The images that envkit built, as the engine and their labels tell of them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import ImageError
from envkit.images.inspection.history import HistoryLine, LayerLine, layers_of
from envkit.images.inspection.last_use import last_noted
from envkit.images.inspection.saved_manifest import ContainerConfig
from envkit.images.layout import (
    BASE_LABEL,
    PYTHON_LABEL,
    TASKS_LABEL,
    TEMPLATE_LABEL,
    TORCH_LABEL,
    VARIANT_LABEL,
)

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.images.engine.engine import Engine

_UNTAGGED = "<none>:<none>"


class ContainerUse(msgspec.Struct, frozen=True, kw_only=True):
    """A container made from an image; ``state`` is the engine's word, such as ``running`` or ``exited``."""

    id: str
    name: str
    state: str

    @property
    def is_running(self) -> bool:
        """Tell whether something runs in it, or may at once."""
        return self.state not in ("exited", "dead", "created")


class ImageLine(msgspec.Struct, frozen=True, kw_only=True):
    """An image: ``size`` in bytes, ``created`` and ``last_used`` in seconds since the epoch.

    ``names`` is empty where another image took the name. What no label tells is empty. Of what is started without
    envkit no trace is left when its container is gone: ``last_used`` does not know of it.
    """

    id: str
    names: tuple[str, ...]
    template: str
    tasks: tuple[str, ...]
    python: str
    torch: str
    variant: str
    size: int
    created: float
    last_used: float
    containers: tuple[ContainerUse, ...]

    @property
    def name(self) -> str:
        """Return its first name, or the beginning of its id."""
        return self.names[0] if self.names else short_id(self.id)

    @property
    def is_in_use(self) -> bool:
        """Tell whether a container of it runs."""
        return any(each.is_running for each in self.containers)

    @property
    def is_used_unseen(self) -> bool:
        """Tell whether it is made to be started by docker alone, so that nobody knows when it was used."""
        return self.template != "task"


class BaseShare(msgspec.Struct, frozen=True, kw_only=True):
    """What an image has in common with the one it began from; ``layers`` is None where that is not here."""

    reference: str
    layers: int | None = None
    size: int = 0


class ImageDetails(msgspec.Struct, frozen=True, kw_only=True):
    """An image and all that its configuration says; ``history`` may hold what a layer of the base was made by."""

    image: ImageLine
    platform: str
    labels: dict[str, str]
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    health_check: tuple[str, ...]
    ports: tuple[str, ...]
    base: BaseShare | None
    layers: tuple[LayerLine, ...]


def list_images(engine: Engine, *, home: Path) -> tuple[ImageLine, ...]:
    """Return envkit's images, the newest first; ``home`` has the notes of their use. Raises: ImageError."""
    with engine.explained("list images"):
        found = engine.client.api.images(filters={"label": TEMPLATE_LABEL})
        uses = containers_by_image(engine)
    lines = []
    for image_id in dict.fromkeys(str(each["Id"]) for each in found):
        attributes = inspect_image(engine, image_id)
        if attributes is not None:
            lines.append(image_line(attributes, uses=uses.get(image_id, ()), home=home))
    return tuple(sorted(lines, key=lambda line: (-line.created, line.name)))


def show_image(reference: str, *, engine: Engine, home: Path) -> ImageDetails:
    """Return what there is to know of an image without reading its files. Raises: ImageError."""
    image_id = engine.image_id(reference)
    attributes = inspect_image(engine, image_id)
    if attributes is None:
        raise ImageError(f"the image {reference} was removed at this moment", hint="envkit image list")
    with engine.explained(f"look at {reference}"):
        uses = containers_by_image(engine)
    image = image_line(attributes, uses=uses.get(image_id, ()), home=home)
    layers = layer_ids(attributes)
    config = _config(attributes)
    labels = config.labels or {}
    base_count = shared_layers(engine, labels.get(BASE_LABEL, ""), layers)
    lines = layers_of(read_history(engine, image_id), count=len(layers), base_count=base_count or 0)
    return ImageDetails(
        image=image,
        platform=f"{attributes.get('Os', 'linux')}/{attributes.get('Architecture', '')}",
        labels=labels,
        user=config.user,
        entrypoint=config.entrypoint or (),
        command=config.cmd or (),
        health_check=(config.healthcheck.test if config.healthcheck is not None else None) or (),
        ports=tuple((attributes.get("Config") or {}).get("ExposedPorts") or ()),
        base=_base_share(labels.get(BASE_LABEL, ""), base_count, lines),
        layers=lines,
    )


def image_line(attributes: dict[str, Any], *, uses: tuple[ContainerUse, ...], home: Path) -> ImageLine:
    """Return what an engine's answer says of an image."""
    config = _config(attributes)
    labels = config.labels or {}
    image_id, created = str(attributes["Id"]), _seconds(attributes.get("Created"))
    tagged = _seconds((attributes.get("Metadata") or {}).get("LastTagTime"))
    return ImageLine(
        id=image_id,
        names=tuple(name for name in attributes.get("RepoTags") or () if name != _UNTAGGED),
        template=labels.get(TEMPLATE_LABEL, ""),
        tasks=tuple(name for name in labels.get(TASKS_LABEL, "").replace(" ", "").split(",") if name),
        python=labels.get(PYTHON_LABEL, ""),
        torch=labels.get(TORCH_LABEL, ""),
        variant=labels.get(VARIANT_LABEL, ""),
        size=int(attributes.get("Size") or 0),
        created=created,
        last_used=max(created, tagged, last_noted(home, image_id)),
        containers=uses,
    )


def containers_by_image(engine: Engine) -> dict[str, tuple[ContainerUse, ...]]:
    """Return all containers, stopped ones too, by the id of their image."""
    by_image: dict[str, list[ContainerUse]] = {}
    for each in engine.client.api.containers(all=True):
        names = [str(name).lstrip("/") for name in each.get("Names") or ()]
        use = ContainerUse(
            id=str(each["Id"]),
            name=names[0] if names else short_id(str(each["Id"])),
            state=str(each.get("State", "")),
        )
        by_image.setdefault(str(each.get("ImageID", "")), []).append(use)
    return {image_id: tuple(uses) for image_id, uses in by_image.items()}


def shared_layers(engine: Engine, base: str, layers: tuple[str, ...]) -> int | None:
    """Return how many of the lowest layers are the base's; None where the base is not on this engine."""
    base_id = engine.find_image(base) if base else None
    attributes = inspect_image(engine, base_id) if base_id is not None else None
    if attributes is None:
        return None
    below = layer_ids(attributes)
    return len(below) if layers[: len(below)] == below else 0


def layer_ids(attributes: dict[str, Any]) -> tuple[str, ...]:
    """Return the digests of an image's layers, the lowest first."""
    return tuple((attributes.get("RootFS") or {}).get("Layers") or ())


def short_id(long_id: str) -> str:
    """Return the beginning of an id, as docker shows it."""
    return long_id.removeprefix("sha256:")[:12]


def inspect_image(engine: Engine, image_id: str) -> dict[str, Any] | None:
    """Return an engine's answer on an image, None for one that has gone meanwhile."""
    from docker.errors import NotFound

    answer: dict[str, Any] | None = None
    with engine.explained(f"look at {short_id(image_id)}"), contextlib.suppress(NotFound):
        answer = engine.client.api.inspect_image(image_id)  # type: ignore[no-untyped-call]
    return answer


def read_history(engine: Engine, image_id: str) -> tuple[HistoryLine, ...]:
    """Return the commands of an image, the newest first. Raises: ImageError."""
    with engine.explained(f"look at the history of {short_id(image_id)}"):
        answer = engine.client.api.history(image_id)  # type: ignore[no-untyped-call]
    return msgspec.convert(answer, tuple[HistoryLine, ...])


def _config(attributes: dict[str, Any]) -> ContainerConfig:
    return msgspec.convert(attributes.get("Config") or {}, ContainerConfig)


def _base_share(reference: str, count: int | None, layers: tuple[LayerLine, ...]) -> BaseShare | None:
    if not reference:
        return None
    return BaseShare(
        reference=reference, layers=count, size=sum(layer.size for layer in layers if layer.is_of_base)
    )


def _seconds(moment: object) -> float:
    """Return an engine's time in seconds since the epoch; what is missing, or before it, is 0."""
    if not isinstance(moment, str) or not moment:
        return 0.0
    return max(0.0, datetime.fromisoformat(moment).timestamp())
