"""The trackers there are, and what each needs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Protocol

from envkit.api import UsageError
from envkit.runs.folder import RUNS_DIR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from envkit.api.events import AnyEvent
    from envkit.worker.folder import RunFolder


class Tracker(Protocol):
    """Where events go. Whatever it raises ends the tracker, never the run."""

    def event(self, event: AnyEvent) -> None:
        """Take the next event of the run; steps that were done again come once."""

    def close(self) -> None:
        """Take the end of the run from its folder, and write out what is held back."""


@dataclass(frozen=True, kw_only=True)
class OpenedBy:
    """What a tracker is opened with.

    ``say`` shows a line to the user; ``patience`` is for how many seconds ``close`` may send what is left,
    None for as long as it takes.
    """

    folder: RunFolder
    say: Callable[[str], None]
    patience: float | None = None


@dataclass(frozen=True, kw_only=True)
class TrackerKind:
    """A tracker by name: the distribution that it writes with, which the extra of the same name installs."""

    name: str
    title: str
    distribution: str


TRACKERS = {
    kind.name: kind
    for kind in (
        TrackerKind(name="tensorboard", title="TensorBoard", distribution="tensorboard"),
        TrackerKind(name="wandb", title="Weights & Biases", distribution="wandb"),
    )
}


def chosen_trackers(flags: Iterable[str], *, default: Iterable[str] = ()) -> tuple[str, ...]:
    """Return each tracker once: those of the flags, else the default ones. ``none`` stands for no tracker."""
    return tuple(dict.fromkeys(name for name in tuple(flags) or default if name != "none"))


def track_command(folder: RunFolder, name: str) -> str:
    """Return the command that shows the run in this tracker once more, to be pasted where the host stands."""
    is_in_place = folder.path.parent == RUNS_DIR.absolute()
    return (
        f"envkit runs track {shlex.quote(folder.path.name if is_in_place else str(folder.path))} --to {name}"
    )


def trackers_of(folder: RunFolder) -> tuple[str, ...]:
    """Return the trackers that the run has been shown in: each keeps something in a folder of its name."""
    return tuple(name for name in TRACKERS if (folder.path / name).is_dir())


def check_trackers(names: Iterable[str]) -> None:
    """Refuse what is not installed, without importing any of it. Raises: UsageError."""
    for name in names:
        kind = TRACKERS[name]
        try:
            # Not find_spec: Weights & Biases leaves a folder `wandb` where it was used, which looks like it.
            version(kind.distribution)
        except PackageNotFoundError:
            from envkit.owner import install_command  # for an error alone

            raise UsageError(
                f"the tracker {name} needs the package {kind.distribution}, which is not installed here",
                hint=f"Install it: {install_command(f'envkit-ml[{name}]')}",
            ) from None


def open_tracker(name: str, opened_by: OpenedBy) -> Tracker:
    """Import the tracker's library and open it for this run. Raises: UsageError where it is missing."""
    check_trackers([name])
    module = import_module(f"envkit.runs.trackers.{name}")
    tracker: Tracker = module.open(opened_by)
    return tracker
