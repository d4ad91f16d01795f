from __future__ import annotations

import pytest
from doctor.judging import judge, told
from doctor.machines import (
    amd_machine,
    change,
    container,
    cpu_machine,
    device,
    gpu_machine,
    having,
    intel_gpu_machine,
    intel_mac,
    jetson,
    mac,
)

from envkit.api.facts import AmdGpu, Apple
from envkit.torchbuild import LocalWheel

CLOSED = {"group": "render", "is_usable": False}
RADEON, ARC = amd_machine(), intel_gpu_machine()

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "a Radeon too old for torch": (
        "accelerator.amd",
        amd_machine("gfx803"),
        (
            "info",
            "No torch build has kernels for AMD Radeon RX 7900 XTX (gfx803)",
            (
                "No ROCm build of torch<2.16,>=2.6 for Python 3.12 suits AMD Radeon RX 7900 XTX (gfx803), so the CPU build.",
                "2.15.0 (cu132): it has no kernels for them, and this machine has AMD Radeon RX 7900 XTX (gfx803)",
                "2.14.1+rocm7.14 (rocm7.14): it has no kernels for AMD Radeon RX 7900 XTX (gfx803)",
            ),
            None,
        ),
    ),
    "a Radeon closed to this user": (
        "accelerator.amd",
        amd_machine(devices=(device("/dev/kfd", **CLOSED), device("/dev/dri/renderD128", **CLOSED))),
        (
            "error",
            "This user may not open AMD Radeon RX 7900 XTX (gfx1100)",
            (
                "/dev/kfd belongs to root:render, mode 660",
                "/dev/dri/renderD128 belongs to root:render, mode 660",
            ),
            'sudo usermod -aG render "$USER"   # then log out and in again',
        ),
    ),
    "a Radeon without its compute driver": (
        "accelerator.amd",
        amd_machine(devices=()),
        (
            "error",
            "The driver does not offer AMD Radeon RX 7900 XTX (gfx1100) for computing",
            (
                "AMD Radeon RX 7900 XTX (gfx1100)",
                "/dev/kfd is not there",
            ),
            "sudo dmesg | grep -iE 'amdgpu|kfd|xe |i915'   # what the driver says",
        ),
    ),
    "a Radeon that a container is not given": (
        "accelerator.amd",
        container(amd_machine(devices=())),
        (
            "warn",
            "The host has AMD Radeon RX 7900 XTX (gfx1100), and this container cannot use it",
            (
                "AMD Radeon RX 7900 XTX (gfx1100)",
                "/dev/kfd is not there",
            ),
            "docker run --device /dev/kfd --device /dev/dri --group-add video …",
        ),
    ),
    "an Arc without Level Zero on Ubuntu": (
        "accelerator.intel",
        intel_gpu_machine(has_level_zero=False),
        (
            "error",
            "Intel's Level Zero, which torch needs for the GPU, is not installed",
            (
                "Intel Arc B-series (0xe20b)",
                "libze_loader.so.1 is in no folder of libraries",
            ),
            "sudo apt install libze1 libze-intel-gpu1 intel-opencl-icd",
        ),
    ),
    "an Arc without Level Zero on Fedora": (
        "accelerator.intel",
        change(intel_gpu_machine(has_level_zero=False), "platform", os_name="Fedora Linux 42"),
        (
            "error",
            "Intel's Level Zero, which torch needs for the GPU, is not installed",
            (
                "Intel Arc B-series (0xe20b)",
                "libze_loader.so.1 is in no folder of libraries",
            ),
            "sudo dnf install oneapi-level-zero intel-level-zero intel-compute-runtime",
        ),
    ),
    "an Arc without Level Zero elsewhere": (
        "accelerator.intel",
        change(intel_gpu_machine(has_level_zero=False), "platform", os_name="NixOS 25.05"),
        (
            "error",
            "Intel's Level Zero, which torch needs for the GPU, is not installed",
            (
                "Intel Arc B-series (0xe20b)",
                "libze_loader.so.1 is in no folder of libraries",
            ),
            "Install Intel's GPU driver with Level Zero: https://docs.pytorch.org/docs/stable/notes/get_start_xpu.html",
        ),
    ),
    "an Arc closed to this user": (
        "accelerator.intel",
        intel_gpu_machine(devices=(device("/dev/dri/renderD128", **CLOSED),)),
        (
            "error",
            "This user may not open Intel Arc B-series (0xe20b)",
            ("/dev/dri/renderD128 belongs to root:render, mode 660",),
            'sudo usermod -aG render "$USER"   # then log out and in again',
        ),
    ),
    "an Arc without its driver": (
        "accelerator.intel",
        intel_gpu_machine(devices=()),
        (
            "error",
            "The driver does not offer Intel Arc B-series (0xe20b) for computing",
            (
                "Intel Arc B-series (0xe20b)",
                "/dev/dri/renderD128 is not there",
            ),
            "sudo dmesg | grep -iE 'amdgpu|kfd|xe |i915'   # what the driver says",
        ),
    ),
    "an Arc that a container is not given": (
        "accelerator.intel",
        container(intel_gpu_machine(devices=())),
        (
            "warn",
            "The host has Intel Arc B-series (0xe20b), and this container cannot use it",
            (
                "Intel Arc B-series (0xe20b)",
                "/dev/dri/renderD128 is not there",
            ),
            "docker run --device /dev/dri --group-add render …",
        ),
    ),
    "an old macOS": (
        "accelerator.apple",
        having(change(mac(), "platform", os_version="12.2"), apple=Apple()),
        (
            "warn",
            "This macOS is too old for torch to compute on Apple's GPU: that takes 12.3",
            ("macOS 12.2",),
            "softwareupdate --install --all --restart   # restarts the Mac: save what is open first",
        ),
    ),
    "a Jetson": (
        "accelerator.jetson",
        jetson(),
        (
            "error",
            "torch's usual wheels have no kernels for this Jetson; NVIDIA's own do",
            (
                "No CUDA build of torch<2.16,>=2.6 for Python 3.12 suits Orin (nvgpu) (compute capability 8.7), so the CPU build.",
            ),
            "export PIP_FIND_LINKS=FOLDER   # with NVIDIA's wheel for your JetPack in it: https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "a Radeon": ("accelerator.amd", RADEON),
    "no Radeon": ("accelerator.amd", cpu_machine()),
    "a Radeon beside an NVIDIA GPU": (
        "accelerator.amd",
        having(gpu_machine(), amd=amd_machine(devices=()).amd),
    ),
    "a part of a processor": (
        "accelerator.amd",
        amd_machine(
            devices=(), gpus=(AmdGpu(name="AMD Radeon Graphics", target="gfx1036", is_integrated=True),)
        ),
    ),
    "an Arc": ("accelerator.intel", ARC),
    "integrated graphics": ("accelerator.intel", cpu_machine()),
    "a Mac": ("accelerator.apple", mac()),
    "an Intel Mac": ("accelerator.apple", intel_mac()),
    "no Mac": ("accelerator.apple", cpu_machine()),
    "no Jetson": ("accelerator.jetson", change(jetson(), "platform", is_jetson=False)),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_accelerator_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_accelerator_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []


def test_accelerator_jetson_with_a_wheel_of_its_own_is_well():
    wheel = LocalWheel(
        version="2.8.0", location="/srv/jetson", filename="torch-2.8.0-cp312-cp312-linux_aarch64.whl"
    )
    assert judge("accelerator.jetson", jetson(), wheels=(wheel,)) == []
