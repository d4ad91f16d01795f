"""All built-in checks, in the order of the screen."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.api.checks import Check
    from envkit.doctor.surroundings import Surroundings

# A module of envkit.doctor.checks each, with a function ``checks(surroundings)``.
MODULES = (
    "python",
    "platform",
    "gpu",
    "accelerators",
    "cuda",
    "torch",
    "memory",
    "disk",
    "installers",
    "network",
    "hugging_face",
    "docker",
    "plugins",
)
LINK = "docs/doctor.md"


def builtin_checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return envkit's own checks, all but the deep ones and those of ``--task``."""
    found: list[Check] = []
    for name in MODULES:
        module = import_module(f"envkit.doctor.checks.{name}")
        found.extend(module.checks(surroundings))
    return tuple(linked(check) for check in found)


def linked(check: Check) -> Check:
    """Return a check of envkit's own with the place in the documentation that tells of it."""
    return replace(check, link=f"{LINK}#{check.id.replace('.', '-')}") if check.link is None else check
