from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.machine.files import Files
from envkit.machine.mounts import Mount, find_mount, read_mounts

LINES = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 27 0:40 / /home rw shared:5 master:1 - nfs4 server:/home rw,vers=4.2
31 30 8:1 / /home/a\\040b rw - vfat /dev/sdb1 rw
32 27 8:2 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs;path=C:\\
33 27 8:3 / /srv rw - fuse.sshfs me@host:/ rw
broken
x y 0:1 / / rw - ext4 a b
"""


@pytest.mark.parametrize(
    ("path", "point", "file_system", "is_network", "has_hard_links"),
    [
        ("/", "/", "ext4", False, True),
        ("/procession/x", "/", "ext4", False, True),
        ("/proc/self", "/proc", "proc", False, None),
        ("/home/someone/envs", "/home", "nfs4", True, True),
        ("/home/a b/x", "/home/a b", "vfat", False, False),
        ("/mnt/c/Users", "/mnt/c", "9p", False, None),
        ("/srv", "/srv", "fuse.sshfs", True, None),
    ],
)
def test_mount_of_a_path_is_the_nearest_above_it(
    make_root, path, point, file_system, is_network, has_hard_links
):
    mount = find_mount(read_mounts(Files(make_root({"/proc/self/mountinfo": LINES}))), path)
    assert mount is not None
    assert (mount.point, mount.file_system, mount.is_network) == (point, file_system, is_network)
    assert mount.has_hard_links is has_hard_links


def mount(number: int, parent: int, point: str) -> Mount:
    return Mount(number=number, parent=parent, point=point, file_system=f"fs{number}")


def test_mount_that_a_later_one_hides_is_not_found():
    hidden = (mount(1, 0, "/"), mount(2, 1, "/a/b"), mount(3, 1, "/a"))
    found = find_mount(hidden, "/a/b/c")
    assert found is not None and found.number == 3


def test_mount_of_several_on_one_folder_is_the_uppermost():
    stacked = (mount(1, 0, "/"), mount(2, 1, "/a"), mount(3, 2, "/a"))
    found = find_mount(stacked, "/a")
    assert found is not None and found.number == 3


def test_mount_without_the_kernels_list_is_unknown(make_root):
    files = Files(make_root({}))
    assert find_mount(read_mounts(files), "/") is None
    assert files.unread == ()


@given(
    st.lists(
        st.builds(
            mount,
            st.integers(0, 6),
            st.integers(0, 6),
            st.sampled_from(["/", "/a", "/a/b", "/ab", "", "a"]),
        ),
        max_size=8,
    ),
    st.sampled_from(["/", "/a", "/a/b/c", "/abc"]),
)
def test_mount_of_any_list_is_one_that_holds_the_path_or_none(mounts, path):
    found = find_mount(mounts, path)
    assert found is None or path.startswith(found.point)
