"""What is read off a machine, as one frozen record: no judgement in it.

Fields are only ever added; ``version`` counts the changes that a reader must know of. A value that could
not be read is None and says why in ``MachineFacts.unread``.
"""

from __future__ import annotations

import msgspec

FACTS_VERSION = 1


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """The Python that runs: ``version`` as ``3.11.2``, ``implementation`` as ``cpython``."""

    path: str
    version: str
    implementation: str
    is_64bit: bool


class FoundInterpreter(msgspec.Struct, frozen=True, kw_only=True):
    """Another Python on PATH: its version as far as its name tells it (``3.12``)."""

    path: str
    version: str


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """The operating system. ``machine`` is the kernel's word: ``x86_64``, ``aarch64``, ``arm64``.

    ``system`` is ``linux``, ``darwin`` or ``windows``; ``os_version`` the release's own number (``12``
    for Debian, ``14.5`` for macOS); ``libc`` is ``glibc`` or ``musl``, on Linux alone.
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
    """Main memory in bytes; ``limit`` is the control group's, None where there is none."""

    total: int | None = None
    available: int | None = None
    limit: int | None = None


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """A physical NVIDIA GPU: ``compute_capability`` as ``8.6``, ``memory`` in bytes.

    ``compute_capability`` is None for a GPU that was seen but that no driver answered for.
    """

    index: int
    name: str
    compute_capability: str | None = None
    memory: int | None = None
    uuid: str | None = None


class Nvidia(msgspec.Struct, frozen=True, kw_only=True):
    """NVIDIA's driver and every physical GPU, whatever CUDA_VISIBLE_DEVICES says.

    ``driver_source`` is the file or the library that told the version; ``pci_devices`` are the bus
    addresses of NVIDIA display devices, with or without a driver.
    """

    driver_version: str | None = None
    driver_source: str | None = None
    gpus: tuple[Gpu, ...] = ()
    pci_devices: tuple[str, ...] = ()


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The disk that holds ``path``, in bytes. ``existing`` is the nearest folder that exists already."""

    path: str
    existing: str
    total: int
    free: int


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be read, and why."""

    what: str
    why: str


class MachineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts of one machine. ``taken_at`` is an ISO 8601 time in UTC."""

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
