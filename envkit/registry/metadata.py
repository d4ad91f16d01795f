"""What an installed distribution says of itself, read as fast as may be and whatever state it is in.

importlib.metadata parses a whole README to give a summary, and raises where a file is damaged: of a plugin that
nobody asked for, neither may cost another command anything.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution

_LONGEST_SUMMARY = 200
_FILES = ("METADATA", "PKG-INFO")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # the form of a distribution's name
_FOLDER = re.compile(r"(?P<name>.+?)(-(?P<version>[^-]+))?(-py[\d.]+)?\.(dist|egg)-info")
_TRACKER_LABELS = ("issues", "bugtracker", "bugreports", "tracker")


@dataclass(frozen=True, kw_only=True)
class Headers:
    """The fields of a distribution's metadata that envkit shows; ``fault`` says what is wrong with them.

    Name and version are those of the folder where the metadata have none, so that it can be named at all.
    """

    name: str
    version: str
    summary: str = ""
    requires_python: str = ""
    tracker: str | None = None
    fault: str | None = None


def read_headers(dist: Distribution) -> Headers:
    """Return the metadata of a distribution. Never raises."""
    folder_name, folder_version = _names_of_folder(dist)
    text, fault = _text_of(dist)
    fields: dict[str, list[str]] = {}
    for key, value in _header_lines(text):
        fields.setdefault(key.lower(), []).append(printable(value))
    name, version = _first(fields, "name"), _first(fields, "version")
    if not fault and not _NAME.fullmatch(name):
        fault = f"its metadata name it {name!r}" if name else "its metadata have no name"
    elif not fault and not version:
        fault = "its metadata have no version"
    return Headers(
        name=name if _NAME.fullmatch(name) else folder_name,
        version=version or folder_version,
        summary=shorten(_first(fields, "summary")),
        requires_python=_first(fields, "requires-python"),
        tracker=_tracker(fields.get("project-url", [])),
        fault=fault,
    )


def read_fields(dist: Distribution, name: str) -> list[str]:
    """Return all values of a field of the metadata, such as ``Requires-Dist``. Never raises."""
    text, _ = _text_of(dist)
    return [value for key, value in _header_lines(text) if key.lower() == name.lower()]


def read_text(dist: Distribution, file: str) -> str | None:
    """Return a file of a distribution's metadata, None where there is none or it cannot be read."""
    try:
        return dist.read_text(file)
    except UnicodeDecodeError as error:
        return bytes(error.object).decode("utf-8", "replace")
    except OSError:
        return None


def source_folder(dist: Distribution) -> Path | None:
    """Return the folder whose code an editable install uses where it lies, None for any other. Never raises."""
    text = read_text(dist, "direct_url.json")
    if not text:
        return None
    try:
        origin = json.loads(text)
        is_editable = origin.get("dir_info", {}).get("editable") is True
        address = urlsplit(origin.get("url", ""))
    except (ValueError, AttributeError):
        return None
    folder = Path(unquote(address.path))
    return folder if is_editable and address.scheme == "file" and folder.is_dir() else None


def printable(text: str) -> str:
    """Return a text in one line without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def shorten(text: str) -> str:
    """Return a text that is no longer than a summary may be."""
    return text if len(text) <= _LONGEST_SUMMARY else text[: _LONGEST_SUMMARY - 1].rstrip() + "…"


def canonical(distribution: str) -> str:
    """Return a distribution's name in the one form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _text_of(dist: Distribution) -> tuple[str, str | None]:
    for file in _FILES:
        text = read_text(dist, file)
        if text:
            return text, "its metadata are not UTF-8" if "\ufffd" in text else None
    return "", "its metadata are missing"


def _header_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields above the first empty line; a line that begins with a space goes on with the one before."""
    key, value = "", ""
    for line in text.splitlines():
        if not line.strip():
            break
        if line[0] in " \t":
            value = f"{value} {line.strip()}"
            continue
        if key:
            yield key, value
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
    if key:
        yield key, value


def _first(fields: dict[str, list[str]], key: str) -> str:
    values = fields.get(key)
    return values[0] if values else ""


def _tracker(project_urls: list[str]) -> str | None:
    """Return the address where the author wants to hear of faults, if the metadata give one."""
    for line in project_urls:
        label, _, address = line.partition(",")
        if re.sub(r"[\s_-]", "", label).lower() in _TRACKER_LABELS:
            return shorten(address.strip()) or None
    return None


def _names_of_folder(dist: Distribution) -> tuple[str, str]:
    # Where it lies is no public part of a distribution; only one without metadata is asked for it.
    folder = getattr(getattr(dist, "_path", None), "name", "")
    found = _FOLDER.fullmatch(folder)
    if found is None:
        return printable(folder) or "unknown", "unknown"
    return canonical(printable(found["name"])), printable(found["version"] or "unknown")
