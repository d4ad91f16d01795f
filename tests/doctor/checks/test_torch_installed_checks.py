from __future__ import annotations

import pytest
from doctor.judging import judge, told
from doctor.machines import amd_machine, cpu_machine, gpu_machine, having, with_torch

from envkit.api.facts import Interpreter, Pip

A100, OLD_DRIVER = gpu_machine(), gpu_machine(driver="535.247.01")
SYSTEM = having(
    A100,
    python=Interpreter(
        path="/usr/bin/python3",
        version="3.12.3",
        implementation="cpython",
        is_64bit=True,
        origin="system",
        prefix="/usr",
        base_prefix="/usr",
        externally_managed="/usr/lib/python3.12/EXTERNALLY-MANAGED",
    ),
)

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "a CPU build beside a GPU": (
        "torch.cpu-build",
        with_torch(A100, "2.15.0+cpu", "cpu", torchvision="0.30.0+cpu"),
        (
            "error",
            "torch in this Python is a CPU build: it leaves the GPU idle",
            (
                "torch 2.15.0+cpu, torchvision 0.30.0+cpu in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torch 2.15.0+cpu is a CPU build, but this machine has NVIDIA A100-SXM4-80GB (compute capability 8.0)",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.15.0 torchvision",
        ),
    ),
    "a CPU build in an environment": (
        "torch.cpu-build",
        with_torch(A100, "2.15.0+cpu", "cpu", environment="ner"),
        (
            "error",
            "torch in the environment ner is a CPU build: it leaves the GPU idle",
            (
                "torch 2.15.0+cpu in /home/ada/.local/share/envkit/envs/ner/lib/python3.12/site-packages",
                "torch 2.15.0+cpu is a CPU build, but this machine has NVIDIA A100-SXM4-80GB (compute capability 8.0)",
            ),
            "envkit env sync ner --torch auto",
        ),
    ),
    "a CPU build in a Python without pip": (
        "torch.cpu-build",
        having(with_torch(A100, "2.15.0+cpu", "cpu"), pip=Pip()),
        (
            "error",
            "torch in this Python is a CPU build: it leaves the GPU idle",
            (
                "torch 2.15.0+cpu in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torch 2.15.0+cpu is a CPU build, but this machine has NVIDIA A100-SXM4-80GB (compute capability 8.0)",
            ),
            "/home/ada/work/.venv/bin/uv pip install --python /home/ada/work/.venv/bin/python --reinstall torch==2.15.0",
        ),
    ),
    "a CPU build in a system's own Python": (
        "torch.cpu-build",
        with_torch(SYSTEM, "2.15.0+cpu", "cpu"),
        (
            "error",
            "torch in this Python is a CPU build: it leaves the GPU idle",
            (
                "torch 2.15.0+cpu in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torch 2.15.0+cpu is a CPU build, but this machine has NVIDIA A100-SXM4-80GB (compute capability 8.0)",
            ),
            "envkit env create work --torch auto --with torch   # this Python belongs to the system",
        ),
    ),
    "conda's CPU build beside a GPU": (
        "torch.cpu-build",
        with_torch(A100, "2.10.0", "cpu", environment="conda"),
        (
            "error",
            "torch in the environment conda is a CPU build: it leaves the GPU idle",
            (
                "torch 2.10.0+cpu in /home/ada/.local/share/envkit/envs/conda/lib/python3.12/site-packages",
                "torch 2.10.0+cpu is a CPU build, but this machine has NVIDIA A100-SXM4-80GB (compute capability 8.0)",
            ),
            "envkit env sync conda --torch auto",
        ),
    ),
    "a CPU build beside a Radeon": (
        "torch.cpu-build",
        with_torch(amd_machine(), "2.15.0+cpu", "cpu"),
        (
            "error",
            "torch in this Python is a CPU build: it leaves the GPU idle",
            (
                "torch 2.15.0+cpu in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torch 2.15.0+cpu is a CPU build, but this machine has AMD Radeon RX 7900 XTX (gfx1100)",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.14.1+rocm7.14 --index-url https://download.pytorch.org/whl/rocm7.14",
        ),
    ),
    "an old GPU and a new torch": (
        "torch.kernels",
        with_torch(gpu_machine("V100"), "2.15.0", "cu132"),
        (
            "error",
            "torch in this Python cannot compute on the GPU here",
            (
                "torch 2.15.0+cu132 in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torch 2.15.0+cu132 (cu132) does not suit this machine: it has no kernels for Tesla V100-SXM2-16GB (compute capability 7.0)",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.14.1+cu126 --index-url https://download.pytorch.org/whl/cu126",
        ),
    ),
    "a new GPU and an old torch": (
        "torch.kernels",
        with_torch(gpu_machine("RTX 5090"), "2.10.0+cu126", "cu126", environment="old one"),
        (
            "error",
            "torch in the environment old one cannot compute on the GPU here",
            (
                "torch 2.10.0+cu126 in /home/ada/.local/share/envkit/envs/old one/lib/python3.12/site-packages",
                "torch 2.10.0+cu126 (cu126) does not suit this machine: it has no kernels for NVIDIA GeForce RTX 5090 (compute capability 12.0)",
            ),
            "envkit env sync 'old one'",
        ),
    ),
    "a torch for NVIDIA beside a Radeon": (
        "torch.kernels",
        with_torch(amd_machine(), "2.15.0", "cu132"),
        (
            "error",
            "torch in this Python cannot compute on the GPU here",
            (
                "torch 2.15.0+cu132 in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torch 2.15.0+cu132 is built for NVIDIA GPUs, but this machine has AMD Radeon RX 7900 XTX (gfx1100)",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.14.1+rocm7.14 --index-url https://download.pytorch.org/whl/rocm7.14",
        ),
    ),
    "a torch for a newer driver": (
        "torch.driver",
        with_torch(OLD_DRIVER, "2.15.0", "cu132"),
        (
            "error",
            "torch in this Python needs a newer NVIDIA driver than the one here",
            (
                "torch 2.15.0+cu132 in /home/ada/work/.venv/lib/python3.12/site-packages",
                "CUDA 13 needs NVIDIA driver 580 or newer, here is 535.247.01",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.14.1+cu126 --index-url https://download.pytorch.org/whl/cu126",
        ),
    ),
    "a torch for a newer driver in an environment": (
        "torch.driver",
        with_torch(OLD_DRIVER, "2.15.0", "cu132", environment="qa"),
        (
            "error",
            "torch in the environment qa needs a newer NVIDIA driver than the one here",
            (
                "torch 2.15.0+cu132 in /home/ada/.local/share/envkit/envs/qa/lib/python3.12/site-packages",
                "CUDA 13 needs NVIDIA driver 580 or newer, here is 535.247.01",
            ),
            "envkit env sync qa",
        ),
    ),
    "a torch for a newer driver, and none for this one": (
        "torch.driver",
        with_torch(gpu_machine(driver="418.226.00"), "2.15.0", "cu132"),
        (
            "error",
            "torch in this Python needs a newer NVIDIA driver than the one here",
            (
                "torch 2.15.0+cu132 in /home/ada/work/.venv/lib/python3.12/site-packages",
                "CUDA 13 needs NVIDIA driver 580 or newer, here is 418.226.00",
            ),
            "sudo apt install ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot",
        ),
    ),
    "torchvision of another build": (
        "torch.family",
        with_torch(A100, "2.14.1+cu126", "cu126", torchvision="0.29.1+cpu"),
        (
            "error",
            "torch and its partners do not match in this Python",
            (
                "torch 2.14.1+cu126, torchvision 0.29.1+cpu in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torchvision 0.29.1+cpu is a build for cpu, and torch 2.14.1+cu126 one for cu126",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.14.1+cu126 torchvision --index-url https://download.pytorch.org/whl/cu126",
        ),
    ),
    "torchaudio of another release": (
        "torch.family",
        with_torch(cpu_machine(), "2.8.0+cpu", "cpu", torchaudio="2.10.0+cpu"),
        (
            "error",
            "torch and its partners do not match in this Python",
            (
                "torch 2.8.0+cpu, torchaudio 2.10.0+cpu in /home/ada/work/.venv/lib/python3.12/site-packages",
                "torchaudio 2.10.0+cpu goes with torch 2.10.0, and here is torch 2.8.0+cpu",
            ),
            "/home/ada/work/.venv/bin/python -m pip install --force-reinstall torch==2.8.0+cpu torchaudio --index-url https://download.pytorch.org/whl/cpu",
        ),
    ),
    "torchaudio of another release in an environment": (
        "torch.family",
        with_torch(cpu_machine(), "2.8.0+cpu", "cpu", environment="ner", torchaudio="2.10.0+cpu"),
        (
            "error",
            "torch and its partners do not match in the environment ner",
            (
                "torch 2.8.0+cpu, torchaudio 2.10.0+cpu in /home/ada/.local/share/envkit/envs/ner/lib/python3.12/site-packages",
                "torchaudio 2.10.0+cpu goes with torch 2.10.0, and here is torch 2.8.0+cpu",
            ),
            "envkit env sync ner",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "no torch": ("torch.cpu-build", A100),
    "a CPU build without a GPU": ("torch.cpu-build", with_torch(cpu_machine(), "2.15.0+cpu", "cpu")),
    "a CUDA build": ("torch.cpu-build", with_torch(A100, "2.15.0", "cu132")),
    "a CPU build where the GPU cannot be used": (
        "torch.cpu-build",
        with_torch(gpu_machine(driver=None), "2.15.0+cpu", "cpu"),
    ),
    "a torch with kernels": ("torch.kernels", with_torch(A100, "2.15.0", "cu132")),
    "conda's build of more kernels than the wheels": (
        "torch.kernels",
        with_torch(gpu_machine("RTX 5090"), "2.10.0", "cu126"),
    ),
    "a build of one's own": (
        "torch.kernels",
        with_torch(gpu_machine("V100"), "2.9.0a0+50eac811a6.nv25.09", "cu130"),
    ),
    "a torch for this driver": ("torch.driver", with_torch(OLD_DRIVER, "2.14.1+cu126", "cu126")),
    "a torch of NVIDIA's containers, which bring libcuda": (
        "torch.driver",
        with_torch(OLD_DRIVER, "2.9.0a0+50eac811a6.nv25.09", "cu130"),
    ),
    "a CUDA build without a GPU": ("torch.driver", with_torch(cpu_machine(), "2.15.0", "cu132")),
    "a family of one build": (
        "torch.family",
        with_torch(A100, "2.14.1+cu126", "cu126", torchvision="0.29.1+cu126"),
    ),
    "torch alone": ("torch.family", with_torch(A100, "2.15.0", "cu132")),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_torch_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_torch_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []
