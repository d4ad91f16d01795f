"""envkit and the plugins as a lock names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from envkit.environments.lockfile.records import LockedHost
from envkit.environments.wheels import content_digest

if TYPE_CHECKING:
    from importlib.metadata import Distribution


class _Folder(msgspec.Struct):
    editable: bool = False


class _Origin(msgspec.Struct):
    """``direct_url.json``. Source: PyPA specifications, "Recording the Direct URL Origin"."""

    dir_info: _Folder | None = None


def locked_host(dist: Distribution) -> LockedHost:
    """Return a distribution as it is installed here, without a digest if it is editable.

    Raises: EnvError where it has no RECORD.
    """
    # The digest of an editable one is of the path to its source, not of what stands there.
    digest = "" if _is_editable(dist) else content_digest(dist)
    return LockedHost(name=dist.metadata["Name"], version=dist.version, digest=digest)


def _is_editable(dist: Distribution) -> bool:
    try:
        origin = msgspec.json.decode(dist.read_text("direct_url.json") or "{}", type=_Origin)
    except msgspec.DecodeError:
        return False
    return origin.dir_info is not None and origin.dir_info.editable
