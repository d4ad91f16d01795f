"""The files of an image's environment, each by its hash: what was changed, what belongs to nobody, whose Python it is."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from envkit.images.inspection.file_tree import follow_links
from envkit.images.inspection.findings import ImageFinding, some
from envkit.images.layout import ENV_PREFIX, IMAGE_PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envkit.images.inspection.file_tree import PlacedFile
    from envkit.images.inspection.installed import InstalledPackage, RecordLine

_BYTECODE = re.compile(
    r"(?P<folder>.*)/__pycache__/(?P<module>[^/]+?)\.[a-z]+-?\d+[a-z]*(?:\.opt-[^/.]+)?(?:-pytest-[\d.a-z]+)?\.pyc"
)
_INTERPRETER = re.compile(rf"{re.escape(ENV_PREFIX)}/bin/python[\d.]*")
# What installers write besides the files of a wheel, some of them without a hash.
_OF_INSTALLERS = frozenset(
    {
        "RECORD",
        "RECORD.jws",
        "RECORD.p7s",
        "INSTALLER",
        "REQUESTED",
        "direct_url.json",
        "uv_build.json",
        "uv_cache.json",
    }
)
# What uv itself writes into environments of some Pythons, by hash, as uv 0.13.9 does.
_OF_UV = {
    "_virtualenv.pth": "69ac3d8f27e679c81b94ab30b3b56e9cd138219b1ba94a1fa3606d5a76a1433d",
    "_virtualenv.py": "cfb3db86aaa53bb62b5ff764970bec2d71c9228590a0ebec57f6ec926cc0bf1a",
}
_REBUILD = "Build it anew: envkit build --help"


def lines_without_hash(package: InstalledPackage) -> tuple[str, ...]:
    """Return the files that a RECORD lists and gives no hash of, where it should."""
    return tuple(
        line.path
        for line in package.record
        if not line.sha256
        and not _BYTECODE.fullmatch(line.path)
        and not (
            posixpath.dirname(line.path) == package.info and posixpath.basename(line.path) in _OF_INSTALLERS
        )
    )


def check_files(
    tree: Mapping[str, PlacedFile], packages: Sequence[InstalledPackage]
) -> Iterator[ImageFinding]:
    """Compare each file of an environment with the RECORD that lists it, and name those that none does."""
    hashed: set[str] = set()
    listed: set[str] = set()
    for package in packages:
        lines = package.record
        if not lines:
            yield ImageFinding(text=f"{package.name} has no RECORD of its files", hint=_REBUILD)
        listed.update(line.path for line in lines)
        hashed.update(line.path for line in lines if line.sha256)
        gone = [line.path for line in lines if line.path not in tree and not line.path.endswith(".pyc")]
        changed = [line.path for line in lines if _is_changed(tree, line)]
        title = f"{package.name} {package.version}"
        if gone:
            yield ImageFinding(text=f"of {title} files are missing: {some(gone)}", hint=_REBUILD)
        if changed:
            yield ImageFinding(text=f"of {title} files were changed: {some(changed)}", hint=_REBUILD)
    libraries = sorted({package.library for package in packages})
    below = tuple(f"{library}/" for library in libraries)
    of_uv = {f"{library}/{name}": digest for library in libraries for name, digest in _OF_UV.items()}
    strange = [
        path
        for path, placed in tree.items()
        if path.startswith(below)
        and placed.entry.kind != "folder"
        and not (_is_compiled(path, tree) or path in hashed if path.endswith(".pyc") else path in listed)
        and (path not in of_uv or _digest(placed) != of_uv[path])
    ]
    if strange:
        yield ImageFinding(text=f"files belong to no package: {some(strange)}", hint=_REBUILD)


def check_interpreters(tree: Mapping[str, PlacedFile], *, base_layers: int | None) -> Iterator[ImageFinding]:
    """Check that an environment's Python is the base's; without the base, that no layer above it put it there."""
    for path in sorted({IMAGE_PYTHON, *filter(_INTERPRETER.fullmatch, tree)}):
        text = _fault_of(path, tree, base_layers=base_layers)
        if text:
            yield ImageFinding(text=f"{path} {text}", hint=_REBUILD)


def _fault_of(path: str, tree: Mapping[str, PlacedFile], *, base_layers: int | None) -> str:
    link = tree.get(path)
    if link is None:
        return "is not there"
    if link.entry.kind != "link":
        return "is no link to the Python of the base"
    found = follow_links(tree, path)
    if found is None or found.entry.kind != "file":
        return f"leads to {link.entry.target}, where no file is"
    if found.entry.path.startswith(f"{ENV_PREFIX}/") or found.layer > (base_layers or link.layer):
        return f"leads to {found.entry.path}, which is not the base's: layer {found.layer} has put it there"
    return ""


def _is_changed(tree: Mapping[str, PlacedFile], line: RecordLine) -> bool:
    """Tell whether there is something else; a link is, and what could not be read may be."""
    placed = tree.get(line.path)
    return bool(line.sha256) and placed is not None and _digest(placed) != line.sha256


def _digest(placed: PlacedFile) -> str:
    """Return the hash of a file that was read, empty for all else."""
    reading = placed.entry.reading if placed.entry.kind == "file" else None
    return reading.sha256 if reading is not None else ""


def _is_compiled(path: str, tree: Mapping[str, PlacedFile]) -> bool:
    """Tell whether Python takes this bytecode only for a module that is there as source."""
    found = _BYTECODE.fullmatch(path)
    return found is not None and f"{found['folder']}/{found['module']}.py" in tree
