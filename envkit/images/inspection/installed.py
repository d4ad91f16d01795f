"""What is installed in an image, against what is locked: versions, contents, and each file by its hash."""

from __future__ import annotations

import base64
import csv
import io
import posixpath
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from email.parser import HeaderParser
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit.api import EnvError
from envkit.environments.wheels import content_digest
from envkit.images.inspection.file_tree import content_of
from envkit.images.inspection.findings import CheckedSubject, ImageFinding, some
from envkit.images.inspection.installed_files import check_files, check_interpreters, lines_without_hash
from envkit.images.layout import ENV_PREFIX

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from envkit.environments.lockfile.records import LockedMachine
    from envkit.images.inspection.file_tree import PlacedFile

_INFO = re.compile(
    rf"(?P<library>{re.escape(ENV_PREFIX)}/lib(?:64)?/python[^/]+/site-packages)/[^/]+\.dist-info/METADATA"
)
_REBUILD = "Build it anew: envkit build --help"


@dataclass(frozen=True, kw_only=True)
class InstalledPackage:
    """A package in an image: ``name`` is canonical, ``library`` the folder that RECORD's paths begin from."""

    name: str
    version: str
    library: str
    info: str
    documents: Mapping[str, bytes] = field(repr=False)

    @property
    def record(self) -> Sequence[RecordLine]:
        """Return the files that its RECORD lists."""
        return read_record(self.documents.get("RECORD", b""), library=self.library)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordLine:
    """A file in a RECORD: ``sha256`` in hex, empty where none is given, as for RECORD itself."""

    path: str
    sha256: str


class _InImage(Distribution):
    """A package in an image, for what reads packages' records; its other files are those below ``root``."""

    def __init__(self, package: InstalledPackage, *, root: Path) -> None:
        self._package = package
        self._root = root

    def read_text(self, filename: str) -> str | None:
        content = self._package.documents.get(filename)
        return None if content is None else content.decode("utf-8", "replace")

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        return self._root / self._package.library.lstrip("/") / path


def find_packages(tree: Mapping[str, PlacedFile]) -> tuple[InstalledPackage, ...]:
    """Return the packages in an image's environment, by name."""
    packages = []
    for path in tree:
        found = _INFO.fullmatch(path)
        if found is None:
            continue
        info = posixpath.dirname(path)
        documents = {
            name: content
            for name in ("METADATA", "RECORD", "entry_points.txt")
            if (content := content_of(tree, f"{info}/{name}")) is not None
        }
        headers = HeaderParser().parsestr(documents.get("METADATA", b"").decode("utf-8", "replace"))
        packages.append(
            InstalledPackage(
                name=canonicalize_name(str(headers["Name"] or "")),
                version=str(headers["Version"] or ""),
                library=found["library"],
                info=info,
                documents=documents,
            )
        )
    return tuple(sorted(packages, key=lambda package: (package.name, package.version)))


def read_record(content: bytes, *, library: str) -> tuple[RecordLine, ...]:
    """Return the lines of a RECORD. Source: PyPA specification "Recording installed projects"."""
    lines = []
    for row in csv.reader(io.StringIO(content.decode("utf-8", "replace"))):
        if row:
            algorithm, _, digest = (row[1] if len(row) > 1 else "").partition("=")
            lines.append(
                RecordLine(
                    path=posixpath.normpath(posixpath.join(library, row[0])),
                    sha256=_hex(digest) if algorithm == "sha256" else "",
                )
            )
    return tuple(lines)


def check_packages(
    tree: Mapping[str, PlacedFile], section: LockedMachine, *, is_deep: bool, base_layers: int | None = None
) -> CheckedSubject:
    """Check what is installed against what is locked; with ``is_deep`` every file against its RECORD as well.

    ``base_layers`` is the number of layers that are the base's, whose Python it has to be; None where unknown.
    """
    packages = find_packages(tree)
    findings = list(_differences(packages, section))
    if is_deep:
        findings += check_files(tree, packages)
        findings += check_interpreters(tree, base_layers=base_layers)
    summary = f"{len(packages)} installed, as locked" if not findings else f"{len(packages)} installed"
    if is_deep:
        summary += f", {sum(len(each.record) for each in packages)} files by their hash"
    return CheckedSubject(name="packages", summary=summary, findings=tuple(findings))


def _differences(packages: Sequence[InstalledPackage], section: LockedMachine) -> Iterator[ImageFinding]:
    locked = {each.name: each.version for each in section.wheels}
    locked |= {canonicalize_name(each.name): each.version for each in section.host}
    there = defaultdict(list)
    for package in packages:
        there[package.name].append(package.version)
    for name, version in sorted(locked.items()):
        if name not in there:
            yield ImageFinding(text=f"{name} {version} is locked, and not installed", hint=_REBUILD)
    for name, versions in there.items():
        if len(versions) > 1:
            yield ImageFinding(text=f"{name} is installed {len(versions)} times: {', '.join(versions)}")
        elif name not in locked:
            yield ImageFinding(text=f"{name} {versions[0]} is installed, and not locked", hint=_REBUILD)
        elif versions[0] != locked[name]:
            text = f"{name} {versions[0]} is installed, and {locked[name]} is locked"
            yield ImageFinding(text=text, hint=_REBUILD)
    digests: dict[str, str] = {canonicalize_name(each.name): each.digest for each in section.host}
    for package in packages:
        if unhashed := lines_without_hash(package):
            text = f"the RECORD of {package.name} {package.version} gives no hash of {some(unhashed)}"
            yield ImageFinding(text=text, hint=_REBUILD)
        if package.version == locked.get(package.name) and (digest := digests.get(package.name)):
            yield from _other_content(package, digest)


def _other_content(package: InstalledPackage, digest: str) -> Iterator[ImageFinding]:
    """Compare envkit or a plugin, whose version may stay the same while its code changes."""
    # A folder with that package's documents alone: never is a file of this machine taken for one of the image.
    with tempfile.TemporaryDirectory() as root:
        info = Path(root) / package.info.lstrip("/")
        info.mkdir(parents=True)
        for name, content in package.documents.items():
            (info / name).write_bytes(content)
        there = _InImage(package, root=Path(root))
        commands = {f"{ENV_PREFIX}/bin/{each.name}" for each in there.entry_points}
        scripts = [
            line.path
            for line in package.record
            if posixpath.dirname(line.path) == f"{ENV_PREFIX}/bin" and line.path not in commands
        ]
        try:
            is_same = content_digest(there) == digest
        except EnvError:
            is_same = False
            if scripts:  # an installer changes their first line, so that they have no hash to be compared by
                text = f"{package.name} cannot be compared with its lock, for its scripts: {some(scripts)}"
                yield ImageFinding(text=text, is_fault=False)
                return
    if not is_same:
        text = f"the files of {package.name} {package.version} are not those that were locked"
        yield ImageFinding(text=text, hint=_REBUILD)


def _hex(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
    except ValueError:
        return ""
