"""AMD's and Intel's GPUs."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from envkit.api.facts import AmdGpu, IntelGpu
from envkit.torchbuild import LocalWheel, choose_torch_build, judge_installed, load_table

RANGE = SpecifierSet(">=2.6,<3")
INDEX = "https://download.pytorch.org/whl"
RX7900 = AmdGpu(name="Radeon RX 7900", target="gfx1100")
MI50 = AmdGpu(name="Instinct MI50", target="gfx906:sramecc+:xnack-")
RX5700 = AmdGpu(name="Radeon RX 5700", target="gfx1010")
MI300 = AmdGpu(name="Instinct MI300X", target="gfx942:sramecc+:xnack-")
STRIX = AmdGpu(name="Radeon 8060S", target="gfx1151", is_integrated=True)
DESKTOP = AmdGpu(name="Radeon Graphics", target="gfx1036", is_integrated=True)
SILENT = AmdGpu(name="Radeon RX 7800")
ARC = IntelGpu(name="Arc A770", pci_id="0x56a0")
XE_MAX = IntelGpu(name="Iris Xe MAX", pci_id="0x4905")
IRIS = IntelGpu(name="Iris Xe", pci_id="0x9a49", is_integrated=True)


def choose(facts, *, specifier=RANGE, python="3.12", **options):
    return choose_torch_build(facts, specifier=specifier, python=python, **options)


@pytest.mark.parametrize(
    ("machine", "requirement"),
    [
        pytest.param({"amd": (RX7900,)}, "torch==2.14.1+rocm7.14", id="Radeon"),
        pytest.param({"amd": (MI300, MI300)}, "torch==2.14.1+rocm7.14", id="Instinct, its switches in the name"),
        pytest.param({"amd": (MI50,)}, "torch==2.7.1+rocm6.3", id="last served by ROCm 6.3"),
        pytest.param({"amd": (RX7900, DESKTOP)}, "torch==2.14.1+rocm7.14", id="the processor's own does not count"),
        pytest.param({"amd": (STRIX,)}, "torch==2.14.1+rocm7.14", id="integrated, and listed"),
        pytest.param({"amd": (DESKTOP,)}, "torch==2.15.0+cpu", id="integrated, and not listed"),
        pytest.param({"amd": (RX5700,)}, "torch==2.15.0+cpu", id="no code for it"),
        pytest.param({"amd": (RX7900, RX5700)}, "torch==2.15.0+cpu", id="no code for one of two"),
        pytest.param({"amd": (SILENT,)}, "torch==2.15.0+cpu", id="no driver that tells which"),
        pytest.param({"intel": (ARC,)}, "torch==2.15.0+xpu", id="Arc"),
        pytest.param({"intel": (ARC, IRIS)}, "torch==2.15.0+xpu", id="Arc beside the processor's own"),
        pytest.param({"intel": (IRIS,)}, "torch==2.15.0+cpu", id="Intel integrated"),
        pytest.param({"intel": (XE_MAX,)}, "torch==2.15.0+cpu", id="Intel too old"),
        pytest.param({"intel": (ARC,), "system": "windows", "machine": "AMD64"}, "torch==2.15.0+xpu", id="Arc on Windows"),
        pytest.param({"amd": (RX7900,), "system": "windows", "machine": "AMD64"}, "torch===2.15.0", id="no ROCm on Windows"),
        pytest.param({"amd": (RX7900,), "machine": "aarch64"}, "torch==2.15.0+cpu", id="no ROCm on Arm"),
        pytest.param({"amd": (RX7900,), "intel": (ARC,)}, "torch==2.14.1+rocm7.14", id="AMD before Intel"),
    ],
)  # fmt: skip
def test_build_fits_gpus_of_other_makers(make_facts, machine, requirement):
    build = choose(make_facts(**machine))
    assert build.requirement == requirement
    if "+" in requirement:
        assert build.location == f"{INDEX}/{build.variant}"


def test_nvidia_comes_before_other_makers(make_facts):
    build = choose(make_facts("8.6", driver="580.1", amd=(RX7900,), intel=(ARC,)))
    assert build.variant == "cu132"


@pytest.mark.parametrize(
    ("gpu", "endings"), [(MI50, ("no wheels for this GPU from torch 2.8 on",)), (RX7900, ())]
)
def test_endings_of_amd_gpus_count_only_what_is_told(make_facts, gpu, endings):
    assert choose(make_facts(amd=(gpu,))).endings == endings


def test_gpu_without_code_is_told_with_the_nearest_builds(make_facts):
    build = choose(make_facts(amd=(RX5700,)))
    assert "No ROCm build of torch<3,>=2.6 for Python 3.12 suits Radeon RX 5700 (gfx1010)" in build.reason
    assert [(each.variant, each.why) for each in build.rejected if each.variant.startswith("rocm")] == [
        ("rocm7.14", "it has no kernels for Radeon RX 5700 (gfx1010)")
    ]


def test_many_gpus_of_other_makers_are_told_by_the_first_few_and_a_count(make_facts):
    gpus = tuple(AmdGpu(name=f"Radeon {number}", target="gfx1100") for number in range(100))
    assert "Radeon 2 (gfx1100) and 97 more." in choose(make_facts(amd=gpus)).reason


def test_gpu_without_a_driver_is_told_what_to_load(make_facts):
    rejected = choose(make_facts(amd=(SILENT,))).rejected[0]
    assert "amdgpu" in (rejected.unlock or "")
    assert rejected.way == "a driver that answers -> torch 2.14.1+rocm7.14"


@pytest.mark.parametrize(("variant", "machine"), [("rocm7.2", {}), ("xpu", {"intel": (ARC,)})])
def test_variant_that_is_asked_for_is_taken(make_facts, variant, machine):
    assert choose(make_facts(**machine), variant=variant).variant == variant


def test_wheel_for_amd_in_find_links_is_taken_where_it_fits(make_facts):
    wheel = LocalWheel(
        version="2.13.0+rocm7.2",
        location="/wheels",
        filename="torch-2.13.0+rocm7.2-cp312-cp312-manylinux_2_28_x86_64.whl",
    )
    assert choose(make_facts(amd=(RX7900,)), wheels=[wheel]).source == "find-links"
    assert choose(make_facts(amd=(RX5700,)), wheels=[wheel]).variant == "cpu"
    assert choose(make_facts(), wheels=[wheel]).version == "2.13.0+rocm7.2"


@pytest.mark.parametrize(
    ("machine", "version", "said"),
    [
        ({"amd": (RX7900,)}, "2.13.0+rocm7.2", None),
        ({"amd": (RX7900,)}, "2.13.0+cpu", "is a CPU build, but this machine has Radeon RX 7900 (gfx1100)"),
        ({"amd": (RX7900,)}, "2.13.0", "built for NVIDIA GPUs, but this machine has Radeon"),
        ({"amd": (RX7900,)}, "2.13.0+xpu", "built for GPUs of Intel"),
        ({"amd": (STRIX,)}, "2.10.0+rocm7.1", "no kernels for Radeon 8060S (gfx1151)"),
        ({"amd": (RX7900,)}, "2.99.0+rocm7.14", None),
        ({"amd": (RX5700,)}, "2.13.0+cpu", None),
        ({"amd": (DESKTOP,)}, "2.13.0+cpu", None),
        ({"intel": (ARC,)}, "2.13.0+cpu", "is a CPU build, but this machine has Arc A770 (0x56a0)"),
        ({"intel": (ARC,)}, "2.13.0+xpu", None),
        ({}, "2.13.0+rocm7.2", None),
    ],
)
def test_installed_torch_is_judged_by_the_gpus_of_other_makers(make_facts, machine, version, said):
    verdict = judge_installed(make_facts(**machine), version)
    assert (verdict is None) if said is None else (said in (verdict or ""))


def test_amd_target_is_in_each_newer_build_that_the_table_has_for_discrete_gpus():
    rows = [row for row in load_table().builds if row.variant.startswith("rocm")]
    assert all("gfx1100" in row.targets for row in rows)
