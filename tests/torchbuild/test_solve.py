from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from envkit.api import MachineError
from envkit.machine import Unread
from envkit.owner import upgrade_command
from envkit.torchbuild import LocalWheel, choose_torch_build

RANGE = SpecifierSet(">=2.6,<3")
INDEX = "https://download.pytorch.org/whl"


def wheel(version: str, *, python: str = "cp311", platform: str = "manylinux_2_28_x86_64") -> LocalWheel:
    return LocalWheel(
        version=version, location="/wheels", filename=f"torch-{version}-{python}-{python}-{platform}.whl"
    )


def choose(facts, *, specifier=RANGE, python="3.11", wheels=(), **options):
    return choose_torch_build(facts, specifier=specifier, python=python, wheels=wheels, **options)


@pytest.mark.parametrize(
    ("capabilities", "machine", "requirement", "variant", "location"),
    [
        pytest.param([], {}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="no GPU"),
        pytest.param(["7.0"], {"driver": "580.65.06"}, "torch==2.14.1+cu126", "cu126", f"{INDEX}/cu126", id="V100, new driver"),
        pytest.param(["6.1"], {"driver": "580.65.06"}, "torch==2.14.1+cu126", "cu126", f"{INDEX}/cu126", id="GTX 1080"),
        pytest.param(["12.0"], {"driver": "580.65.06"}, "torch===2.15.0", "cu132", "", id="RTX 50"),
        pytest.param(["12.0"], {"driver": "575.51"}, "torch==2.13.0+cu129", "cu129", f"{INDEX}/cu129", id="RTX 50, older driver"),
        pytest.param(["8.0"], {"driver": "525.60.13"}, "torch==2.14.1+cu126", "cu126", f"{INDEX}/cu126", id="A100, oldest CUDA 12 driver"),
        pytest.param(["8.0"], {"driver": "525.60.12"}, "torch==2.7.1+cu118", "cu118", f"{INDEX}/cu118", id="A100, a little older"),
        pytest.param(["8.9"], {"driver": "590.44"}, "torch===2.15.0", "cu132", "", id="RTX 40 runs 8.6's code"),
        pytest.param(["3.7"], {"driver": "470.256.02"}, "torch==2.7.1+cu118", "cu118", f"{INDEX}/cu118", id="K80"),
        pytest.param(["7.0", "12.0"], {"driver": "580.65.06"}, "torch===2.10.0", "cu128", "", id="V100 beside RTX 50"),
        pytest.param(["7.0", "9.0"], {"driver": "580.65.06"}, "torch==2.14.1+cu126", "cu126", f"{INDEX}/cu126", id="V100 beside H100"),
        pytest.param(["13.0"], {"driver": "700.1"}, "torch===2.15.0", "cu132", "", id="newer than the table"),
        pytest.param(["8.0"], {"driver": "528.33", "is_wsl": True}, "torch==2.14.1+cu126", "cu126", f"{INDEX}/cu126", id="WSL counts Windows drivers"),
        pytest.param(["8.0"], {"driver": "527.41", "is_wsl": True}, "torch==2.7.1+cu118", "cu118", f"{INDEX}/cu118", id="WSL, older"),
        pytest.param(["9.0"], {"driver": "580.65.06", "machine": "aarch64"}, "torch===2.15.0", "cu132", "", id="Grace Hopper"),
        pytest.param(["12.1"], {"driver": "580.65.06", "machine": "aarch64"}, "torch===2.15.0", "cu132", "", id="DGX Spark"),
        pytest.param(["11.0"], {"driver": "580.65.06", "machine": "aarch64"}, "torch===2.15.0", "cu132", "", id="Thor"),
        pytest.param([], {"machine": "aarch64"}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="Arm without GPU"),
        pytest.param([], {"system": "windows", "machine": "AMD64"}, "torch===2.15.0", "cpu", "", id="Windows without GPU"),
        pytest.param(["8.9"], {"system": "windows", "machine": "AMD64", "driver": "581.15"}, "torch==2.15.0+cu132", "cu132", f"{INDEX}/cu132", id="Windows, RTX 40"),
        pytest.param(["8.9"], {"system": "windows", "machine": "AMD64", "driver": "528.02"}, "torch==2.7.1+cu118", "cu118", f"{INDEX}/cu118", id="Windows counts its own drivers"),
        pytest.param(["12.0"], {"system": "windows", "machine": "AMD64", "driver": "576.02"}, "torch==2.11.0+cu128", "cu128", f"{INDEX}/cu128", id="Windows has no cu129 since 2.9"),
        pytest.param(["13.0"], {"system": "windows", "machine": "AMD64", "driver": "700.1"}, "torch===2.15.0", "cpu", "", id="Windows has no code for later GPUs"),
        pytest.param(["8.7"], {"driver": "540.4.0", "machine": "aarch64", "is_jetson": True}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="Orin: code for graphics cards does not run"),
        pytest.param(["11.0"], {"driver": "580.1", "machine": "aarch64", "is_jetson": True}, "torch===2.15.0", "cu132", "", id="Thor is served"),
        pytest.param([], {"system": "darwin", "machine": "arm64", "os_version": "15.1"}, "torch===2.15.0", "mps", "", id="Mac"),
        pytest.param([], {"system": "darwin", "machine": "arm64", "os_version": "13.6"}, "torch===2.11.0", "mps", "", id="older macOS"),
        pytest.param([None], {}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="GPU without driver"),
        pytest.param([None], {"driver": "580.65.06"}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="driver that does not answer"),
        pytest.param(["3.0"], {"driver": "470.1"}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="GPU older than all builds"),
        pytest.param(["8.0"], {"driver": "418.1"}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="driver older than all builds"),
        pytest.param(["5.2", "12.0"], {"driver": "580.1"}, "torch==2.15.0+cpu", "cpu", f"{INDEX}/cpu", id="no build for both"),
    ],
)  # fmt: skip
def test_build_fits_the_machine(make_facts, capabilities, machine, requirement, variant, location):
    build = choose(make_facts(*capabilities, **machine))
    assert (build.requirement, build.variant, build.location) == (requirement, variant, location)
    assert build.source == ("torch index" if location else "package index")
    assert build.python == "3.11"


