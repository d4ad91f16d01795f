"""Facts of machines that are made up: what the solver of torch builds and every check can be asked about."""

from __future__ import annotations

import re
from typing import Any, Literal

from envkit.api.facts import (
    Amd,
    AmdGpu,
    Apple,
    Cpu,
    DeviceFile,
    Disk,
    FoundInterpreter,
    Gpu,
    HardLinks,
    HuggingFace,
    Intel,
    IntelGpu,
    Interpreter,
    Limits,
    MachineFacts,
    Memory,
    Nvidia,
    Pip,
    Platform,
    TorchSite,
    Unread,
    Uv,
    Variable,
)
from envkit.machine.parts import PARTS
from envkit.testing.gpus import GpuModel, cuda_of_driver, find_gpu

System = Literal["linux", "wsl", "darwin"]

_GB = 10**9
_HOME = {"linux": "/home/ada", "wsl": "/home/ada", "darwin": "/Users/ada"}
_AMD_TARGET = re.compile(r"gfx[0-9a-f]+")
_INTEL = "intel"
_SPACE = {
    "environments": ".local/share/envkit/envs",
    "runs": "work/runs",
    "uv cache": ".cache/uv",
    "hub cache": ".cache/huggingface/hub",
}


def fake_facts(
    gpu: str | None = None,
    *,
    driver: str | None = "580.95.05",
    count: int = 1,
    gpu_memory: int | None = None,
    memory: int = 33_351_843_840,
    system: System = "linux",
    machine: str | None = None,
    python: str = "3.12.7",
    is_container: bool = False,
    **parts: Any,
) -> MachineFacts:
    """Return the facts of a machine on which all is well: without a GPU, or with ``count`` of one kind.

    ``gpu`` is NVIDIA's by name or compute capability (``NVIDIA A100``, ``8.6``), AMD's by target (``gfx1100``) or
    ``Intel Arc``; ``driver`` is NVIDIA's (``550.54``), None for a GPU without one; ``gpu_memory`` that of each and
    ``memory`` the main one, in bytes. ``system`` is ``linux`` (Debian), ``wsl`` (Windows) or ``darwin`` (Apple silicon),
    ``machine`` the kernel's word (``aarch64``), ``python`` the version that runs. ``parts`` replace whole fields of
    MachineFacts, such as ``docker=Docker(state="stopped")``.

    Raises: ValueError for a GPU, a driver, a count or a system that there is not; TypeError for an unknown part.
    """
    if system not in _HOME:
        raise ValueError(f"there is no system {system!r} here, expected one of: {', '.join(_HOME)}")
    if count < 1:
        raise ValueError(f"count={count}: expected 1 or more; leave gpu out for a machine without one")
    if system == "darwin" and gpu is not None:
        raise ValueError(f"gpu={gpu!r}: a Mac has Apple's own GPU and no other; leave gpu out")
    home = _HOME[system]
    usual: dict[str, Any] = {
        "taken_at": "2026-11-20T09:30:00+00:00",
        "parts": PARTS,
        **_python_parts(python, home),
        "platform": _platform(system, machine, is_container=is_container),
        "cpu": Cpu(model="AMD EPYC 7763", physical_cores=16, logical_cores=32, features=("avx2",)),
        "memory": Memory(
            total=memory,
            available=memory * 3 // 4,
            shared_total=None if system == "darwin" else memory // 2,
            shared_free=None if system == "darwin" else memory // 2,
        ),
        "limits": Limits(open_files=1024, open_files_hard=1_048_576, processes=126_950),
        "nvidia": Nvidia(),
        "apple": Apple(has_mps=system == "darwin" and (machine or "arm64") == "arm64"),
        "disks": tuple(_disk(purpose, f"{home}/{place}", home) for purpose, place in _SPACE.items()),
        "hard_links": HardLinks(works=True),
        "hugging_face": HuggingFace(
            home=f"{home}/.cache/huggingface", cache_dir=f"{home}/.cache/huggingface/hub"
        ),
    }
    if gpu is not None:
        usual |= _gpu_parts(gpu, driver=driver, count=count, memory=gpu_memory, is_wsl=system == "wsl")
    return MachineFacts(**{**usual, **parts})


