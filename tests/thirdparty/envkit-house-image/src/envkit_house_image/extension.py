"""The template that ``envkit build`` is given."""

from __future__ import annotations

from pathlib import Path

from envkit.api import ImageTemplate, hookimpl

HERE = Path(__file__).parent


@hookimpl
def envkit_templates() -> list[ImageTemplate]:
    """Return the template of the house."""
    return [
        ImageTemplate(
            name="house",
            summary="Fine-tune on the cluster of the house.",
            file=HERE / "house.Dockerfile",
            files=(HERE / "cluster.json",),
        )
    ]
