"""Remember where the files of a lock were found, so that building again asks no index.

A file is what its sha256 says, whenever it was found; one that has gone since is looked for anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

import msgspec

from envkit.environments.files.addresses import local_path
from envkit.environments.lockfile.write import section_digest
from envkit.environments.records import WheelPackage
from envkit.environments.uv_environment import uv_settings
from envkit.images.contents.network import INDEX_VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.lockfile.records import LockedMachine
    from envkit.environments.plan import Planning
    from envkit.machine import MachineFacts


class FoundFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a lock, with the addresses that they have here, and the wheel of uv that installs them."""

    packages: tuple[WheelPackage, ...]
    uv: WheelPackage


def cache_file(section: LockedMachine, *, uv_version: str, facts: MachineFacts, planning: Planning) -> Path:
    """Return where it is remembered for a section, the machine of an image, and the indexes of this machine."""
    settings = uv_settings(planning.pip_configuration(), environ=planning.environ)
    indexes = [settings.environ.get(name, "") for name in INDEX_VARIABLES]
    platform = facts.platform
    # envkit and the plugins are packed here: whoever changes their code looks for no other files.
    section = msgspec.structs.replace(section, host=())
    words = [
        section_digest(section),
        *(uv_version, facts.python.version, platform.machine, f"{platform.libc} {platform.libc_version}"),
        *(planning.torch_index, settings.configuration, *settings.arguments, *indexes),
    ]
    # Of addresses with passwords no more than this is kept.
    key = hashlib.sha256("\0".join(words).encode()).hexdigest()
    return planning.home / "cache" / "images" / "files" / f"{key[:32]}.json"


def recall(file: Path) -> FoundFiles | None:
    """Return what was remembered, None where there is nothing or a file on this machine has gone."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=FoundFiles)
    except (OSError, msgspec.DecodeError):
        return None
    return found if all(map(_is_there, (*found.packages, found.uv))) else None


def remember(file: Path, found: FoundFiles) -> None:
    """Keep it for the next time; a cache that cannot be written costs time only."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_bytes(msgspec.json.encode(found))
        draft.replace(file)


def _is_there(package: WheelPackage) -> bool:
    path = local_path(package.url)
    return path is None or (path.is_file() and package.size in (None, path.stat().st_size))
