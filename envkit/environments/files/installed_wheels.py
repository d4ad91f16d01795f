"""What an installer of wheels put into an environment, and where each file comes from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from envkit.environments.files.addresses import local_path, public
from envkit.environments.files.remarks import host_names
from envkit.environments.plan import Plan
from envkit.environments.records import WheelPackage
from envkit.environments.resolve import resolve_wheels
from envkit.environments.store import libraries_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.environments.plan import Planning
    from envkit.environments.records import EnvRecord

_OF_CONDA = re.compile(rb'"[^"]*?([^"/]+\.dist-info)/METADATA"')


class _VcsInfo(msgspec.Struct):
    vcs: str
    commit_id: str


class _ArchiveInfo(msgspec.Struct):
    hashes: dict[str, str] = {}


class _DirectUrl(msgspec.Struct):
    """``direct_url.json``. Source: PyPA specifications, "Recording the Direct URL Origin"."""

    url: str
    vcs_info: _VcsInfo | None = None
    archive_info: _ArchiveInfo | None = None
    subdirectory: str | None = None


@dataclass(frozen=True)
class _Found:
    name: str
    version: str
    info: Path


def installed_wheels(
    record: EnvRecord, prefix: Path, *, planning: Planning | None = None
) -> tuple[WheelPackage, ...]:
    """Return the wheels of an environment as its record names them, sorted.

    What the base brought and what is remade from the host is left out. With ``planning`` the indexes are
    asked for the address, hash and size of each; without, nothing is asked and they stay empty. Raises:
    EnvError where an index no longer has one of them.
    """
    wheels = [_direct(found) or _bare(found) for found in _found(record, prefix)]
    if planning is None:
        return tuple(wheels)
    pins = {wheel.name: f"{wheel.name}=={wheel.version}" for wheel in wheels if wheel.source != "direct"}
    if not pins:
        return tuple(wheels)
    if "torch" in pins and record.torch is not None:
        pins["torch"] = record.torch.requirement
    plan = Plan(
        name=record.name,
        spec=msgspec.structs.replace(record.spec, constraints=()),
        base=record.base,
        requirements=(),
        distributions=(),
        unresolved=tuple(pins.values()),
        torch=record.torch,
        plugins=(),
        envkit=None,
        facts=record.facts,
    )
    resolved = {
        wheel.name: wheel for wheel in resolve_wheels(plan, planning=planning, prefer=record.installed)
    }
    return tuple(resolved.get(wheel.name, wheel) if wheel.name in pins else wheel for wheel in wheels)


def direct_addresses(record: EnvRecord, prefix: Path) -> dict[str, str]:
    """Return by canonical name from which address of its own each such package was installed."""
    found = (_direct(each) for each in _found(record, prefix))
    return {wheel.name: wheel.url for wheel in found if wheel is not None}


def _found(record: EnvRecord, prefix: Path) -> Iterator[_Found]:
    own = host_names(record)
    base = {
        name.decode()
        for file in prefix.glob("conda-meta/*.json")
        for name in _OF_CONDA.findall(file.read_bytes())
    }
    infos = [info for library in libraries_of(prefix) for info in Path(library).glob("*.dist-info")]
    for info in sorted(infos):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        name = str(canonicalize_name(name))
        if record.installed.get(name) == version and name not in own and info.name not in base:
            yield _Found(name, version, info)


def _bare(found: _Found) -> WheelPackage:
    return WheelPackage(name=found.name, version=found.version)


def _direct(found: _Found) -> WheelPackage | None:
    """Return a package that was installed from an address of its own, None where it came from an index."""
    try:
        origin = msgspec.json.decode((found.info / "direct_url.json").read_bytes(), type=_DirectUrl)
    except (OSError, msgspec.DecodeError):
        return None
    address = public(origin.url)
    if origin.vcs_info is not None:
        address = f"{origin.vcs_info.vcs}+{address}@{origin.vcs_info.commit_id}"
    if origin.subdirectory:
        address += f"#subdirectory={origin.subdirectory}"
    return WheelPackage(
        name=found.name, version=found.version, url=address, sha256=_sha256(origin), source="direct"
    )


def _sha256(origin: _DirectUrl) -> str:
    if origin.archive_info is None:
        return ""
    known = origin.archive_info.hashes.get("sha256", "")
    path = local_path(origin.url)
    if known or path is None or not path.is_file():
        return known
    return hashlib.sha256(path.read_bytes()).hexdigest()
