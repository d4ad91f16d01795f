"""Probe which torch family lies in a folder of packages: by names of folders and one small file, never by import."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.facts import InstalledPackage, TorchSite

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from envkit.machine.files import Files

# triton comes under another name beside some builds of torch.
FAMILY = (
    *("torch", "torchvision", "torchaudio", "torchao", "transformers", "triton", "pytorch-triton"),
    *("pytorch-triton-rocm", "pytorch-triton-xpu", "triton-rocm", "triton-xpu", "bitsandbytes", "flash-attn"),
    "xformers",
)
# Packages that say in a file of their own what they were built for. The wheel on the package index is `2.15.0` by
# its metadata and `2.15.0+cu132` by this file.
_VERSION_FILES = ("torch", "torchvision", "torchaudio")
_INFO = re.compile(r"(?P<name>[A-Za-z0-9._-]+?)-(?P<version>\d[^-]*)(?:-py[\d.]+)?\.(?:dist|egg)-info")
# `cuda: Optional[str] = '13.2'`, and None, which is an empty text.
_ASSIGNED = re.compile(
    r"""^(?P<name>\w+) *(?::[^=\n]*)?= *(?:None\b|['"](?P<text>[^'"\n]*)['"])""", re.MULTILINE
)
_TAG = re.compile(r"cu\d{2,3}|rocm\d+(?:\.\d+)*|xpu|cpu")


@dataclass(frozen=True)
class TorchPlace:
    """A folder of packages (``site-packages``), and the version of its Python as ``3.12``, where it is known."""

    path: Path
    python: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """A folder of metadata beside packages: ``torch-2.15.0.dist-info``. ``name`` is in normal form."""

    name: str
    version: str
    folder: str


def read_torch_sites(files: Files, sites: Mapping[str, TorchPlace]) -> tuple[TorchSite, ...]:
    """Return the torch family of each place; a place that cannot be read is noted."""
    found = []
    for environment, place in sites.items():
        try:
            metadata = list_metadata(place.path, FAMILY)
        except OSError as error:
            files.note(str(place.path), error.strerror or str(error))
            continue
        found.append(
            TorchSite(
                environment=environment,
                path=str(place.path),
                python=place.python,
                packages=_packages(files, place.path, metadata),
            )
        )
    return tuple(found)


def list_metadata(site: Path, names: Collection[str]) -> list[Metadata]:
    """Return what a folder of packages holds of these names, in their order. Raises: OSError."""
    found = []
    for folder in os.listdir(site):  # noqa: PTH208  # thousands of entries
        if match := _INFO.fullmatch(folder):
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            if name in names:
                found.append(Metadata(name=name, version=match["version"], folder=folder))
    order = {name: place for place, name in enumerate(names)}
    return sorted(found, key=lambda each: (order[each.name], each.folder))


def _packages(files: Files, site: Path, metadata: list[Metadata]) -> tuple[InstalledPackage, ...]:
    packages = []
    for name in FAMILY:
        versions = _whole(files, site, [each for each in metadata if each.name == name])
        module = _read_version_file(site / name / "version.py") if name in _VERSION_FILES else {}
        own = module.get("__version__")
        if len(versions) > 1:
            files.note(str(site), f"{name} is there twice: {', '.join(versions)}")
        version = next((v for v in versions if own and _public(v) == _public(own)), None)
        version = version or (versions[-1] if versions else own)
        if version is not None:
            build = _build(module) or _tag(version)
            packages.append(InstalledPackage(name=name, version=version, build=build))
    return tuple(packages)


def _whole(files: Files, site: Path, metadata: list[Metadata]) -> list[str]:
    """Return the versions of what is really installed: an installer that was killed leaves empty folders."""
    versions = []
    for each in metadata:
        folder = site / each.folder
        if folder.is_file() or (folder / "METADATA").is_file() or (folder / "PKG-INFO").is_file():
            versions.append(each.version)
        else:
            files.note(str(folder), "it has no METADATA: the package was removed or installed by half")
    return versions


def _read_version_file(file: Path) -> dict[str, str]:
    """Return the texts that a module assigns at its top."""
    try:
        with file.open("rb") as opened:
            text = opened.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return {}
    return {match["name"]: match["text"] or "" for match in _ASSIGNED.finditer(text)}


def _build(module: Mapping[str, str]) -> str | None:
    """Return what a module was built for, by the tag of its version, else by what it was compiled with.

    conda's builds and those that were made by hand have no tag.
    """
    if tag := _tag(module.get("__version__", "")):
        return tag
    if cuda := _digits(module.get("cuda")):
        return "cu" + "".join(cuda[:2])
    if rocm := _digits(module.get("rocm") or module.get("hip")):
        return "rocm" + ".".join(rocm[:2])
    if module.get("xpu"):
        return "xpu"
    return "cpu" if "cuda" in module else None  # files of torchvision and torchaudio do not say


def _tag(version: str) -> str | None:
    match = _TAG.match(version.partition("+")[2])
    return match[0] if match else None


def _digits(version: str | None) -> list[str]:
    return re.findall(r"\d+", version or "")[:3]


def _public(version: str) -> str:
    return version.partition("+")[0]