@pytest.mark.parametrize(
    ("python", "specifier", "version"),
    [
        ("3.10", ">=2.6", "2.14.1+cpu"),
        ("3.11.9", ">=2.6", "2.15.0+cpu"),
        ("3.15", ">=2.6", "2.15.0+cpu"),
        ("3.13", "<2.9", "2.8.0+cpu"),
        ("3.12", "==2.7.0", "2.7.0+cpu"),
        ("3.12", "~=2.12.0", "2.12.1+cpu"),
        ("3.12", "==2.13.0+cpu", "2.13.0+cpu"),
    ],
)
def test_build_meets_python_and_requirement(make_facts, python, specifier, version):
    assert choose(make_facts(), python=python, specifier=SpecifierSet(specifier)).version == version


def test_build_pinned_with_its_tag_comes_from_the_torch_index(make_facts):
    build = choose(make_facts("9.0", driver="580.1"), specifier=SpecifierSet("==2.15.0+cu132"))
    assert (build.version, build.source) == ("2.15.0+cu132", "torch index")


def test_build_on_aarch64_without_gpu_takes_the_package_index_where_that_is_small(make_facts):
    build = choose(make_facts(machine="aarch64"), specifier=SpecifierSet("<2.11"))
    assert (build.version, build.variant, build.source) == ("2.10.0", "cpu", "package index")


def test_build_comes_from_the_given_torch_index(make_facts):
    build = choose(make_facts(), torch_index="https://mirror.example/whl/")
    assert build.location == "https://mirror.example/whl/cpu"


