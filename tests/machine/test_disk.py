from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from engine_sockets import short_dir
from other_user import without_rights

from envkit.machine.disk import read_disks, read_hard_links
from envkit.machine.files import Files


def mountinfo(*mounts: tuple[str, str]) -> dict[str, str]:
    """Return the kernel's list with mounts of points and kinds, each directly below the first."""
    lines = [
        f"{number} {0 if number == 1 else 1} 8:{number} / {point} rw - {kind} /dev/x rw"
        for number, (point, kind) in enumerate(mounts, 1)
    ]
    return {"/proc/self/mountinfo": "\n".join(lines)}


def test_disk_of_a_folder_to_come_is_that_of_its_nearest_parent(make_root, tmp_path):
    files = Files(make_root(mountinfo(("/", "ext4"))))
    (disk,) = read_disks(files, {"environments": tmp_path / "a/b"})
    usage = shutil.disk_usage(tmp_path)
    assert (disk.purpose, disk.path, disk.existing) == (
        "environments",
        str(tmp_path / "a/b"),
        str(tmp_path),
    )
    assert disk.total == usage.total
    assert disk.free == pytest.approx(usage.free, rel=0.2)
    assert (disk.file_system, disk.mount, disk.is_network, disk.is_writable) == ("ext4", "/", False, True)
    assert disk.inodes_total is None or disk.inodes_free is not None
    assert files.unread == ()


def test_disk_of_several_purposes_is_told_for_each(make_root, tmp_path):
    places = {"runs": tmp_path, "uv cache": tmp_path}
    disks = read_disks(Files(make_root({})), places, folders=[tmp_path, tmp_path / "x"])
    assert [disk.purpose for disk in disks] == ["runs", "uv cache", "", ""]
    assert {disk.existing for disk in disks} == {str(tmp_path)}
    assert {disk.file_system for disk in disks} == {None}


def test_disk_behind_a_link_is_the_one_that_it_leads_to(make_root, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far")
    files = Files(make_root(mountinfo(("/", "ext4"), (f"{tmp_path}/far", "nfs4"))))
    (disk,) = read_disks(files, {"hub cache": tmp_path / "link/models"})
    assert (disk.existing, disk.mount, disk.is_network) == (
        str(tmp_path / "link"),
        f"{tmp_path}/far",
        True,
    )


def test_disk_below_a_file_or_a_broken_link_is_that_of_the_folder_above(make_root, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    places = {"a": tmp_path / "file/x", "b": tmp_path / "lost/x"}
    file, lost = read_disks(Files(make_root({})), places)
    assert (file.existing, lost.existing) == (str(tmp_path / "file"), str(tmp_path))


def test_disk_of_a_path_that_is_none_is_noted_and_the_others_are_told(make_root, tmp_path):
    files = Files(make_root({}))
    long = Path("/" + "x" * 300)
    assert [disk.purpose for disk in read_disks(files, {"a": long, "b": tmp_path})] == ["b"]
    assert [(each.what, each.why) for each in files.unread] == [(str(long), "File name too long")]


def test_disk_that_is_closed_is_not_writable(make_root):
    files = Files(make_root({}))
    with short_dir() as folder:
        folder.chmod(0o755)
        (folder / "closed").mkdir(mode=0o500)
        (folder / "hidden/inner").mkdir(parents=True)
        (folder / "hidden").chmod(0o000 if os.geteuid() else 0o700)
        places = {"runs": folder / "closed", "environments": folder / "hidden/inner"}
        with without_rights():
            closed, hidden = read_disks(files, places)
        (folder / "hidden").chmod(0o700)
    assert closed.is_writable is False
    assert (hidden.existing, hidden.is_writable) == (str(folder / "hidden"), False)


def test_hard_links_on_one_mount_work(make_root, tmp_path):
    files = Files(make_root(mountinfo(("/", "ext4"))))
    links = read_hard_links(files, tmp_path / "cache", tmp_path / "envs")
    assert (links.works, links.why) == (True, None)
    assert list(tmp_path.iterdir()) == [tmp_path / "root"]  # nothing was written


@pytest.mark.parametrize(
    ("mounts", "works", "why"),
    [
        ([("/", "ext4"), ("{}", "ext4")], False, "{0}/x is on {0}, "),
        ([("/", "vfat")], False, "vfat on / has no hard links"),
        ([("/", "fuse.new")], None, "fuse.new on / may have no hard links"),
        ([], None, "whose kind this system does not tell"),
    ],
)
def test_hard_links_that_may_not_work_say_why(make_root, tmp_path, mounts, works, why):
    cache, env = tmp_path / "cache", tmp_path / "envs"
    cache.mkdir()
    named = [(point.format(cache), kind) for point, kind in mounts]
    links = read_hard_links(Files(make_root(mountinfo(*named))), cache / "x", env)
    assert links.works is works
    assert why.format(cache) in (links.why or "")


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_hard_links_between_two_file_systems_do_not_work(make_root, tmp_path):
    links = read_hard_links(Files(make_root({})), Path("/dev/shm/x"), tmp_path)
    assert links.works is False
    assert "two file systems" in (links.why or "")


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's list of mounts")
def test_hard_links_of_this_machine_agree_with_the_kernel(tmp_path):
    links = read_hard_links(Files(Path("/")), tmp_path / "cache", tmp_path / "envs")
    (tmp_path / "a").touch()
    try:
        (tmp_path / "b").hardlink_to(tmp_path / "a")
    except OSError:
        assert links.works is not True
    else:
        assert links.works is not False


def test_hard_links_without_folders_are_unknown(make_root, tmp_path):
    files = Files(make_root({}))
    assert read_hard_links(files, None, tmp_path).why == "the folder of the cache is not known"
    assert read_hard_links(files, tmp_path, None).why == "the folder of environments is not known"
    assert read_hard_links(files, Path("/x\x00"), tmp_path).works is None
