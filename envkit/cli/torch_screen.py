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

from envkit.api import UsageError
from envkit.cli import envelope
from envkit.cli.env.surroundings import read_facts_file, read_settings
from envkit.environments.requirements import minor_version, read_needs, torch_range
from envkit.machine import MachineFacts, read_facts
from envkit.pip_configuration import read_pip_configuration
from envkit.registry import find_task
from envkit.torchbuild import TorchBuild, choose_torch_build, local_wheels
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.config import Settings


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
    build = _choose(facts, specifier, python, settings)
    if as_json:
        ways = tuple(rejected.way for rejected in build.rejected if rejected.way)
        data = Report(torch=build, requirement=build.requirement, ways=ways, range=str(specifier))
        envelope.write(["torch"], data=data)
        return
    from envkit.cli import render

    render.print_pairs(list(_lines(build, facts)))


def _choose(facts: MachineFacts, specifier: SpecifierSet, python: str, settings: Settings) -> TorchBuild:
    configuration = read_pip_configuration(package_index=settings.package_index)
    return masked(
        choose_torch_build(
            facts,
            specifier=specifier,
            python=python,
            wheels=local_wheels(configuration.find_links),
            torch_index=settings.torch_index,
        )
    )


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
    return requirement.specifier


def _lines(build: TorchBuild, facts: MachineFacts) -> list[tuple[str, str]]:
    lines = [
        ("torch", f"{_name(build.version, build.variant)} for Python {build.python}, {_source(build)}"),
        ("why", build.reason),
        ("size", _size(build)),
        ("install", _install(build, facts)),
    ]
    lines += [("soon", ending) for ending in build.endings]
    for rejected in build.rejected:
        if rejected.way is not None:
            lines += [("better", rejected.way), ("", f"now: {rejected.why}")]
            continue
        unlock = f" (to change that: {rejected.unlock})" if rejected.unlock else ""
        lines.append(("not", f"{_name(rejected.version, rejected.variant)}: {rejected.why}{unlock}"))
    lines += [("note", note) for note in build.notes]
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


def _install(build: TorchBuild, facts: MachineFacts) -> str:
    python = "py" if facts.platform.system == "windows" else "python"
    words = [python, "-m", "pip", "install", build.requirement]
    if build.source == "torch index":
        words += ["--extra-index-url", build.location]
    elif build.source == "find-links":
        words += ["--find-links", build.location]
    return shlex.join(words)
