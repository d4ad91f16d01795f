"""A machine's facts as conda's virtual packages."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from envkit.api.facts import Cpu, Interpreter, MachineFacts, Memory, Nvidia, Platform
from envkit.environments.virtual_packages import cuda_of_driver, virtual_packages

LINUX = MachineFacts(
    taken_at="2026-01-01T00:00:00Z",
    python=Interpreter(path="/p", version="3.12.1", implementation="cpython", is_64bit=True),
    platform=Platform(
        system="linux", machine="x86_64", kernel="6.1.0-18-amd64", libc="glibc", libc_version="2.36"
    ),
    cpu=Cpu(features=("avx2",)),
    memory=Memory(),
    nvidia=Nvidia(driver_version="550.54.15"),
)
MAC = msgspec.structs.replace(
    LINUX,
    platform=Platform(system="darwin", machine="arm64", kernel="23.5.0", os_version="14.5"),
    cpu=Cpu(),
    nvidia=Nvidia(),
)
MUSL = msgspec.structs.replace(
    LINUX,
    platform=Platform(system="linux", machine="aarch64", kernel="6.6", libc="musl", libc_version="1.2"),
    nvidia=Nvidia(),
)


@pytest.mark.parametrize(
    ("facts", "environ", "found"),
    [
        (
            LINUX,
            {},
            ("__archspec=1=x86_64_v3", "__cuda=12.4", "__glibc=2.36", "__linux=6.1.0", "__unix=0"),
        ),
        (MAC, {}, ("__archspec=1=m1", "__osx=14.5", "__unix=0")),
        (MUSL, {}, ("__archspec=1=aarch64", "__linux=6.6", "__unix=0")),
        (
            MAC,
            {"CONDA_OVERRIDE_CUDA": "12.8", "CONDA_OVERRIDE_OSX": "15.0", "CONDA_OVERRIDE_ARCHSPEC": "m3"},
            ("__archspec=1=m3", "__cuda=12.8", "__osx=15.0", "__unix=0"),
        ),
        (
            LINUX,
            {"CONDA_OVERRIDE_CUDA": "", "CONDA_OVERRIDE_GLIBC": "2.17", "CONDA_OVERRIDE_LINUX": "5.4"},
            ("__archspec=1=x86_64_v3", "__glibc=2.17", "__linux=5.4", "__unix=0"),
        ),
    ],
)
def test_virtual_packages_of_a_machine_are_conda_s(
    facts: MachineFacts, environ: dict[str, str], found: tuple[str, ...]
) -> None:
    assert virtual_packages(facts, environ=environ) == found


@pytest.mark.parametrize(
    ("features", "level"),
    [
        ((), "x86_64"),
        (("avx2",), "x86_64_v3"),
        (("avx2", "avx512f"), "x86_64_v3"),
        (("avx2", "avx512f", "avx512_bf16"), "x86_64_v4"),
    ],
)
def test_virtual_packages_processor_gives_a_level_it_surely_has(
    features: tuple[str, ...], level: str
) -> None:
    facts = msgspec.structs.replace(LINUX, cpu=Cpu(features=features))

    assert f"__archspec=1={level}" in virtual_packages(facts, environ={})


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [
        ("580.65.06", "13.0"),
        ("579.99", "12.9"),
        ("535.183.01", "12.2"),
        ("528.33", "12.0"),  # Windows', inside WSL
        ("470.256.02", "11.4"),
        ("999.1", "13.2"),
        ("390.157", None),
        ("", None),
        ("unknown", None),
    ],
)
def test_cuda_of_driver_any_version_gives_the_newest_it_runs(driver: str, cuda: str | None) -> None:
    assert cuda_of_driver(driver) == cuda


@given(st.lists(st.tuples(st.integers(300, 700), st.integers(0, 99)), min_size=2, max_size=2))
def test_cuda_of_driver_newer_driver_never_runs_less(drivers: list[tuple[int, int]]) -> None:
    older, newer = (cuda_of_driver(f"{major}.{minor}") for major, minor in sorted(drivers))

    assert Version(older or "0") <= Version(newer or "0")
