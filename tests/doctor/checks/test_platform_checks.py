from __future__ import annotations

import pytest
from doctor.judging import judge, told
from doctor.machines import change, container, cpu_machine, having, intel_mac, mac, with_variables, wsl

from envkit.api.facts import Cpu

HERE = cpu_machine()

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "native Windows": (
        "platform.system",
        change(HERE, "platform", system="windows", os_name="Windows", os_version="11", machine="amd64"),
        (
            "error",
            "envkit does not run on native Windows",
            ("Windows 11 on amd64",),
            "wsl --install   # then install envkit inside WSL",
        ),
    ),
    "Rosetta": (
        "platform.system",
        having(change(mac(), "platform", machine="x86_64"), cpu=Cpu(model="VirtualApple @ 2.50GHz")),
        (
            "error",
            "This Python is Intel's and runs under Rosetta: torch has no wheels for it",
            (
                "processor VirtualApple @ 2.50GHz",
                "the system says x86_64",
            ),
            "uv python install cpython-3.12-macos-aarch64   # then install envkit with that Python",
        ),
    ),
    "an emulated container": (
        "platform.system",
        having(container(), cpu=Cpu(model="VirtualApple @ 2.50GHz")),
        (
            "warn",
            "This container is Intel's and emulated on Apple silicon: it is slow",
            (
                "processor VirtualApple @ 2.50GHz",
                "the system says x86_64",
            ),
            "docker run --platform linux/arm64 …   # of an image that is made for it",
        ),
    ),
    "WSL 1": (
        "platform.system",
        change(wsl(HERE), "platform", kernel="4.4.0-26100-Microsoft"),
        (
            "info",
            "This is WSL 1: no GPU can be used in it, and files are slow",
            ("kernel 4.4.0-26100-Microsoft",),
            "wsl --set-version DISTRIBUTION 2   # in Windows; wsl --list names the distributions",
        ),
    ),
    "musl": (
        "platform.libc",
        change(
            HERE,
            "platform",
            libc="musl",
            libc_version=None,
            os_name="Alpine Linux v3.22",
            os_version="3.22.1",
        ),
        (
            "error",
            "torch has no wheels for this system's C library, musl",
            ("Alpine Linux v3.22 on x86_64",),
            "Use a system with glibc; as an image, python:3.12-slim in place of python:3.12-alpine.",
        ),
    ),
    "an old glibc": (
        "platform.libc",
        change(HERE, "platform", libc_version="2.17", os_name="CentOS Linux 7 (Core)", os_version="7"),
        (
            "error",
            "This system is too old for torch's wheels: they need glibc 2.28 or newer",
            (
                "glibc 2.17",
                "CentOS Linux 7 (Core) on x86_64",
            ),
            "Upgrade the system (Debian 10, Ubuntu 20.04, RHEL 8 and newer have it), or use a container.",
        ),
    ),
    "a locale of Latin 1": (
        "platform.locale",
        with_variables(HERE, LANG="de_DE.ISO-8859-1"),
        (
            "warn",
            "The locale is not UTF-8: texts beyond ASCII may be misread or not printed",
            ("LANG is de_DE.ISO-8859-1",),
            "export LANG=C.UTF-8",
        ),
    ),
    "LC_ALL above LANG": (
        "platform.locale",
        with_variables(HERE, LC_ALL="en_US"),
        (
            "warn",
            "The locale is not UTF-8: texts beyond ASCII may be misread or not printed",
            ("LC_ALL is en_US",),
            "export LC_ALL=C.UTF-8",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "Linux": ("platform.system", HERE),
    "a Mac": ("platform.system", mac()),
    "an Intel Mac": ("platform.system", intel_mac()),
    "WSL 2": ("platform.system", wsl()),
    "glibc": ("platform.libc", HERE),
    "macOS has no glibc": ("platform.libc", mac()),
    "a glibc of unknown version": ("platform.libc", change(HERE, "platform", libc_version=None)),
    "UTF-8": ("platform.locale", HERE),
    "another spelling of UTF-8": ("platform.locale", with_variables(HERE, LANG="C.utf8")),
    "POSIX, where Python takes UTF-8": ("platform.locale", with_variables(HERE, LANG="POSIX")),
    "Python told to take UTF-8": ("platform.locale", with_variables(HERE, LANG="en_US", PYTHONUTF8="1")),
    "a Mac's short UTF-8": ("platform.locale", mac()),
    "a Mac's, sent over ssh": ("platform.locale", with_variables(HERE, LC_CTYPE="UTF-8")),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_platform_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_platform_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []
