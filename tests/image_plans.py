"""Plans of images, as the kit for authors makes them, with what a test wants otherwise: nothing is resolved for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.images import layout
from envkit.images.extension import envkit_templates
from envkit.images.records import BuildSecret
from envkit.testing.image_plans import BASE, sample_plans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import ImageTemplate
    from envkit.images.records import ImagePlan

TEMPLATES = {template.name: template for template in envkit_templates()}
NETRC = BuildSecret(
    id="netrc", content=b"machine example.org login a password swordfish", target="/root/.netrc"
)
CLIENT_CERT = BuildSecret(id="client-cert", content=b"a key", target="/run/secrets/client-cert")
LABELS = {
    layout.TITLE_LABEL: "envkit ner task",
    layout.TASKS_LABEL: "ner",
    layout.LOCK_LABEL: "ab" * 32,
    layout.VARIANT_LABEL: "cu126",
}


def make_plan(
    template: str | ImageTemplate = "task",
    *,
    tasks: tuple[str, ...] = ("ner",),
    base: str = BASE,
    interpreter: str = "/usr/local/bin/python3.11",
    labels: Mapping[str, str] = LABELS,
    has_ca: bool = False,
    has_local_wheels: bool = False,
    variant: str = "cu126",
    secrets: tuple[BuildSecret, ...] = (),
    build_args: Mapping[str, str] | None = None,
    user_id: int = 1000,
) -> ImagePlan:
    """Return the plan of an image of the template, on Debian's Python unless another base is named."""
    chosen = TEMPLATES[template] if isinstance(template, str) else template
    kind = "with certificates, secrets and local wheels" if has_local_wheels else "with BuildKit"
    plan, _ = sample_plans(chosen)[kind]
    torch = msgspec.structs.replace(plan.contents.torch, version=f"2.6.0+{variant}", variant=variant)
    return replace(
        plan,
        base=replace(plan.base, reference=base, interpreter=interpreter),
        contents=replace(plan.contents, tasks=tasks, torch=torch),
        labels=labels,
        user_id=user_id,
        group_id=user_id,
        ca_bundle=Path("ca.pem") if has_ca else None,
        secrets=secrets,
        build_args=build_args or {},
    )
