"""What is read off a machine, as one frozen record: no judgement in it.

Fields are only ever added; ``version`` counts the changes that a reader must know of. A value that could
not be read is None or empty and says why in ``MachineFacts.unread``. Addresses carry no passwords.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FACTS_VERSION = 2


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """The Python that runs: ``version`` as ``3.11.2``, ``implementation`` as ``cpython``.

    ``origin`` is who made it: ``system``, ``pyenv``, ``uv``, ``conda``, ``homebrew``, ``python.org``, ``asdf``,
    ``nix``, or None where its place does not tell. ``prefix`` differs from ``base_prefix`` in a venv.
    ``externally_managed`` is the file of PEP 668, where there is one and this is no venv; ``user_site`` the
    user's own folder of packages, where this Python reads it.
    """

    path: str
    version: str
    implementation: str
    is_64bit: bool
    origin: str | None = None
    prefix: str | None = None
    base_prefix: str | None = None
    externally_managed: str | None = None
    user_site: str | None = None


class FoundInterpreter(msgspec.Struct, frozen=True, kw_only=True):
    """Another Python on PATH: its version as far as its name tells it (``3.12``)."""

    path: str
    version: str
    origin: str | None = None


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


class DeviceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of /dev: whether this user may read and write it, and by whom it can be (``mode`` as ``660``)."""

    path: str
    is_usable: bool
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """A physical NVIDIA GPU: ``compute_capability`` as ``8.6``, ``memory`` in bytes.

    ``compute_capability`` is None for a GPU that was seen but that no driver answered for. ``mig`` is True
    where the GPU is cut into instances; ``compute_mode`` is ``default``, ``exclusive`` or ``prohibited``.
    """

    index: int
    name: str
    compute_capability: str | None = None
    memory: int | None = None
    uuid: str | None = None
    mig: bool | None = None
    compute_mode: str | None = None


class Nvidia(msgspec.Struct, frozen=True, kw_only=True):
    """NVIDIA's driver and every physical GPU, whatever CUDA_VISIBLE_DEVICES says.

    ``driver_source`` is the file or the library that told the version; ``pci_devices`` are the bus
    addresses of NVIDIA display devices, with or without a driver. ``library_version`` is that of the driver's
    half in user space (libcuda, NVML), which has to be the kernel module's, and None inside WSL, where the other
    half is Windows's; ``cuda_version`` the newest CUDA that the driver itself speaks, as ``13.0``. ``has_nouveau`` tells that the free driver holds the GPUs.
    ``wsl_linux_driver`` is a library of a driver for Linux that was installed inside WSL.
    """

    driver_version: str | None = None
    driver_source: str | None = None
    gpus: tuple[Gpu, ...] = ()
    pci_devices: tuple[str, ...] = ()
    library_version: str | None = None
    library_file: str | None = None
    cuda_version: str | None = None
    has_nouveau: bool = False
    devices: tuple[DeviceFile, ...] = ()
    wsl_linux_driver: str | None = None


class CudaToolkit(msgspec.Struct, frozen=True, kw_only=True):
    """An installed CUDA toolkit. ``found_by`` is ``PATH``, ``CUDA_HOME`` or the folder that it was seen in."""

    path: str
    version: str | None = None
    found_by: str = ""


class LibraryFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of LD_LIBRARY_PATH, and the libraries in it that torch brings its own copies of.

    ``libcuda.so.1`` is among them where it is a stub or another driver's, not where it is the loaded driver's.
    """

    path: str
    libraries: tuple[str, ...] = ()


class Cuda(msgspec.Struct, frozen=True, kw_only=True):
    """What of CUDA lies on this machine besides the driver; torch's wheels need none of it."""

    toolkits: tuple[CudaToolkit, ...] = ()
    library_folders: tuple[LibraryFolder, ...] = ()


class AmdGpu(msgspec.Struct, frozen=True, kw_only=True):
    """An AMD GPU: ``target`` is the compiler's word for it (``gfx1100``), ``memory`` in bytes.

    ``target`` is None for a GPU of the PCI bus that the kernel's compute driver does not show.
    """

    name: str
    target: str | None = None
    memory: int | None = None
    is_integrated: bool = False


