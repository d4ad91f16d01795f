"""Write a folder whole or not at all: beside its place, then renamed to it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from envkit.api import EnvkitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_free(folder: Path) -> None:
    """Raise UsageError where something is at this place already."""
    if folder.exists() or folder.is_symlink():
        raise UsageError(
            f"there is something at {folder} already, and it stays as it is",
            hint="Name another place: --dir FOLDER",
        )


def write_folder(folder: Path, files: Mapping[Path, bytes]) -> None:
    """Make ``folder``, which must not be there, of these files by their paths in it.

    Raises: UsageError where something is there already, EnvkitError where it cannot be written.
    """
    check_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
            whole = Path(beside) / "whole"  # made by mkdir, with the permissions of any new folder
            for name, content in files.items():
                (whole / name).parent.mkdir(parents=True, exist_ok=True)
                (whole / name).write_bytes(content)
            whole.rename(folder)  # refused by the system if something has come to be there
    except OSError as error:
        raise EnvkitError(
            f"the folder {folder} cannot be written: {error.strerror or error}",
            hint="Name another place: --dir FOLDER",
        ) from error
