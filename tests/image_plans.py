"""Plans of images, made by hand: nothing is resolved for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import Platform
from envkit.environments.records import WheelPackage
from envkit.images import layout
from envkit.images.extension import envkit_templates
from envkit.images.records import BuildSecret, Contents, ImageBase, ImagePlan
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import ImageTemplate

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
    base: str = "python:3.11-slim-bookworm",
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
    address = "file:///wheels" if has_local_wheels else "https://example.org/wheels"
    return ImagePlan(
        template=chosen,
        base=ImageBase(
            reference=base,
            python="3.11.2",
            interpreter=interpreter,
            platform=Platform(system="linux", machine="x86_64", kernel="6.1"),
        ),
        contents=Contents(
            lock_text="",
            lock_sha256="ab" * 32,
            python="3.11.2",
            torch=TorchBuild(
                version=f"2.6.0+{variant}",
                variant=variant,
                source="torch index",
                location="",
                python="3.11",
                reason="",
            ),
            tasks=tasks,
            packages=(_wheel("numpy", f"{address}/numpy-2.3.4-py3-none-any.whl"),),
            uv=_wheel("uv", "https://example.org/wheels/uv-0.9.1-py3-none-any.whl"),
            hosts=(),
            plugins=(),
            model_dir=Path("model") if chosen.is_of_run else None,
        ),
        labels=labels,
        user_id=user_id,
        group_id=user_id,
        ca_bundle=Path("ca.pem") if has_ca else None,
        secrets=secrets,
        build_args=build_args or {},
    )


def _wheel(name: str, url: str) -> WheelPackage:
    return WheelPackage(name=name, version="1.0", url=url, sha256="0" * 64)
