"""Decide all of an image before anything is built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from envkit.api import ImageError, UsageError
from envkit.images.contents.bases import image_facts
from envkit.images.contents.contents import make_contents
from envkit.images.contents.network import build_proxies, build_secrets, find_ca_bundle
from envkit.images.labels import make_labels
from envkit.images.layout import DEFAULT_USER_ID
from envkit.images.records import ImagePlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.api import ImageTemplate
    from envkit.environments.lockfile.records import LockFile
    from envkit.environments.plan import Planning
    from envkit.environments.progress import Progress
    from envkit.images.records import ImageBase, ImageMode
    from envkit.machine import MachineFacts
    from envkit.worker.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """What is asked of an image: one of ``tasks``, ``lock`` and ``run`` says what is in it.

    ``facts`` are those of the machine that it is to run on, None for this one; ``torch`` is as in EnvSpec.
    ``ca_bundle`` is None for what pip is told; ``revision`` names the commit of what is packed.
    """

    template: ImageTemplate
    base: ImageBase
    tasks: tuple[str, ...] = ()
    lock: LockFile | None = None
    run: RunFolder | None = None
    facts: MachineFacts | None = None
    torch: str = ""
    user_id: int = DEFAULT_USER_ID
    group_id: int = DEFAULT_USER_ID
    ca_bundle: Path | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""


def plan_image(request: ImageRequest, *, planning: Planning, progress: Progress) -> ImagePlan:
    """Return the plan of an image; nothing but caches is written. ``planning`` is in this machine.

    Raises: UsageError for what does not go together, EnvError where packages cannot be resolved, PluginError,
    MachineError where no torch build fits.
    """
    check_request(
        request.template, tasks=request.tasks, lock=request.lock, run=request.run, torch=request.torch
    )
    facts = image_facts(request.base, here=planning.facts, facts=request.facts)
    contents = make_contents(
        request.template,
        base=request.base,
        planning=replace(planning, facts=facts, here=planning.facts),
        progress=progress,
        tasks=request.tasks,
        lock=request.lock,
        run=request.run,
        torch=request.torch,
    )
    configuration = planning.pip_configuration()
    return ImagePlan(
        template=request.template,
        base=request.base,
        contents=contents,
        labels=make_labels(request.template, base=request.base, contents=contents, revision=request.revision),
        user_id=request.user_id,
        group_id=request.group_id,
        ca_bundle=find_ca_bundle(request.ca_bundle, configuration, environ=planning.environ),
        secrets=build_secrets(contents, configuration, environ=planning.environ),
        build_args=request.build_args,
        proxies=build_proxies(configuration, environ=planning.environ),
    )


def check_request(
    template: ImageTemplate,
    *,
    tasks: Sequence[str],
    lock: LockFile | None,
    run: RunFolder | None,
    torch: str = "",
) -> None:
    """Check that just one thing says what is to be in an image. Raises: UsageError."""
    name = template.name
    if template.is_of_run and run is None:
        raise UsageError(
            f"an image of {name} holds the model of a run, and none was named",
            hint=f"Name one: envkit build {name} --from-run RUN\nThe runs of this folder: envkit runs list",
        )
    given = [bool(tasks), lock is not None, run is not None]
    if sum(given) != 1:
        said = "nothing says" if not any(given) else "more than one option says"
        raise UsageError(
            f"{said} what is to be in the image",
            hint=f"One of:\nenvkit build {name} --task ner\n"
            f"envkit build {name} --lock envkit.lock\nenvkit build {name} --from-run RUN",
        )
    if torch and not tasks:
        raise UsageError(
            "--torch goes with --task alone: a lock and a run have their torch",
            hint="Leave --torch out, or lock another: envkit lock --torch BUILD -o NEW.lock",
        )


def check_secrets(plan: ImagePlan, mode: ImageMode) -> None:
    """Refuse a build that would keep secrets in a layer. Raises: ImageError."""
    if mode == "classic" and plan.secrets:
        raise ImageError(
            f"this build needs secrets ({', '.join(each.id for each in plan.secrets)}), and the classic builder "
            "would keep them in a layer",
            hint="Install BuildKit's client: the package docker-buildx (or docker-buildx-plugin)",
        )


def default_tag(plan: ImagePlan) -> str:
    """Return the name of an image that was given none: ``envkit-ner``, ``envkit-ner-predict``."""
    words = ["envkit", *plan.contents.tasks, *([] if plan.template.name == "task" else [plan.template.name])]
    name = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
    return f"{name}:latest"
