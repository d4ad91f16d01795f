"""Give a run the image that it asks for: looked at, and refused in plain words where it does not fit."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from envkit.api import DEFAULT_MODEL, EnvError, ImageError
from envkit.api.records import EnvironmentUse
from envkit.environments.records import format_size
from envkit.environments.requirements import HOST
from envkit.environments.wheels import content_digest
from envkit.images.containers.death import build_command, missing_image
from envkit.images.containers.devices import GpuChoice, choose_gpus, read_engine_devices
from envkit.images.containers.start import ContainerStart
from envkit.images.containers.variables import ModelSupply, supply_model
from envkit.images.layout import (
    ENVKIT_LABEL,
    IMAGE_PREFIX,
    IMAGE_PYTHON,
    PLUGINS_LABEL,
    PYTHON_LABEL,
    TASKS_LABEL,
    TORCH_LABEL,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from importlib.metadata import Distribution

    from envkit.images.engine.engine import Engine
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry

# The kernel's names of processors, as images have them. Source: image-spec, "Platform" (Go's GOARCH).
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_KIND = "docker"


@dataclass(frozen=True, kw_only=True)
class ImageEnvironment:
    """An image to run in. ``reason`` says in one line which and what is in it; ``warnings`` are for the user.

    ``id`` is the engine's, ``reference`` what the user named. ``device`` is what the run has to ask for
    where the user left it open, None for what the run says.
    """

    reference: str
    id: str
    reason: str
    engine: Engine = field(repr=False)
    supply: ModelSupply = field(repr=False)
    gpus: GpuChoice
    warnings: tuple[str, ...] = ()

    @property
    def device(self) -> str | None:
        """Return the device that the run has to ask for, None for the one that it names itself."""
        return self.gpus.device

    @property
    def use(self) -> EnvironmentUse:
        """Return the record of the image that a run uses."""
        return EnvironmentUse(
            kind=_KIND,
            name=f"{IMAGE_PREFIX}{self.reference}",
            python=IMAGE_PYTHON,
            reason=self.reason,
            image=self.id,
        )

    def starter(self, *, path_options: Collection[str]) -> ContainerStart:
        """Return what starts a run's worker in a container; the options named hold files and folders."""
        return ContainerStart(
            engine=self.engine,
            image=self.id,
            reference=self.reference,
            supply=self.supply,
            gpus=self.gpus.way,
            path_options=tuple(path_options),
        )


def provide_image(
    reference: str,
    *,
    entry: TaskEntry,
    engine: Engine,
    facts: MachineFacts,
    device: str | None,
    model: str = "",
    own_models: Collection[str] = (),
    image_id: str = "",
    environ: Mapping[str, str] = os.environ,
    find_distribution: Callable[[str], Distribution] = metadata.distribution,
) -> ImageEnvironment:
    """Return the image for a run of this task; it is neither fetched nor changed.

    ``device`` is that of the run, None where its task has no such option; ``own_models`` are names that the
    plugin knows by itself. With ``image_id``, of a run that goes on, that image is taken as long as it is there,
    whatever the name means by now.
    Raises: ImageError where the engine is on another machine, or the image is missing, not envkit's, without
    this task, or for another device.
    """
    engine.require_local("a run")
    image = _inspect(image_id, engine) if image_id else None
    is_former = image is not None
    image = image or _inspect(reference, engine)
    if image is None:
        raise missing_image(reference, task=entry.name)
    labels: Mapping[str, str] = (image.get("Config") or {}).get("Labels") or {}
    _check(reference, labels, task=entry.name)
    with engine.explained("say what it can do"):
        info = engine.client.info()
    gpus = choose_gpus(
        device,
        reference=reference,
        labels=labels,
        facts=facts,
        engine=read_engine_devices(info, is_podman=engine.kind == "podman"),
        environ=environ,
    )
    supply = supply_model(
        "" if model in own_models else model, environ=environ, is_in_image=model == DEFAULT_MODEL
    )
    found_id = str(image["Id"])
    why = (
        f"the image in which the run began, {found_id[7:19]}" if is_former else f"asked for, {found_id[7:19]}"
    )
    return ImageEnvironment(
        reference=reference,
        id=found_id,
        reason=f"{IMAGE_PREFIX}{reference}, {why}: {_describe(image, labels, entry, find_distribution)}",
        engine=engine,
        supply=supply,
        gpus=gpus,
        warnings=tuple(
            text
            for text in (
                _lost_image(image_id) if image_id and not is_former else "",
                _other_processor(reference, image, facts),
                supply.note,
            )
            if text
        ),
    )


def _lost_image(image_id: str) -> str:
    return f"The image {image_id[7:19]}, in which the run began, is gone: it goes on in what has its name now"


def _inspect(reference: str, engine: Engine) -> Mapping[str, Any] | None:
    from docker.errors import NotFound

    with engine.explained(f"look at the image {reference}"):
        found: Mapping[str, Any] | None = None
        with contextlib.suppress(NotFound):
            found = engine.client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
    return found


def _check(reference: str, labels: Mapping[str, str], *, task: str) -> None:
    if ENVKIT_LABEL not in labels:
        raise ImageError(
            f"{reference} was not built by envkit: it has no label {ENVKIT_LABEL}",
            hint=f"Build one: {build_command(task)} --tag NAME",
        )
    tasks = [name for name in labels.get(TASKS_LABEL, "").split(",") if name]
    if task not in tasks:
        raise ImageError(
            f"{reference} has no plugin for {task!r}: it holds {', '.join(tasks) or 'no task'}",
            hint=f"Build one for it: {build_command(task)} --tag NAME",
        )


def _describe(
    image: Mapping[str, Any],
    labels: Mapping[str, str],
    entry: TaskEntry,
    find_distribution: Callable[[str], Distribution],
) -> str:
    parts = [f"Python {labels.get(PYTHON_LABEL, 'of its base')}"]
    if torch := labels.get(TORCH_LABEL):
        parts.append(f"torch {torch}")
    parts.append(format_size(int(image.get("Size") or 0)))
    if others := _other_code(labels, entry, find_distribution):
        parts.append(f"with {' and '.join(others)} of another content than here")
    return ", ".join(parts)


def _other_code(
    labels: Mapping[str, str], entry: TaskEntry, find_distribution: Callable[[str], Distribution]
) -> list[str]:
    """Return what of envkit and the plugin is not in the image as it is installed here."""
    inside = {name: (version, digest) for name, version, digest in _plugins(labels)}
    others = []
    for dist in (find_distribution(HOST), entry.distribution):
        name = dist.metadata["Name"]
        version, digest = inside.get(name, ("", ""))
        if version != dist.version or not _has_digest(dist, digest):
            others.append(f"{name} {version}".rstrip())
    return others


def _has_digest(dist: Distribution, digest: str) -> bool:
    try:
        return bool(digest) and content_digest(dist).startswith(digest)
    except EnvError:  # not installed by an installer: there is nothing to compare
        return True


def _plugins(labels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    entries = [text.split() for text in labels.get(PLUGINS_LABEL, "").split(",")]
    return [(words[0], words[1], words[2] if len(words) > 2 else "") for words in entries if len(words) > 1]


def _other_processor(reference: str, image: Mapping[str, Any], facts: MachineFacts) -> str:
    theirs = str(image.get("Architecture") or "")
    ours = _PROCESSORS.get(facts.platform.machine, facts.platform.machine)
    if not theirs or theirs == ours:
        return ""
    return f"{reference} is for {theirs}, and this machine is {ours}: it runs many times slower, if at all"
