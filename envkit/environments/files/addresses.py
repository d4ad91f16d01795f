"""Requirements that name a place instead of a version: folders, archives, addresses and repositories."""

from __future__ import annotations

import os.path
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from envkit.masking import has_secret_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.IGNORECASE)
_EXTRAS = re.compile(r"(.+?)(\[[^\[\]]*\])$")
_USER = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@]*@", re.IGNORECASE)
_MARKER = re.compile(r"\s;|;\s")
_EGG = re.compile(r"(?:^|&)egg=([A-Za-z0-9._-]+)")
_SUBDIRECTORY = re.compile(r"(?:^|&)subdirectory=([^&]+)")


def is_place(text: str, *, folder: Path | None = None) -> bool:
    """Tell whether a requirement without a name is a path or an address, as installers take it.

    With ``folder`` what lies there by a name with a slash in it is a path too.
    """
    place = text.split(";")[0].strip()
    if _SCHEME.match(place) and " @ " not in place and "://" in place:
        return True
    place = _EXTRAS.sub(r"\1", place)
    if place.startswith((".", "/", "~/", "file:")):
        return True
    if "@" in place:
        return False
    is_named = folder is not None and "/" in place and is_there(folder / place)
    return is_named or (bool(_ARCHIVE.search(place)) and " " not in place)


def stand_alone_place(text: str, *, folder: Path) -> str:
    """Return ``NAME[extras] @ ADDRESS`` for a path or an address, the address alone where no name can be told.

    Paths are taken from the folder and become absolute.
    """
    place, marker = split_marker(text)
    place, extras = split_extras(place)
    address = absolute_address(place, folder=folder)
    name = _name_of(address)
    named = f"{name}{extras} @ {address}" if name else f"{address}{extras}"
    return f"{named} ; {marker}" if marker else named


def absolute_editable(text: str, *, folder: Path) -> str:
    """Return what stands after ``-e``, its path made absolute; addresses stay as they are."""
    place, extras = split_extras(text)
    address = absolute_address(place, folder=folder)
    path = local_path(address)
    if path is None:
        return text
    subdirectory = _SUBDIRECTORY.search(urlsplit(address).fragment)
    return f"{path / unquote(subdirectory[1]) if subdirectory else path}{extras}"


def split_marker(text: str) -> tuple[str, str]:
    """Return a place and the marker behind it, empty where there is none."""
    if "://" not in text:
        place, _, marker = text.partition(";")
    else:  # a semicolon may be a part of an address
        place, marker = (*_MARKER.split(text, maxsplit=1), "")[:2]
    return place.strip(), marker.strip()


def split_extras(text: str) -> tuple[str, str]:
    """Return a place and the ``[extras]`` behind it."""
    found = _EXTRAS.match(text.strip())
    return (found[1], found[2]) if found else (text.strip(), "")


def absolute_address(place: str, *, folder: Path) -> str:
    """Return an address as it is, and a path as an absolute ``file://`` address."""
    scheme, _, rest = place.partition(":")
    fragment = ""
    if scheme == "file" and not rest.startswith("//"):
        rest, mark, after = rest.partition("#")
        place, fragment = unquote(rest), mark + after
    elif _SCHEME.match(place):
        return place
    path = os.path.normpath(folder.absolute() / Path(place).expanduser())
    return f"file://{quote(path, safe='/+~')}{fragment}"


def is_there(path: Path) -> bool:
    """Tell whether there is such a file or folder; a name that no file can have is of none."""
    try:
        return path.exists()
    except OSError:  # too long, or in a folder that may not be read
        return False


def local_path(address: str) -> Path | None:
    """Return the path of a ``file://`` address, None for any other."""
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def editable_folders(packages: Iterable[str]) -> frozenset[Path]:
    """Return the folders that are asked for with ``-e``, by a path or an address, with a name before it or without."""
    asked = (split_extras(text.removeprefix("-e "))[0] for text in packages if text.startswith("-e "))
    places = (place.rpartition(" @ ")[2] for place in asked)
    return frozenset((local_path(place) or Path(place)).resolve() for place in places)


def has_secret(address: str) -> bool:
    """Tell whether an address holds a password or a token; the user name of ``ssh`` is none."""
    if has_secret_parameter(address):
        return True
    found = re.search(r"([a-z][a-z0-9+.-]*)://([^/@\s]*)@", address, re.IGNORECASE)
    if found is None or "${" in found[2]:  # a variable is no secret: its value is
        return False
    return ":" in found[2] or not found[1].lower().endswith("ssh")


def public(text: str) -> str:
    """Return an address without user name and password; the user of ``ssh`` stays, for none works without."""
    return _USER.sub(_unless_ssh, text)


def _unless_ssh(found: re.Match[str]) -> str:
    is_user_alone = found[1].lower().endswith("ssh://") and ":" not in found[0][len(found[1]) :]
    return found[0] if is_user_alone else found[1]


def _name_of(address: str) -> str | None:
    parts = urlsplit(address)
    if found := _EGG.search(parts.fragment):
        return str(canonicalize_name(found[1]))
    file_name = unquote(parts.path.rstrip("/").rsplit("/", 1)[-1])
    try:
        if file_name.endswith(".whl"):
            return str(parse_wheel_filename(file_name)[0])
        if file_name.endswith((".tar.gz", ".zip")) and "+" not in parts.scheme:
            return str(parse_sdist_filename(file_name)[0])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    path = local_path(address)
    return _project_name(path / "pyproject.toml") if path else None


def _project_name(file: Path) -> str | None:
    try:
        name = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(canonicalize_name(name)) if isinstance(name, str) else None
