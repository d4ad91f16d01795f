from __future__ import annotations

from pathlib import Path

import pytest

from envkit.machine.files import Files
from envkit.machine.libraries import find_library, library_folders, resolve, version_in_name


def test_library_is_found_behind_its_links(make_root):
    root = make_root({"/usr/lib64/nvidia/current/libcuda.so.535.54.03": ""})
    (root / "usr/lib64/libcuda.so.1").symlink_to("nvidia/current/libcuda.so.535.54.03")
    assert find_library(Files(root), "libcuda.so.1") == "/usr/lib64/nvidia/current/libcuda.so.535.54.03"


def test_library_behind_a_broken_or_endless_link_is_none(make_root):
    root = make_root({"/usr/lib64/none": ""})
    (root / "usr/lib64/libcuda.so.1").symlink_to("libcuda.so.535.54.03")
    (root / "usr/lib64/libze_loader.so.1").symlink_to("libze_loader.so.1")
    assert find_library(Files(root), "libcuda.so.1") is None
    assert find_library(Files(root), "libze_loader.so.1") is None
    assert resolve(Files(root), "/usr/lib64/libze_loader.so.1").endswith("/libze_loader.so.1")


def test_library_path_of_the_real_root_is_its_own(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    root = Files(Path("/"))
    assert resolve(root, f"{tmp_path}/link") == str((tmp_path / "real").resolve())
    assert resolve(root, "/") == "/"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("/usr/lib/libcuda.so.580.65.06", "580.65.06"),
        ("/usr/lib/libcuda.so.470.256", "470.256"),
        ("/usr/lib/libcuda.so.1", None),
        ("/usr/lib/wsl/lib/libcuda.so.1.1", None),
        ("", None),
    ],
)
def test_library_version_is_that_in_its_name(name, version):
    assert version_in_name(name) == version


@pytest.mark.parametrize(
    ("value", "folders"),
    [
        (None, ()),
        ("", ()),
        (":/a::/b/:relative:/a", ("/a", "/b")),
        ("/a;/b", ("/a", "/b")),
    ],
)
def test_library_folders_are_the_absolute_ones_once(value, folders):
    environ = {} if value is None else {"LD_LIBRARY_PATH": value}
    assert library_folders(environ) == folders
