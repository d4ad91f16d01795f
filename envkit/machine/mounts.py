"""What is mounted where, by the kernel's own list. Source: proc_pid_mountinfo(5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.machine.files import Files

_MOUNTINFO = "/proc/self/mountinfo"
_ESCAPE = re.compile(r"\\([0-7]{3})")
# File systems behind a network: calls may take long, and locks may not hold. Source of the three tables: the
# kernel's Documentation/filesystems, and the documentation of each FUSE program.
_NETWORK = (
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs"}
    | {"panfs", "pvfs2", "smb3", "smbfs", "wekafs"}
    | {"alluxio", "azfuse", "blobfuse", "blobfuse2", "cvmfs2", "davfs", "davfs2", "gcsfuse", "glusterfs"}
    | {"goofys", "juicefs", "mount-s3", "rclone", "s3fs", "seaweedfs", "sshfs"}
)
_HARD_LINKS = (
    {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay", "ramfs", "reiserfs"}
    | {"tmpfs", "virtiofs", "xfs", "zfs"}
    | {"ceph", "fuse-overlayfs", "glusterfs", "gpfs", "juicefs", "lustre", "nfs", "nfs4"}
)
_NO_HARD_LINKS = (
    # AFS has them within one folder alone.
    {"afs", "exfat", "fat", "iso9660", "msdos", "squashfs", "vboxsf", "vfat"}
    | {"azfuse", "blobfuse", "blobfuse2", "gcsfuse", "goofys", "mount-s3", "rclone", "s3fs", "vmhgfs-fuse"}
)


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A mounted file system: ``point`` is where, ``file_system`` the kernel's word (``ext4``, ``fuse.sshfs``)."""

    number: int
    parent: int
    point: str
    file_system: str
    is_network: bool = False

    @property
    def has_hard_links(self) -> bool | None:
        """Tell whether its files can have several names; None where its kind does not tell."""
        name = self.file_system.removeprefix("fuse.")
        return True if name in _HARD_LINKS else False if name in _NO_HARD_LINKS else None


def read_mounts(files: Files) -> tuple[Mount, ...]:
    """Return all mounts that this process sees; none where the kernel has no such list."""
    lines = (files.text(_MOUNTINFO, limit=8 << 20) or "").splitlines()
    return tuple(mount for line in lines if (mount := _read_line(line)) is not None)


def find_mount(mounts: Sequence[Mount], path: str) -> Mount | None:
    """Return the mount that an absolute path without links lies on, as the kernel would walk to it.

    The longest point is not always the one: a later mount on a folder hides those that were below it.
    """
    numbers = {mount.number for mount in mounts}
    found, left = None, list(mounts)
    while True:
        below = [
            mount
            for mount in left
            if _holds(mount.point, path)
            and (mount.parent == found.number if found else mount.parent not in numbers - {mount.number})
        ]
        if not below:
            return found
        found = min(below, key=lambda mount: len(mount.point))
        left.remove(found)


def _read_line(line: str) -> Mount | None:
    before, separator, after = line.partition(" - ")
    fields, last = before.split(" "), after.split(" ")
    if not separator or len(fields) < 6 or not (fields[0].isdecimal() and fields[1].isdecimal()):
        return None
    # Windows' own disks inside WSL come by 9p as well, and are no network.
    is_windows_disk = "aname=drvfs" in after
    name = last[0].removeprefix("fuse.")
    return Mount(
        number=int(fields[0]),
        parent=int(fields[1]),
        point=_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4]),
        file_system=last[0],
        is_network=name in _NETWORK and not is_windows_disk,
    )


def _holds(point: str, path: str) -> bool:
    return point == "/" or path == point or path.startswith(f"{point}/")
