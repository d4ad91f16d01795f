"""Find CUDA toolkits, and folders of libraries that come before torch's own. No process is started."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import msgspec

from envkit.api.facts import Cuda, CudaToolkit, LibraryFolder
from envkit.machine.libraries import WSL_LIBRARIES, library_folders, resolve, version_in_name
from envkit.machine.nvidia_library import read_kernel_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.machine.files import Files

# Names as programs ask the loader for them: libcudart.so.12, libcudart.so.11.0, libcublasLt.so.12.
_LIBRARY = re.compile(r"lib(?:cudart|cudnn|cublas|cublasLt|nccl|nvrtc)\.so(?:\.[0-9]+){1,2}")
_DRIVER_LIBRARY = "libcuda.so.1"
_PLACES = ("/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda")
_MARKS = ("bin/nvcc", "version.json", "version.txt", "include/cuda.h")


class _Component(msgspec.Struct, frozen=True):
    version: str = ""


class _Versions(msgspec.Struct, frozen=True):
    cuda: _Component = _Component()


def read_cuda(files: Files, *, environ: Mapping[str, str]) -> Cuda:
    """Return every toolkit once, in the order that builds find them, and what LD_LIBRARY_PATH holds."""
    toolkits: dict[str, CudaToolkit] = {}
    for path, found_by in _candidates(files, environ):
        real = resolve(files, path)
        if real not in toolkits and any(files.exists(f"{real}/{mark}") for mark in _MARKS):
            toolkits[real] = CudaToolkit(path=real, version=_version(files, real), found_by=found_by)
    folders = (
        LibraryFolder(path=folder, libraries=libraries)
        for folder in library_folders(environ)
        if (libraries := _libraries(files, folder))
    )
    return Cuda(toolkits=tuple(toolkits.values()), library_folders=tuple(folders))


def _libraries(files: Files, folder: str) -> tuple[str, ...]:
    names = files.names(folder)
    is_foreign = _DRIVER_LIBRARY in names and _is_foreign_driver(files, f"{folder}/{_DRIVER_LIBRARY}")
    return tuple(
        name for name in names if _LIBRARY.fullmatch(name) or (is_foreign and name == _DRIVER_LIBRARY)
    )


def _is_foreign_driver(files: Files, path: str) -> bool:
    """Tell a stub to link with, or another driver's library, from that of the driver in use.

    Many containers find the driver by LD_LIBRARY_PATH alone: that copy is the right one.
    """
    real = resolve(files, path)
    if real.startswith(f"{WSL_LIBRARIES}/"):
        return False
    version = version_in_name(real)
    if version is None:
        return "stubs" in real.split("/")
    loaded, _ = read_kernel_version(files)
    return loaded is not None and loaded != version


def _candidates(files: Files, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for folder in environ.get("PATH", "").split(os.pathsep):
        if folder.startswith("/") and files.exists(f"{folder}/nvcc"):
            compiler = resolve(files, _behind_script(files, f"{folder}/nvcc"))
            yield compiler.rpartition("/")[0].removesuffix("/bin"), "PATH"
    for name in ("CUDA_HOME", "CUDA_PATH"):
        if environ.get(name, "").startswith("/"):
            yield environ[name], name
    for path in _PLACES:
        yield path, path
    for name in files.names("/usr/local"):
        if name.startswith("cuda-"):
            yield f"/usr/local/{name}", f"/usr/local/{name}"


def _behind_script(files: Files, path: str) -> str:
    """Return the compiler that a script named nvcc starts, as Debian has one in /usr/bin."""
    script = files.text(path, limit=4096) or ""
    named = (
        re.search(r"(?<![^\s\"'])/[^\s\"'$]+/nvcc(?![^\s\"'])", script) if script.startswith("#!") else None
    )
    return named[0] if named and files.exists(named[0]) else path


def _version(files: Files, folder: str) -> str | None:
    """Return the toolkit's version by what its makers wrote into it, at last by the folder's name."""
    return (
        _json_version(files, f"{folder}/version.json")
        or _match(r"\s*CUDA Version ([0-9]+(?:\.[0-9]+)+)", files.text(f"{folder}/version.txt", limit=256))
        or _header_version(files, folder)
        or _match(r".*/cuda-([0-9]+(?:\.[0-9]+)+)$", folder)
    )


def _json_version(files: Files, path: str) -> str | None:
    text = files.text(path)
    if text is None:
        return None
    try:
        said = msgspec.json.decode(text, type=_Versions).cuda.version
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        files.note(path, f"it is not the JSON of a CUDA toolkit: {error}")
        return None
    return _match(r"([0-9]+(?:\.[0-9]+)+)$", said)


def _header_version(files: Files, folder: str) -> str | None:
    # conda's packages write no version file; the header counts 1000 a major and 10 a minor version.
    targets = [f"{folder}/targets/{name}" for name in files.names(f"{folder}/targets")]
    for path in (folder, *targets):
        number = re.search(
            r"^#define CUDA_VERSION ([0-9]{4,6})\s*$",
            files.text(f"{path}/include/cuda.h") or "",
            re.MULTILINE,
        )
        if number:
            return f"{int(number[1]) // 1000}.{int(number[1]) % 1000 // 10}"
    return None


def _match(pattern: str, text: str | None) -> str | None:
    found = re.match(pattern, text or "")
    return found[1] if found else None
