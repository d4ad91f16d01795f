"""Write a checkpoint so that it is there whole or not at all, whenever the writer or the machine dies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from envkit.checkpoints.layout import (
    MANIFEST_FILE,
    FileRecord,
    Kind,
    MadeBy,
    Manifest,
    checkpoint_dir,
    encode_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def write_checkpoint(
    run_dir: Path,
    kind: Kind,
    step: int,
    *,
    write_files: Callable[[Path], None],
    made_by: MadeBy,
    best_step: int | None = None,
) -> Path:
    """Write the checkpoint after ``step`` steps and return its folder; one that is there is replaced.

    ``write_files`` is given a new, empty folder and writes files into it, none in a folder of its own and none
    named ``manifest.json``; they need not be flushed. ``best_step`` names the ``best`` checkpoint, already
    written, that this ``step`` checkpoint stands on. Whatever a killed writer left is removed first: the
    caller holds the run's lock, so that no other writer lives. Raises: OSError, and what ``write_files``
    raises; the folder then has no trace of this checkpoint.
    """
    target = checkpoint_dir(run_dir, kind, step)
    target.parent.mkdir(exist_ok=True)
    remove_leftovers(target.parent)
    draft = target.with_name(f".writing-{target.name}")
    draft.mkdir()
    try:
        write_files(draft)
        manifest = Manifest(
            kind=kind, step=step, files=_flush_files(draft), best_step=best_step, made_by=made_by
        )
        _write_flushed(draft / MANIFEST_FILE, encode_manifest(manifest))
        flush_folder(draft)
        with _moved_aside(target):
            draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    flush_folder(target.parent)
    return target


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left: everything hidden in the folder of checkpoints. Raises: OSError."""
    for left in list(folder.iterdir()):
        if not left.name.startswith("."):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def remove_folder(folder: Path) -> None:
    """Remove a checkpoint so that half of it is never seen. Raises: OSError."""
    hidden = folder.with_name(f".removed-{folder.name}")
    folder.rename(hidden)
    shutil.rmtree(hidden)


def hash_file(file: Path) -> str:
    """Return the SHA-256 of the file in hexadecimal. Raises: OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def flush_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_files(folder: Path) -> tuple[FileRecord, ...]:
    files = sorted(folder.iterdir())
    for file in files:
        if file.name == MANIFEST_FILE or file.is_symlink() or not file.is_file():
            raise ValueError(f"a checkpoint is made of plain files besides its manifest; {file.name} is none")
    # A file is hashed out of the page cache while the disk takes it: both leave Python's lock alone, and
    # together they cost as much as the slower one (a 23M-parameter model: 270 MB, 0.2 s, most of it SHA-256).
    with ThreadPoolExecutor(1, thread_name_prefix="envkit-flush") as pool:
        flushed = [pool.submit(_flush, file) for file in files]
        records = tuple(
            FileRecord(name=file.name, size=file.stat().st_size, sha256=hash_file(file)) for file in files
        )
        for one in flushed:
            one.result()
    return records


def _flush(file: Path) -> None:
    with file.open(
        "rb+"
    ) as stream:  # what another handle wrote is flushed too; some systems want it writable
        os.fsync(stream.fileno())


def _write_flushed(file: Path, content: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


@contextlib.contextmanager
def _moved_aside(target: Path) -> Iterator[None]:
    """Make way for another checkpoint of this name; the one that was there comes back where that fails."""
    aside = target.with_name(f".replaced-{target.name}")
    try:
        target.rename(aside)
    except FileNotFoundError:
        yield
        return
    try:
        yield
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside)
