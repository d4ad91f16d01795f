"""Records of a machine's GPUs, their drivers and their libraries.

Authors import them from ``envkit.api.facts``.
"""

from __future__ import annotations

import msgspec


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
