"""What a file asks for, whichever format it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envkit.api.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.records import WheelPackage


@dataclass(frozen=True)
class Place:
    """Where a package is asked for, by its canonical name; lines count from 1.

    ``text`` is what is asked for there, as it stands among the packages; empty for what is no requirement.
    """

    name: str
    file: Path
    line: int
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class FileRequest:
    """What a file asks an environment to have; all of it stays true when the file is gone.

    ``python`` is a version or a range, ``packages`` are requirements, ``base_packages`` in the backend's
    language. ``constraints`` are pins as an installer reads them, with ``--hash`` where the file has hashes.
    ``wheels`` are exact files for one Python on this machine: where there are any, ``packages`` and
    ``constraints`` say the same of them for later changes; ``is_of_here`` tells that what is asked for was chosen
    for this machine. ``notes`` are sentences for the user: what of the
    file is not taken, and why. ``places`` say where packages are asked for, to be named in errors; they are
    no part of what is asked.
    """

    python: str = ""
    packages: tuple[str, ...] = ()
    base_packages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    wheels: tuple[WheelPackage, ...] = ()
    constraints: tuple[str, ...] = ()
    is_of_here: bool = False
    name: str = ""
    notes: tuple[str, ...] = ()
    places: tuple[Place, ...] = field(default=(), compare=False)


def file_error(message: str, *, file: Path, line: int | None = None, hint: str | None = None) -> ConfigError:
    """Return the error of a file, with its place before the message; lines count from 1."""
    place = f"{file}: " if line is None else f"{file}:{line}: "
    return ConfigError(place + message, hint=hint)


def read_text(file: Path) -> str:
    """Return the file's text, a byte order mark taken off. Raises: ConfigError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise file_error(f"cannot be read: {error.strerror}", file=file) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise file_error(
            "is not UTF-8 text", file=file, line=line, hint=f"iconv -t UTF-8 {file} > utf8-{file.name}"
        ) from error
