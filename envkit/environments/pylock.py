"""Read what uv resolved: of each package the one file that fits.

Source: PyPA specifications, "pylock.toml Specification", and the files that uv 0.13.9 writes.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
from packaging.utils import InvalidName, InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envkit.environments.records import WheelPackage
from envkit.masking import has_secret_parameter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from packaging.tags import Tag


class _File(msgspec.Struct, frozen=True):
    """A wheel, an sdist or an archive."""

    url: str = ""
    path: str = ""
    size: int | None = None
    hashes: dict[str, str] = {}


class _Vcs(msgspec.Struct, frozen=True, rename="kebab"):
    type: str = "git"
    url: str = ""
    path: str = ""
    commit_id: str = ""


class _Package(msgspec.Struct, frozen=True):
    name: str
    version: str = ""
    wheels: tuple[_File, ...] = ()
    sdist: _File | None = None
    archive: _File | None = None
    directory: _File | None = None
    vcs: _Vcs | None = None


class _Lock(msgspec.Struct, frozen=True):
    packages: tuple[_Package, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the files are chosen for: wheel tags, the best first, and the folders that find-links names."""

    tags: Sequence[Tag]
    find_links: Collection[Path] = ()


def read_resolution(text: str, *, target: Target, folder: Path) -> tuple[WheelPackage, ...]:
    """Return the packages of a pylock.toml that lies in ``folder``, by name, each with the file that fits."""
    lock = msgspec.convert(tomllib.loads(text), _Lock)
    return tuple(sorted((_read(each, target, folder) for each in lock.packages), key=lambda p: p.name))


def write_preferences(versions: Mapping[str, str]) -> str:
    """Return a pylock.toml from which uv takes versions that it prefers; no more than that stands in it.

    What uv could not read, such as the version of a package put there by hand, is left out.
    """
    readable = (name for name in sorted(versions) if _is_readable(name, versions[name]))
    tables = [f'[[packages]]\nname = "{name}"\nversion = "{versions[name]}"\n' for name in readable]
    return "\n".join(['lock-version = "1.0"\ncreated-by = "envkit"\n', *(tables or ["packages = []\n"])])


def _is_readable(name: str, version: str) -> bool:
    try:
        Version(version)
        return canonicalize_name(name, validate=True) == name
    except (InvalidVersion, InvalidName):
        return False


def write_exact(packages: Iterable[WheelPackage]) -> str:
    """Return a pylock.toml of just these files, each with its address and its hash."""
    return "\n".join(['lock-version = "1.0"\ncreated-by = "envkit"\n', *map(_exact, packages)])


def _exact(package: WheelPackage) -> str:
    size = "" if package.size is None else f"size = {package.size}, "
    address = json.dumps(package.url, ensure_ascii=False)
    file = f'{{ url = {address}, {size}hashes = {{ sha256 = "{package.sha256}" }} }}'
    is_wheel = urlsplit(package.url).path.endswith(".whl")
    line = f"wheels = [{file}]" if is_wheel else f"sdist = {file}"
    return f'[[packages]]\nname = "{package.name}"\nversion = "{package.version}"\n{line}\n'


def public_url(address: str) -> str:
    """Return an address without user name, password, and a query that holds a pass."""
    parts = urlsplit(address)
    query = "" if has_secret_parameter(address) else parts.query
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))


def _read(package: _Package, target: Target, folder: Path) -> WheelPackage:
    common: dict[str, Any] = {"name": str(canonicalize_name(package.name)), "version": package.version}
    if package.vcs is not None:
        where = package.vcs.url or Path(folder, package.vcs.path).as_uri()
        address = f"{package.vcs.type}+{public_url(where)}@{package.vcs.commit_id}"
        return WheelPackage(**common, url=address, source="direct")
    if package.directory is not None:
        return WheelPackage(**common, url=Path(folder, package.directory.path).as_uri(), source="direct")
    if package.archive is not None:
        return WheelPackage(**common, **_of_file(package.archive, folder), source="direct")
    chosen = _choose(package.wheels, target.tags) or package.sdist
    if chosen is None:
        return WheelPackage(**common, source="index")
    file = _of_file(chosen, folder)
    path = _path_of(file["url"])
    is_link = path is not None and path.parent in target.find_links
    return WheelPackage(**common, **file, source="find-links" if is_link else "index")


def _choose(wheels: Sequence[_File], tags: Sequence[Tag]) -> _File | None:
    ranks = {tag: rank for rank, tag in enumerate(tags)}
    ranked = []
    for wheel in wheels:
        try:
            found = parse_wheel_filename(_name_of(wheel))
        except InvalidWheelFilename:
            continue
        fitting = [ranks[tag] for tag in found[3] if tag in ranks]
        if fitting:  # of two that fit as well, the later build
            ranked.append(((-min(fitting), found[2]), wheel))
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None


def _name_of(file: _File) -> str:
    path = urlsplit(file.url).path if file.url else file.path  # a presigned address goes on behind the name
    return unquote(path.rpartition("/")[2])


def _of_file(file: _File, folder: Path) -> dict[str, Any]:
    url = public_url(file.url) if file.url else Path(folder, file.path).as_uri()
    size, path = file.size, _path_of(url)
    if size is None and path is not None and path.is_file():
        size = path.stat().st_size
    return {"url": url, "size": size, "sha256": file.hashes.get("sha256", "")}


def _path_of(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
