"""Settle what has changed since a checkpoint: refuse to go on, or go on and say with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.checkpoints.made_by import changed_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def settle_changes(changes: Sequence[str], *, run_dir: Path, is_forced: bool) -> str | None:
    """Return the warning that a forced run owes its user, None where nothing has changed.

    The worker has settled options, data, packages and Python before a loop begins: a loop compares what it
    alone knows, ``differences(then, msgspec.structs.replace(then, threads=…, device=…))``, and warns with what
    this returns. Raises: ResumeRefused, with a line for each change, where the run is not forced.
    """
    if not changes:
        return None
    if not is_forced:
        raise changed_error(changes, run_dir=run_dir)
    return "Going on with --force, and so to another result than without the break: " + "; ".join(changes)
