from __future__ import annotations

import pytest
from doctor.judging import judge, told
from doctor.machines import GB, change, container, cpu_machine, gpu_machine, mac

HERE = cpu_machine()

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "little memory": (
        "memory.total",
        change(HERE, "memory", total=2 * GB, available=GB),
        (
            "warn",
            "There is little memory: a run may be killed for it",
            (
                "2.0 GB in all",
                "1.0 GB of it free",
            ),
            "Use a smaller --tokens-per-step and a small model, or add swap or memory.",
        ),
    ),
    "a container with little memory": (
        "memory.group-limit",
        change(container(), "memory", limit=2 * GB),
        (
            "warn",
            "A control group allows little memory: a run may be killed",
            ("limit 2.0 GB of 33.4 GB",),
            "docker run --memory 8g …   # or the same in your scheduler: srun --mem 8G, resources.limits.memory",
        ),
    ),
    "a session with little memory": (
        "memory.group-limit",
        change(HERE, "memory", limit=2 * GB),
        (
            "warn",
            "A control group allows little memory: a run may be killed",
            ("limit 2.0 GB of 33.4 GB",),
            "srun --mem 8G …   # what gave this session its limit: a scheduler, systemd's MemoryMax",
        ),
    ),
    "a container with less memory than its host": (
        "memory.group-limit",
        change(container(), "memory", limit=16 * GB),
        (
            "info",
            "This container may use 16.0 GB of 33.4 GB memory; beyond that it is killed",
            ("limit 16.0 GB of 33.4 GB",),
            None,
        ),
    ),
    "a job with less memory than its machine": (
        "memory.group-limit",
        change(HERE, "memory", limit=16 * GB),
        (
            "info",
            "This session or job may use 16.0 GB of 33.4 GB memory; beyond that it is killed",
            ("limit 16.0 GB of 33.4 GB",),
            None,
        ),
    ),
    "little shared memory": (
        "memory.shared",
        container(),
        (
            "info",
            "/dev/shm is small for data loaders with workers and for several GPUs",
            ("/dev/shm has 67 MB",),
            "docker run --shm-size 4g …   # Kubernetes: an emptyDir with medium: Memory at /dev/shm",
        ),
    ),
    "little shared memory beside a GPU": (
        "memory.shared",
        container(gpu_machine()),
        (
            "warn",
            "/dev/shm is small for data loaders with workers and for several GPUs",
            ("/dev/shm has 67 MB",),
            "docker run --shm-size 4g …   # Kubernetes: an emptyDir with medium: Memory at /dev/shm",
        ),
    ),
    "little shared memory outside a container": (
        "memory.shared",
        change(gpu_machine(), "memory", shared_total=67_108_864),
        (
            "warn",
            "/dev/shm is small for data loaders with workers and for several GPUs",
            ("/dev/shm has 67 MB",),
            "sudo mount -o remount,size=4G /dev/shm",
        ),
    ),
    "few open files": (
        "memory.open-files",
        change(HERE, "limits", open_files=256),
        (
            "warn",
            "This process may open few files at once: installing and data loaders can fail",
            ("limit 256, and 1048576 may be asked for",),
            "ulimit -n 4096",
        ),
    ),
    "few open files, without a bound": (
        "memory.open-files",
        change(HERE, "limits", open_files=256, open_files_hard=None),
        (
            "warn",
            "This process may open few files at once: installing and data loaders can fail",
            ("limit 256, and any may be asked for",),
            "ulimit -n 4096",
        ),
    ),
    "few open files, and no more": (
        "memory.open-files",
        change(HERE, "limits", open_files=256, open_files_hard=256),
        (
            "warn",
            "This process may open few files at once: installing and data loaders can fail",
            ("limit 256, and no more may be asked for",),
            'Raise nofile in /etc/security/limits.conf ("* - nofile 65536"), then log in again.',
        ),
    ),
    "few open files in a container": (
        "memory.open-files",
        change(container(), "limits", open_files=256, open_files_hard=256),
        (
            "warn",
            "This process may open few files at once: installing and data loaders can fail",
            ("limit 256, and no more may be asked for",),
            "docker run --ulimit nofile=65536 …",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "much memory": ("memory.total", HERE),
    "unknown memory": ("memory.total", change(HERE, "memory", total=None)),
    "no limit": ("memory.group-limit", HERE),
    "a limit above what there is": ("memory.group-limit", change(HERE, "memory", limit=64 * GB)),
    "much shared memory": ("memory.shared", HERE),
    "macOS has no /dev/shm": ("memory.shared", mac()),
    "many open files": ("memory.open-files", HERE),
    "no bound on open files": ("memory.open-files", change(HERE, "limits", open_files=None)),
    "a Mac's usual number": ("memory.open-files", mac()),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_memory_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_memory_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []
