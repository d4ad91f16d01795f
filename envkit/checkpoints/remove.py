"""Remove checkpoints that no run will go on from."""

from __future__ import annotations

import contextlib
import re
import shutil
from typing import TYPE_CHECKING

from envkit.api import EnvkitError
from envkit.checkpoints.find import check_checkpoint
from envkit.checkpoints.layout import CHECKPOINTS_DIR, Checkpoint, list_checkpoints, read_manifest
from envkit.checkpoints.write import remove_folder, remove_leftovers

if TYPE_CHECKING:
    from pathlib import Path

# The names that ``write_checkpoint`` and ``remove_folder`` give to what is half there.
_LEFTOVER = re.compile(r"\.(writing|removed|replaced)-(step|best)-\d{8,}")


def prune(run_dir: Path, *, keep: int = 2) -> None:
    """Remove the ``step`` checkpoints before the last ``keep`` that look sound, and what only they needed.

    The best that a remaining one stands on stays, and so does the last best. What looks damaged counts for
    nothing and goes with its age. Raises: OSError.
    """
    checkpoints = _list_clean(run_dir)
    steps = [checkpoint for checkpoint in checkpoints if checkpoint.kind == "step"]
    sound = [step for step in steps if check_checkpoint(step.path, is_quick=True) is None]
    if len(sound) >= keep:
        first_kept = sound[-keep].step
        _remove([step for step in steps if step.step < first_kept])
        steps = [step for step in steps if step.step >= first_kept]
    bests = [checkpoint for checkpoint in checkpoints if checkpoint.kind == "best"]
    needed = {best.step for best in bests[-1:]} | {_best_step(step) for step in steps}
    _remove([best for best in bests if best.step not in needed])


def discard_after(run_dir: Path, step: int) -> None:
    """Remove all checkpoints after this step, and leftovers: the run goes on from here, another way perhaps.

    With step -1 it removes all there are. Raises: OSError.
    """
    checkpoints = _list_clean(run_dir)
    # Newest first: were this cut off, each that is left would still have the best that it stands on.
    _remove([checkpoint for checkpoint in reversed(checkpoints) if checkpoint.step > step])


def list_removable(run_dir: Path) -> list[Path]:
    """Return the folders of the run's checkpoints, earliest first, and what a killed writer left of others.

    Folders that are no checkpoint's, and links, are not among them: they are somebody else's.
    """
    folder = run_dir / CHECKPOINTS_DIR
    left = sorted(folder.glob(".*")) if folder.is_dir() else []
    paths = [checkpoint.path for checkpoint in list_checkpoints(run_dir)]
    paths += [path for path in left if _LEFTOVER.fullmatch(path.name)]
    return [path for path in paths if path.is_dir() and not path.is_symlink()]


def remove_all(run_dir: Path) -> None:
    """Remove all checkpoints and what is left of others, and their folder once it is empty. Raises: OSError.

    The caller holds the run's lock.
    """
    for path in reversed(list_removable(run_dir)):  # newest first, as discard_after
        if path.name.startswith("."):
            shutil.rmtree(path)
        else:
            remove_folder(path)
    folder = run_dir / CHECKPOINTS_DIR
    if not folder.is_symlink():
        with contextlib.suppress(OSError):  # something else is in it
            folder.rmdir()


def _list_clean(run_dir: Path) -> list[Checkpoint]:
    folder = run_dir / CHECKPOINTS_DIR
    if folder.exists():
        remove_leftovers(folder)
    return list_checkpoints(run_dir)


def _best_step(checkpoint: Checkpoint) -> int | None:
    try:
        return read_manifest(checkpoint.path).best_step
    except EnvkitError:
        return None


def _remove(checkpoints: list[Checkpoint]) -> None:
    for checkpoint in checkpoints:
        remove_folder(checkpoint.path)