@pytest.mark.parametrize(
    ("capabilities", "wheels", "version"),
    [
        pytest.param([], [wheel("2.13.0+cpu")], "2.13.0+cpu", id="CPU wheel, no GPU"),
        pytest.param([], [wheel("2.13.0+cpu"), wheel("2.14.1+cu126")], "2.13.0+cpu", id="CPU wheel before CUDA, no GPU"),
        pytest.param([], [wheel("2.13.0+cpu"), wheel("2.12.1+cpu")], "2.13.0+cpu", id="newest"),
        pytest.param([], [wheel("2.14.1")], "2.14.1", id="CUDA wheel alone runs on the CPU"),
        pytest.param(["8.6"], [wheel("2.12.1+cu126")], "2.12.1+cu126", id="older CUDA wheel on a GPU"),
        pytest.param(["8.6"], [wheel("2.12.1")], "2.12.1", id="untagged wheel on a GPU"),
        pytest.param(["8.6"], [wheel("2.16.0+cu134")], "2.16.0+cu134", id="newer than the table"),
        pytest.param(["8.6"], [wheel("2.13.0+company.3")], "2.13.0+company.3", id="somebody's own build"),
        pytest.param(["8.6"], [wheel("2.13.0+company.3"), wheel("2.12.1+cu126")], "2.12.1+cu126", id="known before own"),
        pytest.param(["7.0"], [wheel("2.14.1", platform="linux_x86_64")], "2.14.1", id="without a name, not of the index"),
        pytest.param(["8.6"], [wheel("2.14.1", platform="linux_x86_64"), wheel("2.12.1")], "2.12.1", id="known before own without a name"),
    ],
)  # fmt: skip
def test_build_in_find_links_that_fits_is_preferred(make_facts, capabilities, wheels, version):
    build = choose(make_facts(*capabilities, driver="580.65.06" if capabilities else None), wheels=wheels)
    assert (build.version, build.source, build.location) == (version, "find-links", "/wheels")
    assert "/wheels" in build.reason


@pytest.mark.parametrize(
    ("capability", "offered", "why"),
    [
        pytest.param("8.6", wheel("2.13.0+cpu"), "no CUDA kernels", id="CPU wheel on a GPU"),
        pytest.param("7.0", wheel("2.14.1+cu130"), "no kernels for GPU 0", id="no kernels"),
        pytest.param("7.0", wheel("2.14.1"), "no kernels for GPU 0", id="untagged, no kernels"),
        pytest.param("8.6", wheel("2.13.0+cu126", python="cp312"), "not for Python 3.11", id="another Python"),
        pytest.param(None, wheel("2.13.0+cpu", platform="manylinux_2_28_aarch64"), "aarch64", id="another processor"),
        pytest.param(None, wheel("2.5.1+cpu"), "torch<3,>=2.6 leaves it out", id="out of range"),
        pytest.param("8.6", wheel("2.13.0+rocm6.4"), "AMD", id="AMD build"),
        pytest.param("8.6", wheel("2.20.0+cu141"), "cu141", id="unknown CUDA major"),
    ],
)  # fmt: skip
def test_build_in_find_links_that_does_not_fit_is_rejected_with_the_reason(
    make_facts, capability, offered, why
):
    gpus = [capability] if capability else []
    build = choose(make_facts(*gpus, driver="580.65.06" if capability else None), wheels=[offered])
    assert build.source != "find-links"
    rejected = {each.version: each for each in build.rejected}
    assert why in rejected[offered.version].why


def test_rejected_build_says_what_would_unlock_it(make_facts):
    build = choose(make_facts("8.0", driver="470.1"))
    assert [(each.version, each.unlock, each.way) for each in build.rejected] == [
        ("2.15.0", "install NVIDIA driver 580 or newer", "driver >= 580 -> torch 2.15+cu132"),
        (
            "2.14.1+cu126",
            "install NVIDIA driver 525.60.13 or newer",
            "driver >= 525.60.13 -> torch 2.14.1+cu126",
        ),
    ]


def test_rejected_build_for_another_python_says_which(make_facts):
    build = choose(make_facts("7.0", driver="580.1"), python="3.15")
    assert (build.version, build.rejected[0].version) == ("2.15.0+cpu", "2.14.1+cu126")
    assert build.rejected[0].unlock == "use Python 3.10 to 3.14"
    assert build.rejected[0].way == "Python 3.10 to 3.14 -> torch 2.14.1+cu126"
    assert "Python 3.15" in build.reason


def test_rejected_index_build_says_that_find_links_came_first(make_facts):
    build = choose(make_facts(), wheels=[wheel("2.13.0+cpu")])
    assert (build.rejected[0].version, build.rejected[0].why) == (
        "2.15.0+cpu",
        "a fitting wheel in find-links comes first",
    )


