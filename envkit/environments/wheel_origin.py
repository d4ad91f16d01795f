"""Whether what is installed came from a wheel as it is now: one may be built anew under its old name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.utils import canonicalize_name

from envkit.environments.prefixes import libraries_of
from envkit.environments.spec_words import parse_requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_EXTRAS = re.compile(r"\[[^\]]*\]$")


class _Timestamp(msgspec.Struct, frozen=True):
    secs_since_epoch: int = -1
    nanos_since_epoch: int = 0


class _UvCache(msgspec.Struct, frozen=True):
    """``uv_cache.json``, which uv writes beside what it installed from this machine. Source: uv 0.13.9."""

    timestamp: _Timestamp | None = None


def find_rebuilt(prefix: Path, requirements: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield name and file of each wheel that a requirement names by its path, where another one is installed."""
    wheels = [wheel for wheel in map(_wheel_of, requirements) if wheel is not None and wheel.is_file()]
    infos = _infos(prefix) if wheels else {}
    for wheel in wheels:
        name = canonicalize_name(wheel.name.partition("-")[0])
        info = infos.get(name)
        if info is not None and not is_from(wheel, info):
            yield name, wheel


def _wheel_of(text: str) -> Path | None:
    """Return the wheel on this machine that a requirement names, by a path or an address; None for any other."""
    requirement = parse_requirement(text)
    place = text if requirement is None or requirement.url is None else requirement.url
    if place.startswith("file:"):
        place = unquote(urlsplit(place).path)
    path = Path(_EXTRAS.sub("", place))
    return path if path.suffix == ".whl" and path.is_absolute() else None


def _infos(prefix: Path) -> dict[str, Path]:
    """Return the .dist-info folders of an environment, by canonical name."""
    found = (info for library in libraries_of(prefix) for info in Path(library).glob("*.dist-info"))
    return {canonicalize_name(info.name.partition("-")[0]): info for info in found}


def is_from(wheel: Path, info: Path) -> bool:
    """Tell whether what is installed is this wheel: by uv's note of when it was written, else by its content."""
    try:
        noted = msgspec.json.decode((info / "uv_cache.json").read_bytes(), type=_UvCache).timestamp
        if noted is not None:
            written = divmod(os.stat(wheel).st_ctime_ns, 10**9)  # noqa: PTH116
            if (noted.secs_since_epoch, noted.nanos_since_epoch) == written:
                return True
    except (OSError, msgspec.DecodeError):
        pass
    import zipfile  # the note says it mostly

    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = archive.read(f"{info.name}/RECORD").decode("utf-8")
        return set(_contents(inside)) == set(_contents((info / "RECORD").read_text(encoding="utf-8")))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False


def _contents(record: str) -> Iterator[tuple[str, str]]:
    """Yield files and their hashes, without those that installers write or change."""
    import csv
    import io

    for row in csv.reader(io.StringIO(record)):
        folder = row[0].partition("/")[0] if row else ""
        if folder and folder != ".." and not folder.endswith((".dist-info", ".data")):
            yield row[0], row[1] if len(row) > 1 else ""