def _python_parts(version: str, home: str) -> dict[str, Any]:
    full = version if version.count(".") > 1 else f"{version}.0"
    minor = ".".join(full.split(".")[:2])
    venv = f"{home}/work/.venv"
    return {
        "python": Interpreter(
            path=f"{venv}/bin/python",
            version=full,
            implementation="cpython",
            is_64bit=True,
            origin="system",
            prefix=venv,
            base_prefix="/usr",
        ),
        "interpreters": (FoundInterpreter(path=f"/usr/bin/python{minor}", version=minor, origin="system"),),
        "uv": Uv(path=f"{venv}/bin/uv", version="0.9.10", cache_dir=f"{home}/.cache/uv"),
        "pip": Pip(version="25.1.1"),
        "torch_sites": (
            TorchSite(environment="", path=f"{venv}/lib/python{minor}/site-packages", python=minor),
        ),
        "variables": (
            Variable(name="LANG", value="en_GB.UTF-8"),
            Variable(name="PATH", value=f"{venv}/bin:/usr/local/bin:/usr/bin:/bin"),
            Variable(name="VIRTUAL_ENV", value=venv),
        ),
    }


def _platform(system: System, machine: str | None, *, is_container: bool) -> Platform:
    if system == "darwin":
        return Platform(
            system="darwin",
            machine=machine or "arm64",
            kernel="24.6.0",
            os_name="macOS",
            os_version="15.7.1",
        )
    return Platform(
        system="linux",
        machine=machine or "x86_64",
        kernel="6.6.87.2-microsoft-standard-WSL2" if system == "wsl" else "6.12.48+deb13-amd64",
        os_name="Debian GNU/Linux 13 (trixie)",
        os_version="13",
        libc="glibc",
        libc_version="2.41",
        is_wsl=system == "wsl",
        is_container=is_container,
    )


def _gpu_parts(
    gpu: str, *, driver: str | None, count: int, memory: int | None, is_wsl: bool
) -> dict[str, Any]:
    if _AMD_TARGET.fullmatch(gpu):
        card = AmdGpu(name=f"AMD GPU {gpu}", target=gpu, memory=memory or 24 * _GB)
        devices = (_device("/dev/kfd", "render"), _device("/dev/dri/renderD128", "render"))
        return {"amd": Amd(rocm_version="7.2.0", gpus=(card,) * count, devices=devices)}
    if gpu.lower().startswith(_INTEL):
        arc = IntelGpu(name=gpu, pci_id="0xe20b")
        render = _device("/dev/dri/renderD128", "render")
        return {"intel": Intel(gpus=(arc,) * count, has_level_zero=True, devices=(render,))}
    model = find_gpu(gpu)
    if driver is None:
        return _without_driver(count)
    return {"nvidia": _nvidia(model, driver, count=count, memory=memory, is_wsl=is_wsl)}


def _nvidia(model: GpuModel, driver: str, *, count: int, memory: int | None, is_wsl: bool) -> Nvidia:
    gpus = tuple(
        Gpu(
            index=index,
            name=model.name,
            compute_capability=model.compute_capability,
            memory=memory or model.memory,
            uuid=f"GPU-{index:08x}-1111-2222-3333-444444444444",
            mig=False if model.has_mig else None,
            compute_mode="default",
        )
        for index in range(count)
    )
    cuda = cuda_of_driver(driver)
    if is_wsl:  # the driver is Windows's: one device, and no module of the kernel's
        devices = (_device("/dev/dxg", mode="666"),)
        return Nvidia(
            driver_version=driver, driver_source="NVML", gpus=gpus, cuda_version=cuda, devices=devices
        )
    names = ("nvidia-uvm", *(f"nvidia{index}" for index in range(count)), "nvidiactl")
    return Nvidia(
        driver_version=driver,
        driver_source="/sys/module/nvidia/version",
        gpus=gpus,
        pci_devices=_addresses(count),
        library_version=driver,
        library_file="/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
        cuda_version=cuda,
        devices=tuple(_device(f"/dev/{name}", mode="666") for name in names),
    )


def _without_driver(count: int) -> dict[str, Any]:
    addresses = _addresses(count)
    seen = tuple(Gpu(index=index, name=f"NVIDIA GPU at {each}") for index, each in enumerate(addresses))
    why = "an NVIDIA GPU is present, but no driver is loaded"
    return {
        "nvidia": Nvidia(gpus=seen, pci_devices=addresses),
        "unread": (Unread(what="NVIDIA driver", why=why, part="nvidia"),),
    }


def _addresses(count: int) -> tuple[str, ...]:
    return tuple(f"0000:{0x41 + index:02x}:00.0" for index in range(count))


def _device(path: str, group: str = "root", *, mode: str = "660") -> DeviceFile:
    return DeviceFile(path=path, is_usable=True, owner="root", group=group, mode=mode)


def _disk(purpose: str, path: str, home: str) -> Disk:
    return Disk(
        path=path,
        existing=home,
        total=1000 * _GB,
        free=400 * _GB,
        purpose=purpose,
        file_system="ext4",
        mount="/",
        is_writable=True,
        inodes_total=61_000_000,
        inodes_free=58_000_000,
    )