@pytest.mark.parametrize(
    ("capabilities", "machine", "reason", "unlock"),
    [
        ([None], {}, "GPU present but no driver (GPU 0)", "install NVIDIA driver 580 or newer"),
        (
            [None],
            {"driver": "580.1", "unread": (Unread(what="NVML", why="no permission"),)},
            "cannot be used from here (GPU 0; no permission)",
            "mend the driver; see what nvidia-smi says",
        ),
        (
            [None],
            {"driver": "580.1", "is_container": True},
            "cannot be used from here",
            "start the container with its GPUs: docker run --gpus all",
        ),
        ([], {}, "No NVIDIA GPU was found, so the CPU build.", None),
        (
            ["5.2", "12.0"],
            {"driver": "580.1"},
            "suits every GPU here: GPU 0 (compute capability 5.2) and",
            None,
        ),
    ],
)
def test_cpu_build_says_why_no_gpu_is_used(make_facts, capabilities, machine, reason, unlock):
    build = choose(make_facts(*capabilities, **machine))
    assert build.variant == "cpu"
    assert reason in build.reason
    assert build.rejected[0].unlock == unlock


@pytest.mark.parametrize(
    ("machine", "python", "specifier", "message", "hint"),
    [
        ({}, "3.16", ">=2.6", "no wheel for Python 3.16", "Use Python 3.11 to 3.15."),
        ({}, "3.10", ">=2.15", "no wheel for Python 3.10", "Use Python 3.11 to 3.15."),
        ({}, "3.11", ">=2.16", "no torch up to 2.15.0", upgrade_command()),
        ({}, "3.11", "<2.6", "its table begins at torch 2.6", "export PIP_FIND_LINKS=FOLDER"),
        ({}, "3.11", "==2.4.*", "meets torch==2.4.*: its table begins at torch 2.6", "Ask for torch>=2.6"),
        ({}, "3.11", "~=2.5.0", "its table begins at torch 2.6", "PIP_FIND_LINKS"),
        ({}, "3.11", ">=1.13,<=2.5.1", "its table begins at torch 2.6", "PIP_FIND_LINKS"),
        ({}, "3.11", "===2.5.1+cu121", "its table begins at torch 2.6", "PIP_FIND_LINKS"),
        ({}, "3.11", "~=2.99", "no torch up to 2.15.0", upgrade_command()),
        ({}, "3.11", "==2.13.0.post7", "no torch up to 2.15.0", upgrade_command()),
        ({}, "3.11", "===nightly", "no torch up to 2.15.0", upgrade_command()),
        (
            {"implementation": "pypy"},
            "3.11",
            "",
            "for CPython alone, and this Python is pypy",
            "Use CPython 3.11.",
        ),
        ({"is_64bit": False}, "3.11", "", "no wheels for a 32-bit Python", "Use a 64-bit Python."),
        ({"system": "freebsd"}, "3.11", "", "no wheels for x86_64 on freebsd", "Use Linux"),
        ({"libc": "musl", "libc_version": None}, "3.11", "", "no wheels for musl", "glibc"),
        ({"libc_version": "2.17"}, "3.11", "", "needs glibc 2.28 or newer, here is 2.17", "Upgrade"),
        ({"machine": "riscv64"}, "3.11", "", "no wheels for riscv64 on linux", "x86_64 or aarch64"),
        ({"system": "darwin", "machine": "x86_64"}, "3.11", "", "Intel Macs", "Apple silicon"),
        (
            {"system": "windows", "machine": "ARM64"},
            "3.11",
            "",
            "no wheels for aarch64 on windows",
            "wsl --install",
        ),
        (
            {"machine": "riscv64"},
            "3.11",
            "",
            "CUDA: no NVIDIA GPU with a driver; ROCm: no GPU of AMD; XPU: no GPU of Intel; MPS: not a Mac; CPU: torch has no wheels for riscv64",
            "x86_64",
        ),
    ],
)
def test_machine_without_any_build_is_an_error_with_a_way_out(
    make_facts, machine, python, specifier, message, hint
):
    with pytest.raises(MachineError, match=".") as raised:
        choose(make_facts(**machine), python=python, specifier=SpecifierSet(specifier))
    assert message in raised.value.message
    assert (hint is None and raised.value.hint is None) or hint in raised.value.hint


