"""Conda channels in folders, built from this interpreter's own tree, for a solver and an installer to use for real."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import struct
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from required import require_dists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PYTHON = ".".join(map(str, sys.version_info[:3]))
MINOR = ".".join(map(str, sys.version_info[:2]))
# What conda-build fills a prefix with that the installer is to write over; 255 bytes, as there.
PLACEHOLDER = ("/opt/placeholder" + "_placehold" * 24)[:255]
_LEFT_OUT = {
    "site-packages",
    "dist-packages",
    "__pycache__",
    "test",
    "idlelib",
    "turtledemo",
    "tkinter",
    "lib2to3",
}
_LEFT_OUT |= {"EXTERNALLY-MANAGED", "ensurepip"}  # a distribution's word on its own Python; wheels of a pip
_BLOCK = 128 * 1024 - 1  # zstd's largest block


def require_conda() -> None:
    """Go on where what the extra `conda` brings is installed."""
    require_dists("conda", "py-rattler", "pyyaml")


def current_subdir() -> str:
    """Return conda's name of this machine's kind."""
    import platform

    system = {"linux": "linux", "darwin": "osx"}[sys.platform]
    machine = {"x86_64": "64", "amd64": "64"}.get(platform.machine().lower(), platform.machine().lower())
    return f"{system}-{machine}"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package to be built: ``files`` by their path in it; ``placeholders`` say which of them hold the prefix."""

    name: str
    version: str
    build: str = "0"
    depends: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    executables: tuple[str, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)
    noarch: str | None = None
    entry_points: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Return the name of its file without what its format adds."""
        return f"{self.name}-{self.version}-{self.build}"


@dataclass(frozen=True)
class LocalChannel:
    """A channel in a folder."""

    folder: Path

    @property
    def url(self) -> str:
        """Return its address."""
        return self.folder.as_uri()

    def file(self, stem: str) -> Path:
        """Return the file of a package."""
        return next(self.folder.glob(f"*/{stem}*"))


def build_channel(folder: Path, packages: Iterable[tuple[Package, str]]) -> LocalChannel:
    """Write packages, each with its format (``.conda`` or ``.tar.bz2``), and their index."""
    from rattler.index import index_fs

    (folder / "noarch").mkdir(parents=True)
    for package, form in packages:
        write_package(package, folder / ("noarch" if package.noarch else current_subdir()), form=form)
    asyncio.run(index_fs(folder))
    return LocalChannel(folder)


def write_package(package: Package, folder: Path, *, form: str) -> Path:
    """Write one package into a channel's folder and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    info = dict(_info(package))
    file = folder / f"{package.stem}{form}"
    if form == ".tar.bz2":
        with tarfile.open(file, "w:bz2", compresslevel=1) as archive:
            _fill(archive, {**info, **package.files}, package)
        return file
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as outer:
        outer.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        for part, files, links in (("pkg", package.files, True), ("info", info, False)):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as archive:
                _fill(archive, files, package if links else None)
            outer.writestr(f"{part}-{package.stem}.tar.zst", _zstd(buffer.getvalue()))
    return file


def _fill(archive: tarfile.TarFile, files: Mapping[str, bytes], package: Package | None) -> None:
    executables = package.executables if package else ()
    for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o755 if name in executables else 0o644
        archive.addfile(member, io.BytesIO(content))
    for name, target in (package.links if package else {}).items():
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
        archive.addfile(member)


