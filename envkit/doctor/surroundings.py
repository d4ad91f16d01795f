"""What built-in checks judge a machine by, besides its facts: settings, and what the installed plugins need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envkit.environments.disk_space import estimate_size
from envkit.torchbuild.wheel_search import WheelSearch, search_wheels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from envkit.config import Settings
    from envkit.doctor.plugin_records import Entries
    from envkit.torchbuild import LocalWheel, TorchBuild


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What checks compare the facts with.

    ``home`` is where environments lie, ``wheels`` those of torch in find-links (None where the facts are
    another machine's, whose folders these are not), ``silent_links`` what of those gave no answer, ``torch_range``
    and ``wanted_python`` what all installed tasks can live with, and ``disk_needed`` what one environment takes, in
    bytes.
    """

    home: Path
    torch_index: str
    wheels: tuple[LocalWheel, ...] | None
    silent_links: tuple[str, ...] = ()
    torch_range: SpecifierSet
    wanted_python: SpecifierSet
    disk_needed: int


def read_surroundings(
    settings: Settings,
    *,
    environ: Mapping[str, str],
    installed: Entries | None = None,
    is_other_machine: bool = False,
) -> Surroundings:
    """Return what counts here, before a build of torch is chosen: ``with_build`` adds what that takes.

    ``installed`` is what is known of plugins already; without it, their metadata are read. Where the facts are
    another machine's, this one's folders of wheels are not looked into.
    """
    if installed is None:
        from envkit.doctor.plugin_child import list_installed  # reading metadata takes its time

        installed = list_installed()
    # What is wrong with pip's files, the facts tell.
    search = WheelSearch() if is_other_machine else search_wheels(environ=environ)
    return Surroundings(
        home=settings.home.absolute(),
        torch_index=settings.torch_index,
        wheels=None if is_other_machine else search.wheels,
        silent_links=search.silent,
        torch_range=Requirement(installed.torch).specifier if installed.torch else SpecifierSet(),
        wanted_python=common_python(
            entry.requires_python for entry in installed.entries if entry.kind == "task" and entry.is_used
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
