from __future__ import annotations

import msgspec
import pytest
from doctor.judging import all_checks, judge, told
from doctor.machines import (
    change,
    container,
    container_without_gpus,
    cpu_machine,
    gpu_machine,
    jetson,
    silenced,
    with_variables,
    wsl,
)

A100, TWO = gpu_machine(), gpu_machine("A100", "H100")
ONE_LEFT = change(TWO, "nvidia", gpus=TWO.nvidia.gpus[:1])


def closed(facts, **fields):
    """Close the GPUs' files to this user, with fields such as their group."""
    files = (msgspec.structs.replace(each, is_usable=False, **fields) for each in facts.nvidia.devices)
    return silenced(change(facts, "nvidia", devices=tuple(files)))


def every_gpu(**fields):
    """Return a machine whose GPUs are set otherwise."""
    gpus = (msgspec.structs.replace(gpu, **fields) for gpu in TWO.nvidia.gpus)
    return change(TWO, "nvidia", gpus=tuple(gpus))


# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "files of a group": (
        "gpu.permission",
        closed(A100, group="video", mode="660"),
        (
            "error",
            "This user may not open the GPUs",
            (
                "/dev/nvidia-uvm belongs to root:video, mode 660",
                "/dev/nvidia0 belongs to root:video, mode 660",
                "/dev/nvidiactl belongs to root:video, mode 660",
            ),
            'sudo usermod -aG video "$USER"   # then log out and in again',
        ),
    ),
    "files of root": (
        "gpu.permission",
        closed(A100, group="root", mode="600"),
        (
            "error",
            "This user may not open the GPUs",
            (
                "/dev/nvidia-uvm belongs to root:root, mode 600",
                "/dev/nvidia0 belongs to root:root, mode 600",
                "/dev/nvidiactl belongs to root:root, mode 600",
            ),
            "Ask who runs this machine: NVIDIA's module sets who may with NVreg_DeviceFileMode.",
        ),
    ),
    "a job without a GPU": (
        "gpu.permission",
        closed(A100),
        (
            "error",
            "The GPUs are closed to this process by a container or a job scheduler",
            (
                "/dev/nvidia-uvm belongs to root:root, mode 666",
                "/dev/nvidia0 belongs to root:root, mode 666",
                "/dev/nvidiactl belongs to root:root, mode 666",
            ),
            "srun --gpus 1 …   # or as your scheduler says it",
        ),
    ),
    "a container without the right": (
        "gpu.permission",
        container(closed(A100)),
        (
            "error",
            "The GPUs are closed to this process by a container or a job scheduler",
            (
                "/dev/nvidia-uvm belongs to root:root, mode 666",
                "/dev/nvidia0 belongs to root:root, mode 666",
                "/dev/nvidiactl belongs to root:root, mode 666",
            ),
            "docker run --gpus all …   # Podman: --device nvidia.com/gpu=all; Kubernetes: limits: nvidia.com/gpu: 1",
        ),
    ),
    "a container without its host's GPUs": (
        "gpu.missing-in-container",
        container_without_gpus(),
        (
            "warn",
            "The host has GPUs, and this container cannot use them",
            (
                "the host has NVIDIA driver 580.95.05 and 1 GPU",
                "no /dev/nvidia0 in this container",
            ),
            "docker run --gpus all …   # Podman: --device nvidia.com/gpu=all; Kubernetes: limits: nvidia.com/gpu: 1",
        ),
    ),
    "a container that asks for GPUs and has none": (
        "gpu.missing-in-container",
        with_variables(container_without_gpus(), NVIDIA_VISIBLE_DEVICES="all"),
        (
            "error",
            "This container asks for its host's GPUs and has none",
            (
                "the host has NVIDIA driver 580.95.05 and 1 GPU",
                "no /dev/nvidia0 in this container",
                "NVIDIA_VISIBLE_DEVICES is all",
            ),
            "docker run --gpus all …   # Podman: --device nvidia.com/gpu=all; Kubernetes: limits: nvidia.com/gpu: 1",
        ),
    ),
    "a container that wants none": (
        "gpu.missing-in-container",
        with_variables(container_without_gpus(), NVIDIA_VISIBLE_DEVICES="void"),
        (
            "info",
            "The host has GPUs, and this container was started without them",
            (
                "the host has NVIDIA driver 580.95.05 and 1 GPU",
                "no /dev/nvidia0 in this container",
                "NVIDIA_VISIBLE_DEVICES is void",
            ),
            "docker run --gpus all …   # Podman: --device nvidia.com/gpu=all; Kubernetes: limits: nvidia.com/gpu: 1",
        ),
    ),
    "a container without unified memory": (
        "gpu.missing-in-container",
        change(container(A100), "nvidia", devices=A100.nvidia.devices[1:]),
        (
            "error",
            "This container has a GPU, but not the file that CUDA needs besides",
            (
                "there is no /dev/nvidia-uvm",
                "/dev/nvidia0",
                "/dev/nvidiactl",
            ),
            "sudo nvidia-modprobe -c 0 -u   # on the host; then start the container again",
        ),
    ),
    "a driver that does not answer": (
        "gpu.fewer-than-bus",
        silenced(A100, ("NVML", "Unknown Error"), ("nvidia-smi", "did not answer in 10 s")),
        (
            "error",
            "NVIDIA's driver is loaded, but no GPU answers it",
            (
                "driver 580.95.05",
                "1 on the bus: 0000:41:00.0",
                "0 answered",
                "NVML: Unknown Error",
                "nvidia-smi: did not answer in 10 s",
            ),
            "sudo dmesg | grep -E 'NVRM|Xid'   # what the driver says; a restart often helps",
        ),
    ),
    "a driver without files": (
        "gpu.fewer-than-bus",
        silenced(change(A100, "nvidia", devices=())),
        (
            "error",
            "NVIDIA's driver is loaded, but no GPU answers it",
            (
                "driver 580.95.05",
                "1 on the bus: 0000:41:00.0",
                "0 answered",
                "there is no /dev/nvidia0",
            ),
            "sudo nvidia-modprobe -c 0 -u   # makes the missing files; a restart does too",
        ),
    ),
    "a GPU that is lost": (
        "gpu.fewer-than-bus",
        ONE_LEFT,
        (
            "warn",
            "The driver answers for 1 of 2 GPUs",
            (
                "driver 580.95.05",
                "2 on the bus: 0000:41:00.0, 0000:42:00.0",
                "1 answered",
            ),
            "sudo dmesg | grep -E 'NVRM|Xid'   # what the driver says; a restart often helps",
        ),
    ),
    "a container with one GPU of two": (
        "gpu.fewer-than-bus",
        container(ONE_LEFT),
        (
            "info",
            "The driver answers for 1 of 2 GPUs",
            (
                "driver 580.95.05",
                "2 on the bus: 0000:41:00.0, 0000:42:00.0",
                "1 answered",
            ),
            None,
        ),
    ),
    "every GPU hidden": (
        "gpu.hidden",
        with_variables(A100, CUDA_VISIBLE_DEVICES=""),
        (
            "warn",
            "CUDA_VISIBLE_DEVICES hides every GPU: all computes on the processor",
            (
                "CUDA_VISIBLE_DEVICES is ''",
                "GPU 0 is NVIDIA A100-SXM4-80GB, hidden",
            ),
            "unset CUDA_VISIBLE_DEVICES",
        ),
    ),
    "every GPU hidden by a number": (
        "gpu.hidden",
        with_variables(A100, CUDA_VISIBLE_DEVICES="-1"),
        (
            "warn",
            "CUDA_VISIBLE_DEVICES hides every GPU: all computes on the processor",
            (
                "CUDA_VISIBLE_DEVICES is '-1'",
                "GPU 0 is NVIDIA A100-SXM4-80GB, hidden",
            ),
            "unset CUDA_VISIBLE_DEVICES",
        ),
    ),
    "one GPU hidden": (
        "gpu.hidden",
        with_variables(TWO, CUDA_VISIBLE_DEVICES="1"),
        (
            "info",
            "CUDA_VISIBLE_DEVICES shows 1 of 2 GPUs",
            (
                "CUDA_VISIBLE_DEVICES is '1'",
                "GPU 0 is NVIDIA A100-SXM4-80GB, hidden",
                "GPU 1 is NVIDIA H100 80GB HBM3",
            ),
            None,
        ),
    ),
    "one GPU shown by its name": (
        "gpu.hidden",
        with_variables(TWO, CUDA_VISIBLE_DEVICES="GPU-00000001"),
        (
            "info",
            "CUDA_VISIBLE_DEVICES shows 1 of 2 GPUs",
            (
                "CUDA_VISIBLE_DEVICES is 'GPU-00000001'",
                "GPU 0 is NVIDIA A100-SXM4-80GB, hidden",
                "GPU 1 is NVIDIA H100 80GB HBM3",
            ),
            None,
        ),
    ),
    "a GPU that is not there": (
        "gpu.hidden",
        with_variables(TWO, CUDA_VISIBLE_DEVICES="0,3"),
        (
            "warn",
            "CUDA_VISIBLE_DEVICES names '3', which is no GPU here",
            (
                "CUDA_VISIBLE_DEVICES is '0,3'",
                "GPU 0 is NVIDIA A100-SXM4-80GB",
                "GPU 1 is NVIDIA H100 80GB HBM3, hidden",
            ),
            "unset CUDA_VISIBLE_DEVICES",
        ),
    ),
    "instances of GPUs": (
        "gpu.mig",
        every_gpu(mig=True),
        (
            "warn",
            "A GPU is cut into MIG instances, and torch uses one of them alone",
            (
                "GPU 0 is NVIDIA A100-SXM4-80GB, MIG is on",
                "GPU 1 is NVIDIA H100 80GB HBM3, MIG is on",
            ),
            "nvidia-smi -L   # names the instances; then: export CUDA_VISIBLE_DEVICES=MIG-…",
        ),
    ),
    "an instance that is chosen": (
        "gpu.mig",
        with_variables(every_gpu(mig=True), CUDA_VISIBLE_DEVICES="MIG-3f1c"),
        (
            "info",
            "torch computes on the one MIG instance that CUDA_VISIBLE_DEVICES names",
            (
                "GPU 0 is NVIDIA A100-SXM4-80GB, MIG is on",
                "GPU 1 is NVIDIA H100 80GB HBM3, MIG is on",
                "CUDA_VISIBLE_DEVICES is 'MIG-3f1c'",
            ),
            None,
        ),
    ),
    "one process a GPU": (
        "gpu.exclusive",
        every_gpu(compute_mode="exclusive"),
        (
            "warn",
            "A GPU takes one process at a time: a second one fails while the first runs",
            (
                "GPU 0 is NVIDIA A100-SXM4-80GB, compute mode exclusive",
                "GPU 1 is NVIDIA H100 80GB HBM3, compute mode exclusive",
            ),
            "sudo nvidia-smi -i 0,1 -c DEFAULT",
        ),
    ),
    "GPUs that may not compute": (
        "gpu.exclusive",
        every_gpu(compute_mode="prohibited"),
        (
            "error",
            "A GPU is set to take no computation at all",
            (
                "GPU 0 is NVIDIA A100-SXM4-80GB, compute mode prohibited",
                "GPU 1 is NVIDIA H100 80GB HBM3, compute mode prohibited",
            ),
            "sudo nvidia-smi -i 0,1 -c DEFAULT",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "open files": ("gpu.permission", A100),
    "no GPU": ("gpu.permission", cpu_machine()),
    "a container with GPUs": ("gpu.missing-in-container", container(A100)),
    "a container without GPUs on a host without": ("gpu.missing-in-container", container()),
    "unified memory not yet asked for": (
        "gpu.missing-in-container",
        change(A100, "nvidia", devices=A100.nvidia.devices[1:]),
    ),
    "a GPU server": ("gpu.fewer-than-bus", TWO),
    "a GPU without a driver is told by its driver": ("gpu.fewer-than-bus", gpu_machine(driver=None)),
    "a container without GPUs is told by the container": ("gpu.fewer-than-bus", container_without_gpus()),
    "WSL has no bus": ("gpu.fewer-than-bus", wsl()),
    "a Jetson has no bus": ("gpu.fewer-than-bus", jetson()),
    "all GPUs shown": ("gpu.hidden", with_variables(TWO, CUDA_VISIBLE_DEVICES="1, 0")),
    "nothing to hide": ("gpu.hidden", with_variables(cpu_machine(), CUDA_VISIBLE_DEVICES="")),
    "an instance is no hidden GPU": ("gpu.hidden", with_variables(TWO, CUDA_VISIBLE_DEVICES="MIG-3f1c")),
    "whole GPUs": ("gpu.mig", TWO),
    "GPUs without instances": ("gpu.mig", gpu_machine("T4")),
    "GPUs for all": ("gpu.exclusive", TWO),
    "GPUs whose mode is unknown": ("gpu.exclusive", every_gpu(compute_mode=None)),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_gpu_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_gpu_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []


def test_gpu_one_cause_is_told_by_one_check():
    causes = {
        "gpu.driver-missing": gpu_machine(driver=None),
        "gpu.nouveau": change(gpu_machine(driver=None), "nvidia", has_nouveau=True),
        "gpu.driver-mismatch": silenced(change(A100, "nvidia", library_version="580.105.08")),
        "gpu.permission": closed(A100, group="video", mode="660"),
        "gpu.missing-in-container": container_without_gpus(),
        "gpu.fewer-than-bus": silenced(A100),
    }
    for cause, facts in causes.items():
        told_by = [name for name in all_checks() if name.startswith("gpu.") and judge(name, facts)]
        assert told_by == [cause]