def _info(package: Package) -> Iterator[tuple[str, bytes]]:
    index: dict[str, Any] = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": 0,
        "depends": list(package.depends),
        "constrains": [],
        "subdir": "noarch" if package.noarch else current_subdir(),
    }
    if package.noarch:
        index["noarch"] = package.noarch
    yield "info/index.json", json.dumps(index).encode()
    paths = []
    for name, content in package.files.items():
        path: dict[str, Any] = {
            "_path": name,
            "path_type": "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        if name in package.placeholders:
            path |= {"prefix_placeholder": PLACEHOLDER, "file_mode": package.placeholders[name]}
        paths.append(path)
    paths += [{"_path": name, "path_type": "softlink"} for name in package.links]
    yield "info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode()
    yield "info/files", "".join(f"{name}\n" for name in (*package.files, *package.links)).encode()
    if package.noarch == "python":
        link = {
            "noarch": {"type": "python", "entry_points": list(package.entry_points)},
            "package_metadata_version": 1,
        }
        yield "info/link.json", json.dumps(link).encode()


def _zstd(content: bytes) -> bytes:
    """Return a zstd frame of uncompressed blocks: what every reader takes, and no library is needed for."""
    # One segment, its size in eight bytes, no checksum. Source: RFC 8878, 3.1.1.
    parts = [struct.pack("<IBQ", 0xFD2FB528, 0b1110_0000, len(content))]
    for start in range(0, max(len(content), 1), _BLOCK):
        block = content[start : start + _BLOCK]
        is_last = start + _BLOCK >= len(content)
        parts += [struct.pack("<I", len(block) << 3 | is_last)[:3], block]
    return b"".join(parts)


def python_package() -> Package:
    """Return a package of this interpreter: its binary, its standard library and its shared library."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    base = Path(sys.base_prefix)
    binary = Path(os.path.realpath(sys.executable))
    files: dict[str, bytes] = {f"bin/python{MINOR}": binary.read_bytes()}
    for file in _sources(stdlib):
        files[f"lib/python{MINOR}/{file.relative_to(stdlib)}"] = file.read_bytes()
    links = {"bin/python": f"python{MINOR}", "bin/python3": f"python{MINOR}"}
    for file in (base / "lib").glob(f"libpython{MINOR}*.so*"):
        if file.is_symlink():
            links[f"lib/{file.name}"] = str(file.readlink())
        else:
            files[f"lib/{file.name}"] = file.read_bytes()
    files[f"lib/python{MINOR}/site-packages/README.txt"] = b"Packages of this environment.\n"
    files["bin/where-it-is"] = f"#!/bin/sh\necho {PLACEHOLDER}\n".encode()
    files["lib/where-it-is.bin"] = b"\0\1" + PLACEHOLDER.encode() + b"\0\2"
    return Package(
        name="python",
        version=PYTHON,
        build=f"h0_0_cpython{MINOR.replace('.', '')}",
        files=files,
        executables=(f"bin/python{MINOR}", "bin/where-it-is"),
        placeholders={"bin/where-it-is": "text", "lib/where-it-is.bin": "binary"},
        links=links,
    )


def _sources(stdlib: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(stdlib):
        folders[:] = sorted(
            name for name in folders if name not in _LEFT_OUT and not name.startswith("config-")
        )
        for name in sorted(names):
            if name not in _LEFT_OUT and not name.endswith((".pyc", ".a")):
                yield Path(folder, name)


def small_packages() -> list[tuple[Package, str]]:
    """Return packages of every kind, with their formats."""
    site = f"lib/python{MINOR}/site-packages"
    module = b"def main():\n    print('hello from', __name__)\n"
    return [
        (Package(name="wordlist", version="1.0", files={"share/wordlist.txt": b"a\n"}), ".tar.bz2"),
        (Package(name="wordlist", version="2.0", files={"share/wordlist.txt": b"a\nb\n"}), ".conda"),
        (
            Package(
                name="built-module",
                version="1.1",
                depends=("python", "wordlist >=1.0"),
                files={f"{site}/built_module.py": module},
            ),
            ".tar.bz2",
        ),
        (
            Package(
                name="hello",
                version="0.3",
                depends=("python >=3.8",),
                noarch="python",
                entry_points=("say-hello = hello:main",),
                files={"site-packages/hello.py": module},
            ),
            ".conda",
        ),
        (Package(name="fonts", version="1", noarch="generic", files={"share/font": b"x"}), ".conda"),
        (
            Package(
                name="settings",
                version="1",
                files={
                    "etc/conda/activate.d/settings.sh": b'export SETTINGS_DIR="$CONDA_PREFIX/share"\n'
                    b"echo noise on stdout\nexport SETTINGS_LINES='one\ntwo'\n",
                    "etc/conda/deactivate.d/settings.sh": b"unset SETTINGS_DIR SETTINGS_LINES\n",
                    "etc/conda/env_vars.d/settings.json": b'{"settings_level": "3", "SETTINGS_LEVEL": "4"}',
                    "bin/.settings-post-link.sh": b'#!/bin/sh\necho "$PREFIX" > "$PREFIX/share-linked"\n',
                },
                executables=("bin/.settings-post-link.sh",),
            ),
            ".conda",
        ),
        (
            Package(name="gpu-sums", version="1", depends=("__cuda >=12.4",), files={"share/gpu": b"1"}),
            ".conda",
        ),
        (Package(name="broken-needs", version="1", depends=("no-such-package >=3",)), ".conda"),
    ]


def other_packages() -> list[tuple[Package, str]]:
    """Return packages of a second channel: one newer than the first channel's, one that only it has."""
    return [
        (Package(name="wordlist", version="9.0", files={"share/wordlist.txt": b"other\n"}), ".conda"),
        (Package(name="only-here", version="1", files={"share/only": b"1"}), ".conda"),
    ]
