"""Plans of images to render a template with: nothing is resolved or built for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import Platform
from envkit.environments.records import WheelPackage
from envkit.images import layout
from envkit.images.records import BuildSecret, Contents, ImageBase, ImagePlan
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from envkit.api import ImageTemplate
    from envkit.images.records import ImageMode

BASE = "python:3.11-slim-bookworm"
USER = 1234
# What a Dockerfile would take for its own, were it not quoted.
NASTY = 'a "quoted" $PATH \\ and #5, `id`'
_SECRET = BuildSecret(id="netrc", content=b"machine example.org", target="/root/.netrc")


def sample_plans(template: ImageTemplate) -> dict[str, tuple[ImagePlan, ImageMode]]:
    """Return plans of every kind by what they are, each with the kind of builder that it is for."""
    return {
        "with BuildKit": (_plan(template), "buildkit"),
        "with the classic builder": (_plan(template), "classic"),
        "with certificates, secrets and local wheels": (
            _plan(template, has_ca=True, secrets=(_SECRET,), wheels="file:///wheels"),
            "buildkit",
        ),
        "for two tasks on the CPU": (_plan(template, tasks=("ner", "qa"), variant="cpu"), "buildkit"),
        "without a task": (_plan(template, tasks=()), "classic"),
    }


def _plan(
    template: ImageTemplate,
    *,
    tasks: tuple[str, ...] = ("ner",),
    variant: str = "cu126",
    has_ca: bool = False,
    secrets: tuple[BuildSecret, ...] = (),
    wheels: str = "https://example.org/wheels",
) -> ImagePlan:
    return ImagePlan(
        template=template,
        base=ImageBase(
            reference=BASE,
            python="3.11.2",
            interpreter="/usr/local/bin/python3.11",
            platform=Platform(system="linux", machine="x86_64", kernel="6.1"),
        ),
        contents=Contents(
            lock_text="",
            lock_sha256="ab" * 32,
            python="3.11.2",
            torch=TorchBuild(
                version=f"2.9.0+{variant}",
                variant=variant,
                source="torch index",
                location="",
                python="3.11",
                reason="",
            ),
            tasks=tasks,
            packages=(_wheel("numpy", f"{wheels}/numpy-2.3.4-py3-none-any.whl"),),
            uv=_wheel("uv", "https://example.org/wheels/uv-0.9.1-py3-none-any.whl"),
            hosts=(),
            plugins=(),
            model_dir=Path("model") if template.is_of_run else None,
        ),
        labels={layout.TITLE_LABEL: NASTY, layout.TASKS_LABEL: ",".join(tasks)},
        user_id=USER,
        group_id=USER,
        ca_bundle=Path("ca.pem") if has_ca else None,
        secrets=secrets,
        build_args={"UV_HTTP_TIMEOUT": "120"},
    )


def _wheel(name: str, url: str) -> WheelPackage:
    return WheelPackage(name=name, version="1.0", url=url, sha256="0" * 64)
