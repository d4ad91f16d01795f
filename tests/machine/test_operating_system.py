from __future__ import annotations

import platform

import pytest

from envkit.machine.files import Files
from envkit.machine.operating_system import read_platform

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nBROKEN="x\n# a comment=1\n'


def uname(system="Linux", machine="x86_64", release="6.1.0-amd64"):
    return lambda: platform.uname_result(system, "host", release, "#1 SMP", machine)


def test_platform_linux_names_its_release_and_kernel(make_root):
    files = Files(make_root({"/etc/os-release": DEBIAN, "/proc/sys/kernel/osrelease": "6.6.1\n"}))
    read = read_platform(files, environ={}, uname=uname())
    assert (read.system, read.machine, read.kernel) == ("linux", "x86_64", "6.6.1")
    assert (read.os_name, read.os_version) == ("Debian GNU/Linux 12 (bookworm)", "12")
    assert not read.is_wsl
    assert not read.is_container


@pytest.mark.parametrize(
    ("files", "environ", "is_wsl", "is_container"),
    [
        ({"/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2"}, {}, True, False),
        ({"/.dockerenv": ""}, {}, False, True),
        ({"/run/.containerenv": ""}, {}, False, True),
        ({"/proc/1/cgroup": "0::/kubepods/pod1"}, {}, False, True),
        ({"/proc/1/cgroup": "0::/init.scope"}, {}, False, False),
        ({}, {"container": "podman"}, False, True),
        ({}, {"container": ""}, False, False),
    ],
)
def test_platform_in_wsl_or_container_says_so(make_root, files, environ, is_wsl, is_container):
    read = read_platform(Files(make_root(files)), environ=environ, uname=uname())
    assert (read.is_wsl, read.is_container) == (is_wsl, is_container)


@pytest.mark.parametrize(
    ("files", "is_jetson"),
    [
        ({"/etc/nv_tegra_release": "# R36 (release), REVISION: 3.0\n"}, True),
        ({"/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0"}, True),
        ({"/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}, False),
        ({}, False),
    ],
)
def test_platform_on_a_jetson_says_so(make_root, files, is_jetson):
    read = read_platform(Files(make_root(files)), environ={}, uname=uname(machine="aarch64"))
    assert read.is_jetson is is_jetson


def test_platform_without_os_release_is_noted(make_root):
    files = Files(make_root({}))
    assert read_platform(files, environ={}, uname=uname()).os_name is None
    assert "operating system" in {each.what for each in files.unread}


def test_platform_macos_keeps_its_machine(make_root):
    read = read_platform(Files(make_root({})), environ={}, uname=uname("Darwin", "arm64", "23.5.0"))
    assert (read.system, read.machine, read.os_name, read.libc) == ("darwin", "arm64", "macOS", None)


def test_platform_windows_is_named(make_root):
    read = read_platform(Files(make_root({})), environ={}, uname=uname("Windows", "AMD64", "11"))
    assert (read.system, read.machine) == ("windows", "amd64")
