from __future__ import annotations

import pytest

from envkit.machine import Platform
from envkit.torchbuild import LocalWheel, local_wheels
from envkit.torchbuild.wheels import check_tags

LINUX = Platform(system="linux", machine="x86_64", kernel="6.1", libc="glibc", libc_version="2.36")
OLD_LINUX = Platform(system="linux", machine="x86_64", kernel="3.10", libc="glibc", libc_version="2.17")
MUSL = Platform(system="linux", machine="x86_64", kernel="6.1", libc="musl")
MAC = Platform(system="darwin", machine="arm64", kernel="23", os_version="14.5")

CPU = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"


def test_local_wheels_are_torch_wheels_in_folders_and_file_urls(tmp_path):
    first, second = tmp_path / "a b", tmp_path / "c"
    for folder in (first, second):
        folder.mkdir()
    for name in (
        CPU,
        "torchvision-0.20.0-py3-none-any.whl",
        "torch-2.13.0.tar.gz",
        "torch-bad.whl",
        "torch-x-y-z-w.whl",
    ):
        (first / name).touch()
    (second / "torch-2.14.1-cp312-cp312-manylinux_2_28_x86_64.whl").touch()
    found = local_wheels(
        [first.as_uri(), str(second), str(first), "https://example.org/wheels", str(tmp_path / "no")]
    )
    assert found == [
        LocalWheel(version="2.13.0+cpu", location=str(first), filename=CPU),
        LocalWheel(
            version="2.14.1",
            location=str(second),
            filename="torch-2.14.1-cp312-cp312-manylinux_2_28_x86_64.whl",
        ),
    ]


def test_local_wheels_may_be_named_themselves(tmp_path):
    (tmp_path / CPU).touch()
    assert [each.filename for each in local_wheels([str(tmp_path / CPU), str(tmp_path / "gone.whl")])] == [
        CPU
    ]


@pytest.mark.parametrize(
    ("filename", "platform", "python", "fits"),
    [
        (CPU, LINUX, "3.11", True),
        (CPU, LINUX, "3.12", False),
        (CPU, OLD_LINUX, "3.11", False),
        (CPU, MUSL, "3.11", False),
        (CPU, MAC, "3.11", False),
        ("torch-2.6.0-cp311-cp311-manylinux1_x86_64.whl", OLD_LINUX, "3.11", True),
        ("torch-2.5.0-cp311-cp311-manylinux2014_x86_64.whl", OLD_LINUX, "3.11", True),
        ("torch-2.5.0+cu124-cp311-cp311-linux_x86_64.whl", LINUX, "3.11", True),
        ("torch-2.13.0-cp311-cp311-manylinux_2_28_aarch64.whl", LINUX, "3.11", False),
        ("torch-2.13.0-cp313-cp313t-manylinux_2_28_x86_64.whl", LINUX, "3.13", False),
        ("torch-2.15.0-cp311-cp311-macosx_14_0_arm64.whl", MAC, "3.11", True),
        ("torch-2.6.0-cp311-none-macosx_11_0_arm64.whl", MAC, "3.11", True),
        ("torch-2.16.0-cp311-cp311-macosx_15_0_arm64.whl", MAC, "3.11", False),
        ("torch-2.16.0-cp310-abi3-manylinux_2_28_x86_64.whl", LINUX, "3.13", True),
        ("torch-2.16.0-py3-none-any.whl", LINUX, "3.13", True),
    ],
)
def test_wheel_tags_fit_python_and_platform_or_say_what_they_are_for(filename, platform, python, fits):
    obstacle = check_tags(filename, platform, python=python)
    assert (obstacle is None) == fits
    if obstacle:
        assert f"Python {python}" in obstacle.why


@pytest.mark.parametrize("release", ["Sonoma", "", "Darwin Kernel Version 23.1.0", None])
def test_check_tags_macos_whose_release_is_no_number_is_the_oldest(release):
    mac = Platform(system="darwin", machine="arm64", kernel="23", os_version=release)
    assert check_tags("torch-2.13.0-cp311-cp311-macosx_11_0_arm64.whl", mac, python="3.11") is None
    assert check_tags("torch-2.13.0-cp311-cp311-macosx_14_0_arm64.whl", mac, python="3.11") is not None
