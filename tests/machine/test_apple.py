from __future__ import annotations

import pytest

from envkit.api.facts import Platform
from envkit.machine.apple import read_apple


@pytest.mark.parametrize(
    ("system", "machine", "version", "has_mps"),
    [
        ("darwin", "arm64", "14.5", True),
        ("darwin", "arm64", "12.3", True),
        ("darwin", "arm64", "26", True),
        ("darwin", "arm64", "12.2.1", False),
        ("darwin", "arm64", "11.7", False),
        ("darwin", "arm64", None, False),
        ("darwin", "arm64", "Darwin Kernel", False),
        ("darwin", "x86_64", "14.5", False),
        ("linux", "arm64", "14.5", False),
    ],
)
def test_apple_gpu_is_for_native_pythons_on_new_systems(system, machine, version, has_mps):
    platform = Platform(system=system, machine=machine, kernel="23.5.0", os_version=version)
    assert read_apple(platform).has_mps is has_mps
