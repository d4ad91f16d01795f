"""How each part of a machine's facts is read: a function each, which imports its probe itself.

So a probe that cannot even be imported costs its own part alone, and one that nobody asks for no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envkit.api.facts import (
        Amd,
        Apple,
        CertificateFile,
        CondaTool,
        Cpu,
        Cuda,
        Disk,
        Docker,
        FoundInterpreter,
        HardLinks,
        HuggingFace,
        Intel,
        Limits,
        Memory,
        Nvidia,
        Pip,
        Platform,
        Reach,
        TorchSite,
        Uv,
    )
    from envkit.machine.files import Files
    from envkit.machine.network import NetworkPlan
    from envkit.machine.process import RunProcess
    from envkit.machine.torch_sites import TorchPlace


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the parts are read from. ``files`` notes what one part could not read, and is that part's own."""

    files: Files
    platform: Platform
    environ: Mapping[str, str]
    places: Mapping[str, Path]
    find_sites: Callable[[], Mapping[str, TorchPlace]]
    network: NetworkPlan | None
    run_process: RunProcess

    @property
    def is_linux(self) -> bool:
        """Tell whether the kernel's files can be read."""
        return self.platform.system == "linux"


def read_cpu(sources: Sources) -> Cpu:
    """Read the processor."""
    from envkit.machine import cgroup, cpu, sysctl

    files = sources.files
    if sources.is_linux:
        return cpu.read_linux_cpu(files, quota=cgroup.read_limits(files).cores)
    return cpu.read_macos_cpu(
        sysctl.read_sysctl(files, environ=sources.environ, run_process=sources.run_process)
    )


def read_memory(sources: Sources) -> Memory:
    """Read main memory."""
    from envkit.machine import cgroup, memory, sysctl

    files = sources.files
    if sources.is_linux:
        return memory.read_linux_memory(files, limit=cgroup.read_limits(files).memory)
    return memory.read_macos_memory(
        sysctl.read_sysctl(files, environ=sources.environ, run_process=sources.run_process)
    )


def read_interpreters(sources: Sources) -> tuple[FoundInterpreter, ...]:
    """Find the other Pythons."""
    from envkit.machine.interpreters import find_interpreters

    return find_interpreters(environ=sources.environ, files=sources.files)


def read_limits(_: Sources) -> Limits:
    """Read what this process may have."""
    from envkit.machine.limits import read_process_limits

    return read_process_limits()


def read_nvidia(sources: Sources) -> Nvidia:
    """Ask NVIDIA's driver."""
    from envkit.api.facts import Nvidia
    from envkit.machine import nvidia

    if not sources.is_linux:
        return Nvidia()
    return nvidia.read_nvidia(sources.files, environ=sources.environ, run_process=sources.run_process)


def read_cuda(sources: Sources) -> Cuda:
    """Look for CUDA beside the driver."""
    from envkit.machine import cuda

    return cuda.read_cuda(sources.files, environ=sources.environ)


def read_amd(sources: Sources) -> Amd:
    """Look for AMD's GPUs."""
    from envkit.machine import amd

    return amd.read_amd(sources.files, environ=sources.environ)


def read_intel(sources: Sources) -> Intel:
    """Look for Intel's GPUs."""
    from envkit.machine import intel

    return intel.read_intel(sources.files)


def read_apple(sources: Sources) -> Apple:
    """Tell Apple's GPU from the platform."""
    from envkit.machine import apple

    return apple.read_apple(sources.platform)


def read_conda(sources: Sources) -> tuple[CondaTool, ...]:
    """Find conda and its kin."""
    from envkit.machine import conda_tools

    return conda_tools.read_conda(sources.files, environ=sources.environ)


def read_uv(sources: Sources) -> Uv:
    """Find envkit's uv."""
    from envkit.machine import installers

    return installers.read_uv(environ=sources.environ)


def read_pip(sources: Sources) -> Pip:
    """Read pip's configuration."""
    from envkit.machine import installers

    return installers.read_pip(environ=sources.environ)


def read_docker(sources: Sources) -> Docker:
    """Ask Docker's engine; one across the network only where the network is wanted."""
    from envkit.machine import docker

    return docker.read_docker(
        sources.files, environ=sources.environ, asks_network=sources.network is not None
    )


def read_disks(sources: Sources) -> tuple[Disk, ...]:
    """Read the disks of the places."""
    from envkit.machine import disk

    return disk.read_disks(sources.files, sources.places)


def read_hard_links(sources: Sources) -> HardLinks:
    """Try whether files can be linked from uv's cache into environments."""
    from envkit.machine import disk
    from envkit.machine.places import ENVIRONMENTS, UV_CACHE

    return disk.read_hard_links(sources.files, sources.places.get(UV_CACHE), sources.places.get(ENVIRONMENTS))


def read_hugging_face(sources: Sources) -> HuggingFace:
    """Read how models are fetched."""
    from envkit.machine import hugging_face

    return hugging_face.read_hugging_face(sources.files, environ=sources.environ)


def read_torch_sites(sources: Sources) -> tuple[TorchSite, ...]:
    """Read which torch is installed where."""
    from envkit.machine import torch_sites

    return torch_sites.read_torch_sites(sources.files, sources.find_sites())


def read_certificates(sources: Sources) -> tuple[CertificateFile, ...]:
    """Look at the files of certificates that something names."""
    from envkit.machine import certificates

    return certificates.read_certificates(sources.files, environ=sources.environ)


def read_network(sources: Sources) -> tuple[Reach, ...]:
    """Reach for what envkit fetches from, where that is wanted."""
    from envkit.machine import network

    if sources.network is None:
        return ()
    return network.read_network(sources.network, environ=sources.environ)


# Read by whoever asks, before anything else: no other part can do without them, and nothing in them can hang.
IMMEDIATE = ("python", "platform", "variables")
READERS: Mapping[str, Callable[[Sources], Any]] = {
    "interpreters": read_interpreters,
    "cpu": read_cpu,
    "memory": read_memory,
    "limits": read_limits,
    "nvidia": read_nvidia,
    "cuda": read_cuda,
    "amd": read_amd,
    "intel": read_intel,
    "apple": read_apple,
    "conda": read_conda,
    "uv": read_uv,
    "pip": read_pip,
    "docker": read_docker,
    "disks": read_disks,
    "hard_links": read_hard_links,
    "hugging_face": read_hugging_face,
    "torch_sites": read_torch_sites,
    "certificates": read_certificates,
    "network": read_network,
}
NETWORK = "network"
# All that is read unless less is wanted; the network only where it is asked for.
PARTS: tuple[str, ...] = (*IMMEDIATE, *(name for name in READERS if name != NETWORK))
# What facts of version 1 looked at: they do not say so themselves. Of other makers' GPUs they knew nothing, and a torch
# was chosen all the same.
FIRST_PARTS: tuple[str, ...] = (
    *("python", "interpreters", "platform", "cpu", "memory", "nvidia", "disks"),
    *("amd", "intel", "apple"),
)
