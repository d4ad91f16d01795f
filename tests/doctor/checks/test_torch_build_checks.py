from __future__ import annotations

import os

import pytest
from doctor.judging import all_checks, judge, told
from doctor.machines import (
    change,
    cpu_machine,
    gpu_machine,
    gpus,
    intel_mac,
    mac,
    with_torch,
)
from doctor.machines import surroundings as usual_surroundings

from envkit.api import MachineError
from envkit.api.checks import CheckContext
from envkit.api.facts import Gpu
from envkit.config import Settings
from envkit.doctor.plugin_records import Entries
from envkit.doctor.surroundings import read_surroundings
from envkit.doctor.torch_choice import choose_build
from envkit.owner import upgrade_command

A100 = gpu_machine()

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "an old driver": (
        "torch.build",
        gpu_machine(driver="418.226.00"),
        (
            "info",
            "torch 2.15+cpu for Python 3.12, until the driver is newer",
            (
                "No CUDA build of torch<2.16,>=2.6 for Python 3.12 suits NVIDIA A100-SXM4-80GB (compute capability 8.0), so the CPU build.",
                "from the torch index (https://download.pytorch.org/whl/cpu); 205 MB to fetch; 770 MB on disk",
                "not 2.15+cu132: CUDA 13 needs NVIDIA driver 580 or newer, here is 418.226.00 (to change that: install NVIDIA driver 580 or newer)",
                "not 2.14.1+cu126: CUDA 12 needs NVIDIA driver 525.60.13 or newer, here is 418.226.00 (to change that: install NVIDIA driver 525.60.13 or newer)",
                "not 2.7.1+cu118: CUDA 11 needs NVIDIA driver 450.80.2 or newer, here is 418.226.00 (to change that: install NVIDIA driver 450.80.2 or newer)",
            ),
            None,
        ),
    ),
    "GPUs that no build has together": (
        "torch.build",
        change(
            A100,
            "nvidia",
            gpus=(*gpus("A100"), Gpu(index=1, name="NVIDIA GeForce GTX 680", compute_capability="3.0")),
        ),
        (
            "error",
            "No torch build has kernels for all GPUs here: all computes on the processor",
            (
                "GPU 0, NVIDIA A100-SXM4-80GB, alone: torch 2.15+cu132 for Python 3.12",
                "GPU 1, NVIDIA GeForce GTX 680, alone: no build",
                "No CUDA build of torch<2.16,>=2.6 for Python 3.12 suits every GPU here: NVIDIA A100-SXM4-80GB (compute capability 8.0) and NVIDIA GeForce GTX 680 (compute capability 3.0), so the CPU build.",
                "from the torch index (https://download.pytorch.org/whl/cpu); 205 MB to fetch; 770 MB on disk",
                "not 2.15+cu132: it has no kernels for NVIDIA GeForce GTX 680 (compute capability 3.0)",
            ),
            "docker run --gpus device=0 …   # in a container with one of them, torch can use it",
        ),
    ),
    "GPUs of which each has a build": (
        "torch.build",
        gpu_machine("K80", "RTX 5090"),
        (
            "error",
            "No torch build has kernels for all GPUs here: all computes on the processor",
            (
                "GPU 0, Tesla K80, alone: torch 2.7.1+cu118 for Python 3.12",
                "GPU 1, NVIDIA GeForce RTX 5090, alone: torch 2.15+cu132 for Python 3.12",
                "No CUDA build of torch<2.16,>=2.6 for Python 3.12 suits every GPU here: Tesla K80 (compute capability 3.7) and NVIDIA GeForce RTX 5090 (compute capability 12.0), so the CPU build.",
                "from the torch index (https://download.pytorch.org/whl/cpu); 205 MB to fetch; 770 MB on disk",
                "not 2.15+cu132: it has no kernels for Tesla K80 (compute capability 3.7)",
                "not 2.14.1+cu126: it has no kernels for Tesla K80 (compute capability 3.7) and NVIDIA GeForce RTX 5090 (compute capability 12.0)",
                "not 2.7.1+cu118: it has no kernels for NVIDIA GeForce RTX 5090 (compute capability 12.0)",
            ),
            "docker run --gpus device=0 …   # in a container with one of them, torch can use it",
        ),
    ),
    "a GPU that no build has": (
        "torch.build",
        change(A100, "nvidia", gpus=(Gpu(index=0, name="NVIDIA GeForce GTX 680", compute_capability="3.0"),)),
        (
            "warn",
            "No torch build has kernels for the GPU: all computes on the processor",
            (
                "NVIDIA GeForce GTX 680 (compute capability 3.0)",
                "No CUDA build of torch<2.16,>=2.6 for Python 3.12 suits NVIDIA GeForce GTX 680 (compute capability 3.0), so the CPU build.",
                "from the torch index (https://download.pytorch.org/whl/cpu); 205 MB to fetch; 770 MB on disk",
                "not 2.15+cu132: it has no kernels for NVIDIA GeForce GTX 680 (compute capability 3.0)",
            ),
            None,
        ),
    ),
    "an Intel Mac": (
        "torch.build",
        intel_mac(),
        (
            "error",
            "No torch build fits this machine: torch 2.15.0 comes nearest, but torch has had no wheels for Intel Macs since 2.3",
            (
                "CUDA: no NVIDIA GPU with a driver",
                "ROCm: no GPU of AMD",
                "XPU: no GPU of Intel",
                "MPS: no builds for darwin on x86_64",
                "CPU: torch has had no wheels for Intel Macs since 2.3",
            ),
            "Use Apple silicon, or Linux.",
        ),
    ),
    "a processor without wheels": (
        "torch.build",
        change(cpu_machine(), "platform", machine="riscv64"),
        (
            "error",
            "No torch build fits this machine: torch 2.15.0 comes nearest, but torch has no wheels for riscv64 on linux",
            (
                "CUDA: no NVIDIA GPU with a driver",
                "ROCm: no GPU of AMD",
                "XPU: no GPU of Intel",
                "MPS: not a Mac",
                "CPU: torch has no wheels for riscv64 on linux",
            ),
            "Use a machine with an x86_64 or aarch64 processor.",
        ),
    ),
    "a Python without wheels": (
        "torch.build",
        change(cpu_machine(), "python", version="3.20.0"),
        (
            "error",
            "No torch build fits this machine: torch 2.15.0+cpu comes nearest, but it has no wheel for Python 3.20",
            (
                "CUDA: no NVIDIA GPU with a driver",
                "ROCm: no GPU of AMD",
                "XPU: no GPU of Intel",
                "MPS: not a Mac",
                "CPU: torch 2.15.0+cpu: it has no wheel for Python 3.20",
            ),
            "Use Python 3.11 to 3.15.",
        ),
    ),
    "a GPU that newer releases leave out": (
        "torch.ending",
        gpu_machine("V100"),
        (
            "info",
            "Newer releases of torch leave this machine out",
            ("no wheels for this GPU from torch 2.15 on",),
            None,
        ),
    ),
    "a GPU and driver newer than the table": (
        "torch.beyond-table",
        change(
            gpu_machine(driver="999.10"),
            "nvidia",
            gpus=(Gpu(index=0, name="NVIDIA R100", compute_capability="15.0"),),
        ),
        (
            "info",
            "Something here is newer than all that envkit knows; it goes by the newest",
            (
                "NVIDIA R100 (compute capability 15.0)",
                "driver 999.10",
                "Driver 999.10 is new enough for CUDA 13.2, and torch 2.15.0 has kernels for NVIDIA R100 (compute capability 15.0).",
            ),
            upgrade_command(),
        ),
    ),
    "a torch newer than the table": (
        "torch.beyond-table",
        with_torch(cpu_machine(), "2.99.0+cpu", "cpu"),
        (
            "info",
            "Something here is newer than all that envkit knows; it goes by the newest",
            (
                "torch 2.99.0+cpu in this Python",
                "the newest that this envkit knows is 2.15.0",
            ),
            upgrade_command(),
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "no GPU": ("torch.build", cpu_machine()),
    "a GPU": ("torch.build", A100),
    "a Mac": ("torch.build", mac()),
    "two kinds of GPU": ("torch.build", gpu_machine("V100", "RTX 5090")),
    "a GPU that torch keeps": ("torch.ending", A100),
    "no GPU is left out": ("torch.ending", cpu_machine()),
    "no build at all": ("torch.ending", intel_mac()),
    "a GPU in the table": ("torch.beyond-table", A100),
    "a torch in the table": ("torch.beyond-table", with_torch(cpu_machine(), "2.14.1+cpu", "cpu")),
    "a torch of unreadable version": ("torch.beyond-table", with_torch(cpu_machine(), "nightly")),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_torch_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_torch_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []


def test_torch_build_is_named_where_all_is_well():
    (finding,) = all_checks()["torch.build"].run(CheckContext(facts=gpu_machine("V100", "RTX 5090")))
    assert (finding.severity, finding.summary) == ("ok", "torch 2.10+cu128 for Python 3.12 fits this machine")
    assert any("2.15+cu132" in line and "no kernels for Tesla V100" in line for line in finding.evidence)


@pytest.mark.parametrize(("is_other_machine", "found"), [(False, ["2.12.1+cu126"]), (True, None)])
def test_wheels_of_this_machine_count_for_its_own_facts_alone(tmp_path, is_other_machine, found):
    (tmp_path / "torch-2.12.1+cu126-cp312-cp312-manylinux_2_28_x86_64.whl").touch()
    surroundings = read_surroundings(
        Settings(),
        environ={"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(tmp_path)},
        installed=Entries(entries=()),
        is_other_machine=is_other_machine,
    )
    wheels = surroundings.wheels
    assert (None if wheels is None else [wheel.version for wheel in wheels]) == found


def test_build_for_another_machine_notes_that_its_folders_are_not_looked_into():
    build = choose_build(A100, usual_surroundings(wheels=None))
    assert not isinstance(build, MachineError)
    assert any("find-links are left out" in note for note in build.notes)
