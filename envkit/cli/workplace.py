"""Where a run's worker is put: an environment of this machine, or a container of an image."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.records import EnvironmentUse
from envkit.environments.activation import activated
from envkit.images.layout import IMAGE_PREFIX
from envkit.mirrors import hub_environ
from envkit.runs.launch import StartWorker, start_worker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from envkit.cli.progress import RunScreen
    from envkit.config import Settings
    from envkit.environments.records import Environment
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What a run needs of where its worker is.

    ``environ`` are the variables of the worker, ``held`` open files that keep its environment, ``start`` starts
    it. ``device`` is what it has to be asked for where the user left it open, None for what the user says.
    """

    use: EnvironmentUse
    environ: Mapping[str, str]
    held: tuple[int, ...]
    start: StartWorker
    device: str | None = None


def environment_use(environment: Environment) -> EnvironmentUse:
    """Return the record of an environment that a run uses."""
    return EnvironmentUse(
        kind=environment.kind,
        name=environment.name,
        python=str(environment.python),
        reason=environment.reason,
    )


def in_environment(environment: Environment, *, settings: Settings) -> Workplace:
    """Return the workplace of an environment. Raises: EnvError, UsageError, PluginError."""
    return Workplace(
        use=environment_use(environment),
        environ=activated(environment, hub_environ(settings.model_hub)),
        held=() if environment.hold is None else (environment.hold.fileno(),),
        start=start_worker,
    )


def is_image(choice: str) -> bool:
    """Tell whether a choice of an environment names an image: ``docker:NAME``."""
    return choice.startswith(IMAGE_PREFIX)


def in_image(
    choice: str,
    *,
    entry: TaskEntry,
    facts: MachineFacts,
    settings: Settings,
    view: RunScreen,
    device: str | None,
    model: str,
    own_models: Collection[str],
    path_options: Collection[str],
    image_id: str = "",
) -> Workplace:
    """Return the workplace of an image, ``docker:NAME``; with ``image_id``, of that one if it is there.

    What the user should know of it is said. Raises: UsageError for what names no image, ImageError.
    """
    # With them comes docker, which no other run needs.
    from envkit.images.containers.provide import provide_image
    from envkit.images.engine.engine import connect
    from envkit.images.engine.references import check_image
    from envkit.images.inspection.last_use import note_use

    reference = choice.removeprefix(IMAGE_PREFIX)
    check_image(reference, option=f"--env {IMAGE_PREFIX}")
    variables = hub_environ(settings.model_hub)
    image = provide_image(
        reference,
        entry=entry,
        engine=connect(),
        facts=facts,
        device=device,
        model=model,
        own_models=own_models,
        image_id=image_id,
        environ=variables,
    )
    with contextlib.suppress(OSError):  # it is a note alone, and a home may be read-only
        note_use(settings.home, image.use.image)
    for text in image.warnings:
        view.say(f"warning: {text}")
    return Workplace(
        use=image.use,
        environ=variables,
        held=(),
        start=image.starter(path_options=path_options),
        device=image.device,
    )