def test_machine_without_an_index_build_takes_a_local_wheel(make_facts):
    own = wheel("2.13.0", platform="linux_riscv64")
    assert choose(make_facts(machine="riscv64"), wheels=[own]).version == "2.13.0"


def test_python_of_another_minor_version_is_not_taken_to_be_pypy_too(make_facts):
    assert choose(make_facts(implementation="pypy"), python="3.12").version == "2.15.0+cpu"


def test_wheel_in_find_links_does_not_fit_pypy(make_facts):
    with pytest.raises(MachineError, match="this Python is pypy"):
        choose(make_facts(implementation="pypy"), wheels=[wheel("2.13.0+cpu")])


@pytest.mark.parametrize(
    ("specifier", "requirement", "build"),
    [
        ("===2.15.0", "torch===2.15.0", "the CUDA 13.2 build"),
        ("==2.14.1+cu126", "torch==2.14.1+cu126", "the CUDA 12.6 build"),
        ("==2.14.1+rocm7.14", "torch==2.14.1+rocm7.14", "the rocm7.14 build"),
    ],
)
def test_build_for_gpus_is_taken_without_any_where_nothing_else_was_asked_for(
    make_facts, specifier, requirement, build
):
    chosen = choose(make_facts(), specifier=SpecifierSet(specifier))
    assert chosen.requirement == requirement
    assert chosen.reason == (
        f"No NVIDIA GPU was found, so {build}, on the CPU, since torch{specifier} allows no smaller one."
    )


@pytest.mark.parametrize("capabilities", [[], ["8.7"]])
def test_wheel_without_a_name_that_the_index_would_not_take_is_told_as_ones_own(make_facts, capabilities):
    own = wheel("2.9.0", platform="linux_aarch64")
    facts = make_facts(
        *capabilities,
        driver="540.4.0" if capabilities else None,
        machine="aarch64",
        is_jetson=bool(capabilities),
    )
    build = choose(facts, wheels=[own])
    assert (build.version, build.variant, build.source) == ("2.9.0", "own", "find-links")
    assert "a build of your own, which lies in /wheels" in build.reason


def test_gpu_whose_compute_capability_nothing_tells_is_noted(make_facts):
    build = choose(make_facts("8.0", None, driver="580.65.06"))
    assert build.variant == "cu132"
    assert "Nothing tells the compute capability of GPU 1, so the choice leaves it out" in build.notes[0]
    assert not any("Nothing tells" in note for note in choose(make_facts("8.0", driver="580.65.06")).notes)


@pytest.mark.parametrize(
    ("os_version", "reason"),
    [
        (
            "12.2",
            "This Mac has Apple silicon, but MPS needs macOS 12.3 or newer, so torch computes on the CPU.",
        ),
        ("12.3", "This Mac has Apple silicon, so torch computes on its GPU through MPS."),
    ],
)
def test_mac_that_is_too_old_for_mps_is_told_so(make_facts, os_version, reason):
    assert choose(make_facts(system="darwin", machine="arm64", os_version=os_version)).reason == reason


def test_folders_that_nobody_can_look_into_are_noted(make_facts):
    assert any("find-links are left out" in note for note in choose(make_facts(), wheels=None).notes)
    assert not any("find-links" in note for note in choose(make_facts()).notes)


@pytest.mark.parametrize("capability", ["3.0", "7.0", "8.6", "13.0"])
def test_many_gpus_are_told_by_the_first_few_and_a_count(make_facts, capability):
    facts = make_facts(*[capability] * 1000, driver="580.65.06")
    build = choose(facts)
    told = [build.reason, *build.endings, *build.notes, *(each.why for each in build.rejected)]
    assert sum(map(len, told)) < 2500
    assert "and 997 more" in " ".join(told)


def test_gpus_of_one_kind_end_in_one_line(make_facts):
    assert choose(make_facts("7.0", "7.0", "12.0", driver="580.65.06")).endings[0] == (
        "no wheels for GPU 0 (compute capability 7.0) and GPU 1 (compute capability 7.0) from torch 2.15 on"
    )
