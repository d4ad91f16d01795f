"""Find the newest checkpoint that a run can go on from, and say what is wrong with those after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import EnvkitError
from envkit.checkpoints.layout import (
    Checkpoint,
    FileRecord,
    checkpoint_dir,
    list_checkpoints,
    read_manifest,
)
from envkit.checkpoints.write import hash_file

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A checkpoint that cannot be used; ``problem`` says why and names the file."""

    checkpoint: Checkpoint
    problem: str


def newest_sound(run_dir: Path, *, needs_best: bool = True) -> tuple[Checkpoint | None, tuple[Damage, ...]]:
    """Return the newest whole ``step`` checkpoint, None if there is none, and the damaged ones after it.

    Newest first. Reads every byte of them, and of the ``best`` checkpoints that they stand on, unless these
    are not needed.
    """
    damaged: list[Damage] = []
    for checkpoint in reversed(list_checkpoints(run_dir)):
        if checkpoint.kind == "step":
            problem = check_checkpoint(checkpoint.path, needs_best=needs_best)
            if problem is None:
                return checkpoint, tuple(damaged)
            damaged.append(Damage(checkpoint=checkpoint, problem=problem))
    return None, tuple(damaged)


def check_checkpoint(path: Path, *, is_quick: bool = False, needs_best: bool = True) -> str | None:
    """Return what is wrong with the checkpoint in this folder, None if every byte is as it was written.

    A ``step`` checkpoint is as sound as the ``best`` one that it stands on, if that is needed. ``is_quick``
    looks at the sizes of files only, not into them.
    """
    try:
        manifest = read_manifest(path)
    except EnvkitError as error:
        return error.message
    expected = checkpoint_dir(path.parent.parent, manifest.kind, manifest.step)
    if path.name != expected.name:
        return f"{path} holds what belongs to {expected.name}"
    for record in manifest.files:
        problem = _check_file(path, record, is_quick=is_quick)
        if problem is not None:
            return problem
    if needs_best and manifest.kind == "step" and manifest.best_step is not None:
        best = checkpoint_dir(path.parent.parent, "best", manifest.best_step)
        return check_checkpoint(best, is_quick=is_quick)
    return None


def _check_file(folder: Path, record: FileRecord, *, is_quick: bool) -> str | None:
    file = folder / record.name
    try:
        size = file.stat().st_size
        if size != record.size:
            return f"{file} has {size} bytes, and {record.size} were written"
        if not is_quick and hash_file(file) != record.sha256:
            return f"{file} is damaged: its SHA-256 is not that of what was written"
    except FileNotFoundError:
        return f"{file} is missing"
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    return None
