"""Read an image as it streams out of an engine, layer by layer: nothing is unpacked, and what was deleted is seen.

Sources: Docker's image specification v1.2 (``manifest.json``; engines before 25 and Podman save this way), and the
Open Containers Initiative's image-spec, "Image Layout" and "Image Layer Filesystem Changeset" (whiteouts).
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Literal, Protocol

from envkit.api import ImageError
from envkit.images.inspection.saved_manifest import ImageConfig, find_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envkit.images.inspection.secret_patterns import Hit

EntryKind = Literal["file", "folder", "link", "other"]

_BLOCK = 1 << 20
# Manifests and configurations; that of an image with a hundred long commands has 100 kB.
_DOCUMENT_LIMIT = 8 << 20
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileReading:
    """What was read of a file: ``sha256`` in hex and ``content`` where they were wanted, and secrets in it."""

    sha256: str = ""
    content: bytes | None = None
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEntry:
    """One file of a layer: ``path`` is absolute, ``mode`` has the permission bits, ``target`` is that of a link."""

    path: str
    kind: EntryKind
    mode: int
    user_id: int
    size: int
    target: str = ""
    reading: FileReading | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer, from 1 for the lowest: its files, and what it takes away from those below.

    Of a folder in ``emptied`` all that is below goes. ``command`` is what made it, as the history says;
    ``unread`` says why nothing is known of its files.
    """

    number: int
    diff_id: str
    command: str
    size: int = 0
    entries: Mapping[str, FileEntry] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    unread: str = ""


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """An image as it was saved."""

    config: ImageConfig
    layers: tuple[Layer, ...]


class FileReader(Protocol):
    """Reads what is wanted of a file while it passes; None where that is nothing."""

    def __call__(self, entry: FileEntry, content: IO[bytes]) -> FileReading | None: ...


@dataclass(frozen=True, kw_only=True)
class _Content:
    """The files of a layer, before anybody knows which layer it is."""

    entries: dict[str, FileEntry] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    unread: str = ""


class _Chunks(io.RawIOBase):
    """What an engine sends, as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        into = memoryview(buffer)  # type: ignore[arg-type]  # typeshed has no public name for a buffer before 3.12
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def as_file(chunks: Iterable[bytes]) -> IO[bytes]:
    """Return a file of what arrives in pieces."""
    return io.BufferedReader(_Chunks(chunks), buffer_size=_BLOCK)


def read_image(stream: IO[bytes], *, read: FileReader) -> SavedImage:
    """Return the image in the archive that ``save`` gives, in Docker's or the open layout.

    Raises: ImageError where it is cut off or is no image; whatever the stream raises comes through.
    """
    documents: dict[str, bytes] = {}
    contents: dict[str, _Content] = {}
    same: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK) as archive:
            for member in _members(archive):
                name = posixpath.normpath(member.name)
                if member.issym() or member.islnk():
                    folder = posixpath.dirname(name) if member.issym() else ""
                    same[name] = posixpath.normpath(posixpath.join(folder, member.linkname))
                elif member.isfile():
                    _read_blob(archive, member, name, documents=documents, contents=contents, read=read)
    except (tarfile.TarError, EOFError) as error:
        raise ImageError(
            f"the image cannot be read to its end: {error}",
            hint="See whether the engine still runs: docker info",
        ) from error
    manifest = find_manifest(documents)
    commands = manifest.config.layer_commands()
    layers = []
    for number, (name, diff_id) in enumerate(
        zip(manifest.layers, manifest.config.rootfs.diff_ids, strict=True), 1
    ):
        content = contents.get(same.get(name, name)) or _Content(unread="it is not in what the engine saved")
        layers.append(
            Layer(
                number=number,
                diff_id=diff_id,
                command=commands[number - 1],
                size=sum(entry.size for entry in content.entries.values()),
                entries=content.entries,
                removed=content.removed,
                emptied=content.emptied,
                unread=content.unread,
            )
        )
    return SavedImage(config=manifest.config, layers=tuple(layers))


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members, and forget each: the list that tarfile keeps grows to hundreds of megabytes."""
    for member in archive:
        yield member
        archive.members = []  # type: ignore[attr-defined]  # an attribute of old that typeshed leaves out


def _read_blob(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    name: str,
    *,
    documents: dict[str, bytes],
    contents: dict[str, _Content],
    read: FileReader,
) -> None:
    """Take a document whole and a layer file by file; what it is shows in its first bytes."""
    blob = archive.extractfile(member)
    assert isinstance(blob, io.BufferedReader)
    head = blob.peek(512)[:512]
    if head[257:262] == b"ustar" or (head and not head.strip(b"\0")):
        contents[name] = _read_layer(blob, "r|", read=read)
    elif head[:2] == b"\x1f\x8b":
        contents[name] = _read_layer(blob, "r|gz", read=read)
    elif head[:4] == b"\x28\xb5\x2f\xfd":
        contents[name] = _read_layer(blob, "r|zst", read=read)
    elif head[:1] in (b"{", b"[") and member.size <= _DOCUMENT_LIMIT:
        documents[name] = blob.read()


def _read_layer(blob: IO[bytes], mode: str, *, read: FileReader) -> _Content:
    try:
        # From Python 3.14 on, tarfile knows Zstandard.
        archive = tarfile.open(fileobj=blob, mode=mode, bufsize=_BLOCK)  # type: ignore[call-overload]  # noqa: SIM115
    except (tarfile.CompressionError, ValueError):
        return _Content(unread="it is compressed with Zstandard, which this Python cannot read; 3.14 can")
    entries: dict[str, FileEntry] = {}
    removed, emptied = set(), set()
    with archive:
        for member in _members(archive):
            path = _absolute(member.name)
            folder, name = posixpath.split(path)
            if name == _OPAQUE:
                emptied.add(folder)
            elif name.startswith(_WHITEOUT):
                removed.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
            else:
                entries[path] = _entry(archive, member, path, entries=entries, read=read)
    return _Content(entries=entries, removed=frozenset(removed), emptied=frozenset(emptied))


def _entry(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    path: str,
    *,
    entries: Mapping[str, FileEntry],
    read: FileReader,
) -> FileEntry:
    if member.islnk():  # a second name of what came before, a link as well as a file
        first = entries.get(_absolute(member.linkname))
        if first is not None and first.kind != "folder":
            return replace(first, path=path, size=0)
    entry = FileEntry(
        path=path,
        kind=_kind(member),
        mode=member.mode & 0o7777,
        user_id=member.uid,
        size=member.size if member.isreg() else 0,
        target=member.linkname if member.issym() else "",
    )
    content = archive.extractfile(member) if member.isreg() else None
    found = read(entry, content) if content is not None else None
    if found is None:
        return entry
    return replace(entry, reading=found)


def _absolute(name: str) -> str:
    """Return the path of a member; two slashes before it would stay two."""
    return posixpath.normpath(f"/{name.lstrip('/')}")


def _kind(member: tarfile.TarInfo) -> EntryKind:
    if member.isdir():
        return "folder"
    if member.issym():
        return "link"
    return "file" if member.isreg() or member.islnk() else "other"
