"""Where a run that is resumed goes on: at its newest sound checkpoint, if nothing has changed since."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.errors import ResumeRefused
from envkit.checkpoints import differences, newest_sound, read_manifest
from envkit.checkpoints.settle import settle_changes

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.checkpoints import MadeBy


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where a worker begins: ``from_step`` is None in a new run, 0 in one resumed without a checkpoint.

    ``warnings`` are for the user, once the worker's account is open.
    """

    from_step: int | None = None
    checkpoint: Path | None = None
    is_forced: bool = False
    warnings: tuple[str, ...] = ()


ANEW = Beginning()


def find_beginning(run_dir: Path, now: MadeBy, *, is_forced: bool) -> Beginning:
    """Return where to go on with the run, which ``now`` describes as it would go on.

    A damaged checkpoint is warned of, and so is what was overridden. Raises: ResumeRefused where something
    has changed since the checkpoint, or there are checkpoints but none can be used, and the run is not forced.
    """
    checkpoint, damaged = newest_sound(run_dir)
    warnings = [
        f"The checkpoint of step {damage.checkpoint.step} is damaged and not used: {damage.problem}"
        for damage in damaged
    ]
    if checkpoint is None and damaged and not is_forced:
        problems = "".join(f"\n  {damage.problem}" for damage in damaged)
        raise ResumeRefused(
            f"none of the run's checkpoints can be used:{problems}",
            hint="Mend what can be mended; or go on without the best state so far, if only that is damaged, else "
            "start over: "
            f"envkit runs resume {shlex.quote(str(run_dir))} --force",
        )
    if checkpoint is None and damaged:
        checkpoint, _ = newest_sound(run_dir, needs_best=False)
    if checkpoint is None:
        return Beginning(from_step=0, is_forced=is_forced, warnings=tuple(warnings))
    changes = differences(read_manifest(checkpoint.path).made_by, now)
    overridden = settle_changes(changes, run_dir=run_dir, is_forced=is_forced)
    return Beginning(
        from_step=checkpoint.step,
        checkpoint=checkpoint.path,
        is_forced=is_forced,
        warnings=tuple(warnings if overridden is None else [*warnings, overridden]),
    )
