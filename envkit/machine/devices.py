"""Read who may use the files of /dev that computing on a GPU needs. None is opened: that wakes a driver."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from envkit.api.facts import DeviceFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.machine.files import Files

# CUDA opens these; nvidia-caps and nvidia-modeset are for administration and displays.
_NVIDIA = re.compile(r"nvidia(?:\d+|ctl|-uvm)|dxg")


def nvidia_device_paths(files: Files) -> tuple[str, ...]:
    """Return the files that CUDA opens, WSL's /dev/dxg too."""
    return tuple(f"/dev/{name}" for name in files.names("/dev") if _NVIDIA.fullmatch(name))


def render_node_paths(files: Files, vendor: str) -> tuple[str, ...]:
    """Return the render nodes of one maker's GPUs; ``vendor`` as ``0x1002``."""
    return tuple(
        f"/dev/dri/{name}"
        for name in files.names("/dev/dri")
        if name.startswith("renderD")
        and (files.text(f"/sys/class/drm/{name}/device/vendor") or "").strip().lower() == vendor
    )


def read_device_files(files: Files, paths: Iterable[str]) -> tuple[DeviceFile, ...]:
    """Return those files that are there, with owner, group and mode, and whether this user may use them."""
    found = [(path, state) for path in paths if (state := _stat(files, path))]
    if not found:
        return ()
    # The files and not the system's user database: that can ask a server that is away.
    users, groups = _names(files, "/etc/passwd"), _names(files, "/etc/group")
    return tuple(
        DeviceFile(
            path=path,
            is_usable=_is_usable(files, path),
            owner=users.get(state.st_uid, str(state.st_uid)),
            group=groups.get(state.st_gid, str(state.st_gid)),
            mode=f"{stat.S_IMODE(state.st_mode):03o}",
        )
        for path, state in found
    )


def _stat(files: Files, path: str) -> os.stat_result | None:
    try:
        return os.stat(files.locate(path))  # noqa: PTH116
    except FileNotFoundError:
        return None
    except OSError as error:
        files.note(path, error.strerror or str(error))
        return None


def _is_usable(files: Files, path: str) -> bool:
    # The kernel's own answer: it knows the lists of users that a desktop session is given beside the mode.
    return os.access(
        files.locate(path), os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids
    )


def _names(files: Files, path: str) -> dict[int, str]:
    """Return names by number: passwd and group both begin with name, password, number."""
    rows = (line.split(":") for line in (files.text(path) or "").splitlines())
    return {int(row[2]): row[0] for row in rows if len(row) > 2 and re.fullmatch(r"[0-9]{1,10}", row[2])}
