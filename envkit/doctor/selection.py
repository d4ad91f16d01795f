"""Which checks are run: those that were named, and what keeps one from being run here."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.api.checks import Check, CheckContext, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from envkit.api.checks import PluginState

# The first half of an id, and what a group of checks is called on the screen.
SUBJECTS = {
    "python": "Python",
    "platform": "System",
    "gpu": "NVIDIA GPU",
    "accelerator": "Other GPUs",
    "cuda": "CUDA",
    "torch": "torch",
    "memory": "Memory",
    "disk": "Disks",
    "installer": "Installers",
    "network": "Network",
    "hub": "Model hub",
    "docker": "Docker",
    "plugin": "Plugins",
    "deep": "Deep",
    "task": "Task",
}

# What a subject is called on the screen, where that is another word that can be typed.
_ALIASES = {"platform": "system"}
_MOST_BROKEN = 5  # of a screen


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What was asked for: ``only`` and ``skip`` are ids or subjects, empty for all and none."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    is_deep: bool = False
    is_network: bool = False
    is_elsewhere: bool = False

    def wants(self, check_id: str) -> bool:
        """Tell whether a check was asked for, whatever it costs."""
        names = names_of(check_id)
        return (not self.only or bool(names & {*self.only})) and not names & {*self.skip}

    @property
    def names(self) -> tuple[str, ...]:
        """Return all ids and subjects that were named."""
        return (*self.only, *self.skip)


def subject_of(check_id: str) -> str:
    """Return ``gpu`` for ``gpu.driver-old``."""
    return check_id.partition(".")[0]


def names_of(check_id: str) -> set[str]:
    """Return all that a check can be asked for by: ``{"platform.libc", "platform", "system"}``."""
    subject = subject_of(check_id)
    return {check_id, subject, _ALIASES.get(subject, subject)}


def split_names(given: Iterable[str]) -> tuple[str, ...]:
    """Return the names in options that can be repeated and hold several, behind commas."""
    return tuple(name for words in given for word in words.split(",") if (name := word.strip().lower()))


def check_names(names: Iterable[str], *, known: Collection[str], broken: Sequence[PluginState] = ()) -> None:
    """Check that there are such checks; ``broken`` are extensions whose own are not among the ``known``.

    Raises: UsageError with the nearest name, and with what keeps those extensions from bringing theirs.
    """
    choices = set().union(*map(names_of, known))
    for name in names:
        if name not in choices:
            near = difflib.get_close_matches(name, sorted(choices), n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                f"there is no check and no subject {name!r}{_broken_text(broken)}",
                hint=f"{meant}All of them: envkit doctor --list",
            )


def _broken_text(broken: Sequence[PluginState]) -> str:
    """Return who may declare a check that is not there; empty where all extensions bring theirs."""
    if not broken:
        return ""
    who = "this extension, which may declare it, does"
    if len(broken) > 1:
        who = "these extensions, which may declare it, do"
    lines = [f"{each.plugin} {each.version}, {each.state}: {each.problem}" for each in broken[:_MOST_BROKEN]]
    if len(broken) > _MOST_BROKEN:
        lines.append(f"and {len(broken) - _MOST_BROKEN} more: envkit plugin list")
    return "".join([f", but {who} not bring all checks:", *(f"\n  {line}" for line in lines)])


def select_checks(checks: Sequence[Check], selection: Selection) -> tuple[Check, ...]:
    """Return the checks to run. One that was named and cannot be run here is one that says why."""
    chosen = []
    for check in checks:
        if not selection.wants(check.id):
            continue
        obstacle = _obstacle(check, selection)
        if obstacle is None:
            chosen.append(check)
        elif _is_named(check, selection) or selection.is_elsewhere:
            chosen.append(replace(check, run=_say(obstacle), needs=(), cost="light"))
    return tuple(chosen)


def _is_named(check: Check, selection: Selection) -> bool:
    return bool(names_of(check.id) & {*selection.only})


def _obstacle(check: Check, selection: Selection) -> str | None:
    if selection.is_elsewhere:
        if check.cost == "slow":
            return "not judged: it computes, which facts of another machine cannot"
        if "plugins" in check.needs:
            return "not judged: it is about the plugins of a machine itself, not its facts"
        return None
    if check.cost == "slow" and not selection.is_deep:
        return "not run: it takes its time, which --deep gives"
    if check.network and not selection.is_network:
        return "not run: it asks the network, which --network allows"
    return None


def _say(obstacle: str) -> Callable[[CheckContext], Iterator[Finding]]:
    def run(context: CheckContext) -> Iterator[Finding]:
        yield Finding(severity="skip", summary=obstacle)

    return run