class Amd(msgspec.Struct, frozen=True, kw_only=True):
    """AMD's driver, GPUs and ROCm, as ``6.4.1``; ROCm is None where it is not installed.

    ``driver_version`` is AMD's own package's; the driver that comes with the kernel has none.
    """

    driver_version: str | None = None
    rocm_version: str | None = None
    gpus: tuple[AmdGpu, ...] = ()
    devices: tuple[DeviceFile, ...] = ()


class IntelGpu(msgspec.Struct, frozen=True, kw_only=True):
    """An Intel GPU: ``pci_id`` is its device number as ``0x56a0``."""

    name: str
    pci_id: str | None = None
    is_integrated: bool = False


class Intel(msgspec.Struct, frozen=True, kw_only=True):
    """Intel's GPUs; ``has_level_zero`` tells that the loader which torch's XPU builds need is installed."""

    gpus: tuple[IntelGpu, ...] = ()
    has_level_zero: bool = False
    devices: tuple[DeviceFile, ...] = ()


class Apple(msgspec.Struct, frozen=True, kw_only=True):
    """Apple's GPU: whether torch can compute on it through MPS (Apple silicon, macOS 12.3 or newer)."""

    has_mps: bool = False


class CondaTool(msgspec.Struct, frozen=True, kw_only=True):
    """conda, mamba, micromamba or pixi. ``solver`` is conda's, where its configuration names one."""

    name: str
    path: str
    version: str | None = None
    solver: str | None = None


class Uv(msgspec.Struct, frozen=True, kw_only=True):
    """The uv that envkit uses: None where it has none."""

    path: str | None = None
    version: str | None = None
    cache_dir: str | None = None


class PipSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of pip, with the file or the variable that it is from; passwords in it are masked."""

    name: str
    value: str
    source: str


class Pip(msgspec.Struct, frozen=True, kw_only=True):
    """pip and its configuration; ``problem`` says why the configuration cannot be read."""

    version: str | None = None
    settings: tuple[PipSetting, ...] = ()
    problem: str | None = None


DockerState = Literal[
    "absent", "running", "stopped", "no permission", "no such context", "silent", "not asked", "broken"
]


class Docker(msgspec.Struct, frozen=True, kw_only=True):
    """The engine that the docker command here would speak to.

    ``state`` is ``absent`` where there is neither command nor socket, ``silent`` where a socket takes calls and
    gives no answer in time, ``not asked`` for an engine across the network while no network was wanted, and
    ``broken`` where it answers nonsense; ``why`` says it in words. ``others`` are sockets that answer while
    the chosen one does not. ``buildx`` is the file of docker's BuildKit plugin. ``root_free`` is in bytes, where
    the engine's folder lies here. ``kind`` is ``docker`` or ``podman``.
    """

    state: DockerState = "absent"
    why: str | None = None
    command: str | None = None
    context: str | None = None
    contexts: tuple[str, ...] = ()
    endpoint: str | None = None
    endpoint_source: str | None = None
    socket: DeviceFile | None = None
    others: tuple[str, ...] = ()
    kind: str | None = None
    version: str | None = None
    api_version: str | None = None
    platform: str | None = None
    root_dir: str | None = None
    root_free: int | None = None
    storage_driver: str | None = None
    cgroup_driver: str | None = None
    is_rootless: bool = False
    is_snap: bool = False
    runtimes: tuple[str, ...] = ()
    cdi_devices: tuple[str, ...] = ()
    buildx: str | None = None
    has_buildkit: bool | None = None


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


class HuggingFace(msgspec.Struct, frozen=True, kw_only=True):
    """How models are fetched. ``token_source`` is a variable or ``file``; the token itself is not read."""

    home: str | None = None
    cache_dir: str | None = None
    endpoint: str | None = None
    is_offline: bool = False
    token_source: str | None = None
    token_file: str | None = None
    token_file_mode: str | None = None


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package as its metadata names it. ``build`` is what torch's own version file adds: ``cu130``, ``cpu``."""

    name: str
    version: str
    build: str | None = None


class TorchSite(msgspec.Struct, frozen=True, kw_only=True):
    """The torch family in one place: ``environment`` is a managed environment's name, empty for this Python."""

    environment: str
    path: str
    python: str | None = None
    packages: tuple[InstalledPackage, ...] = ()


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
