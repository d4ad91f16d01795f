"""What is read off a machine, as one frozen record: no judgement in it.

Fields are only ever added; ``version`` counts the changes that a reader must know of. A value that could
not be read is None or empty and says why in ``MachineFacts.unread``. Addresses carry no passwords.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from envkit.api.accelerators import (
    Amd,
    AmdGpu,
    Apple,
    Cuda,
    CudaToolkit,
    DeviceFile,
    Gpu,
    Intel,
    IntelGpu,
    LibraryFolder,
    Nvidia,
)
from envkit.api.software import (
    CondaTool,
    Docker,
    DockerState,
    FoundInterpreter,
    HuggingFace,
    InstalledPackage,
    Interpreter,
    Pip,
    PipSetting,
    TorchSite,
    Uv,
)

__all__ = [
    "FACTS_VERSION",
    "Amd",
    "AmdGpu",
    "Apple",
    "CertificateFile",
    "CondaTool",
    "Cpu",
    "Cuda",
    "CudaToolkit",
    "DeviceFile",
    "Disk",
    "Docker",
    "DockerState",
    "FoundInterpreter",
    "Gpu",
    "HardLinks",
    "HuggingFace",
    "InstalledPackage",
    "Intel",
    "IntelGpu",
    "Interpreter",
    "LibraryFolder",
    "Limits",
    "MachineFacts",
    "Memory",
    "Nvidia",
    "Pip",
    "PipSetting",
    "Platform",
    "Reach",
    "ReachState",
    "TorchSite",
    "Unread",
    "Uv",
    "Variable",
]

FACTS_VERSION = 2


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """The operating system. ``machine`` is the kernel's word: ``x86_64``, ``aarch64``, ``arm64``.

    ``system`` is ``linux``, ``darwin`` or ``windows``; ``os_version`` the release's own number (``12``
    for Debian, ``14.5`` for macOS); ``libc`` is ``glibc`` or ``musl``, on Linux alone. ``is_jetson`` tells one
    of NVIDIA's boards, whose GPU is part of the processor.
    """

    system: str
    machine: str
    kernel: str
    os_name: str | None = None
    os_version: str | None = None
    libc: str | None = None
    libc_version: str | None = None
    is_wsl: bool = False
    is_container: bool = False
    is_jetson: bool = False


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """The processor as this process may use it.

    Cores are those of the process's affinity; ``quota`` is the control group's share, in cores.
    ``features`` names those that decide how fast a model computes, as the kernel spells them.
    """

    model: str | None = None
    physical_cores: int | None = None
    logical_cores: int | None = None
    quota: float | None = None
    features: tuple[str, ...] = ()


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Main memory in bytes; ``limit`` is the control group's, None where there is none.

    ``shared_total`` and ``shared_free`` are those of /dev/shm, which data loaders hand batches through.
    """

    total: int | None = None
    available: int | None = None
    limit: int | None = None
    shared_total: int | None = None
    shared_free: int | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What this process may have at most; None is no limit. ``open_files_hard`` is what it may ask for."""

    open_files: int | None = None
    open_files_hard: int | None = None
    processes: int | None = None


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The disk that holds ``path``, in bytes. ``existing`` is the nearest folder that exists already.

    ``purpose`` is what it is for: ``environments``, ``runs``, ``uv cache``, ``hub cache``, ``temporary files``,
    ``docker``. ``file_system`` is the kernel's word (``ext4``, ``nfs4``), ``mount`` where it is mounted.
    """

    path: str
    existing: str
    total: int
    free: int
    purpose: str = ""
    file_system: str | None = None
    mount: str | None = None
    is_writable: bool | None = None
    is_network: bool = False
    inodes_total: int | None = None
    inodes_free: int | None = None


class HardLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Whether files of uv's cache can be linked into environments instead of copied; None is unknown."""

    works: bool | None = None
    why: str | None = None


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable that changes how Python, installers or GPUs behave; passwords in it are masked."""

    name: str
    value: str


class CertificateFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of certificates that something names; ``problem`` is what is wrong with it, in words."""

    path: str
    named_by: str
    problem: str | None = None


ReachState = Literal["reached", "refused", "no name", "timeout", "certificate", "proxy", "status", "failed"]


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an address that envkit fetches from was reached, in how many seconds.

    ``what`` is ``package index``, ``torch index``, ``model hub`` or ``conda channel``; ``proxy`` is the one
    that the way goes through. ``detail`` says in words what happened; ``cause`` tells kinds of one state apart
    (``unknown issuer``, ``expired``, ``wrong host``, ``password``, …), ``status`` is the HTTP status that came.
    ``source`` is the setting that gave the address, ``trust`` the one that names the certificates trusted.
    """

    what: str
    address: str
    state: ReachState
    detail: str = ""
    proxy: str | None = None
    seconds: float | None = None
    cause: str = ""
    status: int | None = None
    source: str | None = None
    trust: str | None = None


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be read, and why. ``part`` is the field of MachineFacts that it belongs to.

    ``is_whole`` tells that nothing of the part could be read, because its probe gave no answer.
    """

    what: str
    why: str
    part: str = ""
    is_whole: bool = False


class MachineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts of one machine. ``taken_at`` is an ISO 8601 time in UTC.

    ``parts`` are the names of the fields that were looked at: the others say nothing. ``network`` is looked
    at only where that was asked for.
    """

    taken_at: str
    python: Interpreter
    platform: Platform
    cpu: Cpu
    memory: Memory
    nvidia: Nvidia
    interpreters: tuple[FoundInterpreter, ...] = ()
    disks: tuple[Disk, ...] = ()
    unread: tuple[Unread, ...] = ()
    version: int = FACTS_VERSION
    parts: tuple[str, ...] = ()
    limits: Limits = Limits()
    cuda: Cuda = Cuda()
    amd: Amd = Amd()
    intel: Intel = Intel()
    apple: Apple = Apple()
    conda: tuple[CondaTool, ...] = ()
    uv: Uv = Uv()
    pip: Pip = Pip()
    docker: Docker = Docker()
    hard_links: HardLinks = HardLinks()
    hugging_face: HuggingFace = HuggingFace()
    torch_sites: tuple[TorchSite, ...] = ()
    variables: tuple[Variable, ...] = ()
    certificates: tuple[CertificateFile, ...] = ()
    network: tuple[Reach, ...] = ()

    def variable(self, name: str) -> str | None:
        """Return the value of a variable, None where it is not set."""
        return next((each.value for each in self.variables if each.name == name), None)
