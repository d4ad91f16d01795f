"""When an image was last used: an engine forgets it with the container, so that envkit makes a note of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def note_use(home: Path, image_id: str) -> None:
    """Note that an image is used now. Raises: OSError."""
    mark = _mark(home, image_id)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def last_noted(home: Path, image_id: str) -> float:
    """Return when a use was last noted, in seconds since the epoch; 0 where none was."""
    try:
        return _mark(home, image_id).stat().st_mtime
    except OSError:
        return 0.0


def forget_use(home: Path, image_id: str) -> None:
    """Remove the note of an image that is gone. Raises: OSError."""
    _mark(home, image_id).unlink(missing_ok=True)


def _mark(home: Path, image_id: str) -> Path:
    return home / "images" / f"{image_id.removeprefix('sha256:')}.used"
