"""What ``envkit torch`` looks at and shows."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envkit.api import MachineError, UsageError
from envkit.cli import envelope
from envkit.cli.env.surroundings import read_facts_file, read_settings
from envkit.environments.requirements import minor_version, read_needs, torch_range
from envkit.machine import MachineFacts, read_facts
from envkit.registry import find_task
from envkit.torchbuild import TorchBuild, choose_torch_build
from envkit.torchbuild.records import masked
from envkit.torchbuild.wheel_search import search_wheels
from envkit.torchbuild.wheels import find_own_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.config import Settings
    from envkit.torchbuild import LocalWheel


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The words of one command line; None stands for what was not said."""

    python: str | None = None
    require: str | None = None
    task: str | None = None
    facts_file: Path | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What ``envkit torch --json`` prints: the build, what to pin, and the ways to better ones."""

    torch: TorchBuild
    requirement: str
    ways: tuple[str, ...]
    range: str


def show_torch(asked: Asked, *, as_json: bool) -> None:
    """Choose and show. Raises: UsageError, ConfigError, PluginError, MachineError where nothing fits."""
    settings = read_settings()
    facts = read_facts(folders=()) if asked.facts_file is None else read_facts_file(asked.facts_file)
    python = _read_python(asked.python or facts.python.version)
    specifier = _read_range(asked, python)
    # A wheel in a folder of this machine says nothing of another one.
    wheels = _wheels_here(settings) if asked.facts_file is None else None
    build = masked(
        choose_torch_build(
            facts, specifier=specifier, python=python, wheels=wheels, torch_index=settings.torch_index
        )
    )
    if as_json:
        ways = tuple(rejected.way for rejected in build.rejected if rejected.way)
        data = Report(torch=build, requirement=build.requirement, ways=ways, range=str(specifier))
        envelope.write(["torch"], data=data)
        return
    from envkit.cli import render

    render.print_pairs(_lines(build, facts, wheels or ()))


def _wheels_here(settings: Settings) -> tuple[LocalWheel, ...]:
    search = search_wheels(package_index=settings.package_index)
    if search.error is not None:
        raise search.error
    if search.silent:
        raise MachineError(
            "; ".join(search.silent),
            hint="Leave it out: PIP_CONFIG_FILE=/dev/null for pip's files, PIP_FIND_LINKS= for the folders",
        )
    return search.wheels


def _read_python(text: str) -> str:
    if not re.fullmatch(r"3\.\d+(\.\d+)?([a-z]+\d+)?\+?", text):
        raise UsageError(f"{text!r} is no version of Python", hint="Name one such as --python 3.12")
    return minor_version(text)


def _read_range(asked: Asked, python: str) -> SpecifierSet:
    """Return what torch has to be: as asked, as the task needs, or else what envkit itself serves."""
    parts = []
    if asked.require is not None:
        parts.append(_read_specifier(asked.require))
    if asked.task is not None:
        needs = read_needs(find_task(asked.task), python=python)
        if needs.torch is None:
            raise UsageError(f"the task {asked.task} needs no torch", hint="Leave --task out")
        if not needs.requires_python.contains(f"{python}.99", prereleases=True):
            raise UsageError(
                f"the task {asked.task} needs Python {needs.requires_python}, and this asks for {python}",
                hint="Name another: --python 3.12",
            )
        parts.append(needs.torch)
    found = parts[0] if parts else torch_range()
    for each in parts[1:]:
        found = found & each
    return found


def _read_specifier(text: str) -> SpecifierSet:
    try:
        if re.match(r"\s*[<>=!~]", text):
            return SpecifierSet(text)
        requirement = Requirement(text)
    except (InvalidRequirement, InvalidSpecifier):
        raise UsageError(
            f"--require {text!r} is no range of torch", hint="Write it as in --require 'torch>=2.8,<2.12'"
        ) from None
    if canonicalize_name(requirement.name) != "torch" or requirement.url:
        raise UsageError(
            f"--require {text!r} is not about torch", hint="Write it as in --require 'torch<2.12'"
        )
    if requirement.marker is not None:
        raise UsageError(
            f"--require {text!r} has a condition behind the semicolon, which counts for nothing here",
            hint=f"Leave it out: --require 'torch{requirement.specifier}'",
        )
    return requirement.specifier


def _lines(build: TorchBuild, facts: MachineFacts, wheels: Sequence[LocalWheel]) -> list[tuple[str, str]]:
    lines = [
        ("torch", f"{_name(build.version, build.variant)} for Python {build.python}, {_source(build)}"),
        ("why", build.reason),
        ("size", _size(build)),
        ("install", _install(build, facts, wheels)),
    ]
    lines += [("soon", ending) for ending in build.endings]
    for rejected in build.rejected:
        if rejected.way is not None:
            lines += [("better", rejected.way), ("", f"now: {rejected.why}")]
            continue
        unlock = f" (to change that: {rejected.unlock})" if rejected.unlock else ""
        lines.append(("not", f"{_name(rejected.version, rejected.variant)}: {rejected.why}{unlock}"))
    lines += [("note", note) for note in build.notes]
    lines += [
        ("note", f"NVIDIA's GPUs could not be read ({each.why}): this is as if there were none.")
        for each in facts.unread
        if each.part == "nvidia" and each.is_whole
    ]
    if not build.is_proven:
        lines.append(
            ("note", "envkit itself never ran this build on such hardware; its table has it from others.")
        )
    return lines


def _name(version: str, variant: str) -> str:
    return version if version.endswith(f"+{variant}") else f"{version} ({variant})"


def _source(build: TorchBuild) -> str:
    return f"from the {build.source}" if not build.location else f"from {build.location}"


def _size(build: TorchBuild) -> str:
    if build.download is None or build.disk is None:
        return "unknown"
    from envkit.cli.render import size_text

    kind = ", an estimate" if build.is_size_estimate else ""
    return (
        f"{size_text(build.download)} to download, {size_text(build.disk)} on disk, with all it needs{kind}"
    )


def _install(build: TorchBuild, facts: MachineFacts, wheels: Sequence[LocalWheel]) -> str:
    is_windows = facts.platform.system == "windows"
    python = ["py", f"-{build.python}"] if is_windows else [f"python{build.python}"]
    own = find_own_file(build, facts.platform, wheels)
    words = [*python, "-m", "pip", "install", own or build.requirement]
    if build.source == "torch index":
        words += ["--extra-index-url", build.location]
    elif build.source == "find-links" and own is None:
        words += ["--find-links", build.location]
    return shlex.join(words)
