"""What built-in checks judge a machine by, besides its facts: settings, and what the installed plugins need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envkit.environments.disk_space import estimate_size
from envkit.pip_configuration import read_pip_configuration
from envkit.torchbuild import LocalWheel, local_wheels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from envkit.config import Settings
    from envkit.doctor.plugin_records import Entries
    from envkit.torchbuild import TorchBuild


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What checks compare the facts with.

    ``home`` is where environments lie, ``wheels`` those of torch in find-links, ``torch_range`` and
    ``wanted_python`` what all installed tasks can live with, and ``disk_needed`` what one environment takes, in
    bytes.
    """

    home: Path
    torch_index: str
    wheels: tuple[LocalWheel, ...]
    torch_range: SpecifierSet
    wanted_python: SpecifierSet
    disk_needed: int


def read_surroundings(
    settings: Settings, *, environ: Mapping[str, str], installed: Entries | None = None
) -> Surroundings:
    """Return what counts here, before a build of torch is chosen: ``with_build`` adds what that takes.

    ``installed`` is what is known of plugins already; without it, their metadata are read.
    """
    if installed is None:
        from envkit.doctor.plugin_child import list_installed  # reading metadata takes its time

        installed = list_installed()
    return Surroundings(
        home=settings.home.absolute(),
        torch_index=settings.torch_index,
        wheels=tuple(local_wheels(read_pip_configuration(environ=environ).find_links)),
        torch_range=Requirement(installed.torch).specifier if installed.torch else SpecifierSet(),
        wanted_python=common_python(
            entry.requires_python for entry in installed.entries if entry.kind == "task"
        ),
        disk_needed=estimate_size(None),
    )


def common_python(ranges: Iterable[str]) -> SpecifierSet:
    """Return the Pythons in all of these ranges; one that cannot be read says nothing."""
    wanted = SpecifierSet()
    for text in sorted({*ranges}):
        try:
            wanted &= SpecifierSet(text)
        except InvalidSpecifier:
            continue  # its own plugin's fault: plugin.requirements tells
    return wanted


def with_build(surroundings: Surroundings, build: TorchBuild | None) -> Surroundings:
    """Return the same with room for an environment with this build; where none fits, for one without torch."""
    return replace(surroundings, disk_needed=estimate_size(build))
