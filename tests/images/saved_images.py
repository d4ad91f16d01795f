"""Images as engines save them, made by hand: small archives in Docker's layout and in the open one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from envkit.images.inspection.file_reading import make_reader
from envkit.images.inspection.layers import as_file, read_image

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.images.inspection.layers import SavedImage


@dataclass(frozen=True)
class Put:
    """A file of a layer; ``kind`` is one of tarfile's, ``target`` where a link leads."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    target: str = ""


@dataclass(frozen=True)
class Made:
    """A layer to be, and the command that is said to have made it."""

    puts: tuple[Put, ...]
    command: str = "RUN something"


@dataclass
class Archive:
    """An archive to be: names and contents in their order."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the tar."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in self.blobs.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            for name, target in self.links.items():
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, target
                tar.addfile(member)
        return packed.getvalue()


def layer(*puts: Put | str, command: str = "RUN something") -> Made:
    """Return a layer; a text is an empty file of that path."""
    return Made(tuple(Put(put) if isinstance(put, str) else put for put in puts), command)


def folder(path: str, mode: int = 0o755) -> Put:
    return Put(path, mode=mode, kind=tarfile.DIRTYPE)


def pack_layer(made: Made) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for put in made.puts:
            member = tarfile.TarInfo(put.path)
            member.mode, member.type, member.linkname = put.mode, put.kind, put.target
            member.size = len(put.content) if put.kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(put.content))
    return packed.getvalue()


def config_of(layers: Iterable[Made], packed: Iterable[bytes], **config: Any) -> bytes:
    """Return an image's configuration; keywords are those of its containers, in Docker's writing."""
    history: list[dict[str, Any]] = [{"created_by": made.command} for made in layers]
    history.append({"created_by": "ENV A=b", "empty_layer": True})
    digests = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in packed]
    document = {
        "architecture": "amd64",
        "config": config,
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": digests},
    }
    return json.dumps(document).encode()


def docker_archive(*layers: Made, **config: Any) -> Archive:
    """Return what engines before 25 save: the manifest comes last, and equal layers are links."""
    packed = [pack_layer(made) for made in layers]
    archive = Archive()
    first: dict[bytes, str] = {}
    names = []
    for number, content in enumerate(packed):
        name = f"{number:064x}/layer.tar"
        names.append(name)
        if content in first:
            archive.links[name] = f"../{first[content]}"
        else:
            first[content] = name
            archive.blobs[name] = content
    archive.blobs["c0ffee.json"] = config_of(layers, packed, **config)
    archive.blobs["manifest.json"] = json.dumps(
        [{"Config": "c0ffee.json", "RepoTags": ["some:1"], "Layers": names}]
    ).encode()
    return archive


def open_archive(*layers: Made, is_gzipped: bool = True, **config: Any) -> Archive:
    """Return the open layout: an index of an index, with an attestation beside the image, layers compressed."""
    packed = [pack_layer(made) for made in layers]
    archive = Archive()

    def put(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        archive.blobs[f"blobs/sha256/{digest}"] = content
        return f"sha256:{digest}"

    blobs = [put(gzip.compress(content) if is_gzipped else content) for content in packed]
    manifest = {
        "config": {"digest": put(config_of(layers, packed, **config))},
        "layers": [{"digest": digest} for digest in blobs],
    }
    attested = {"config": {"digest": put(b'{"rootfs": {"diff_ids": []}}')}, "layers": []}
    platforms = [
        {"digest": put(json.dumps(attested).encode()), "platform": {"os": "unknown"}},
        {"digest": "sha256:elsewhere", "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": put(json.dumps(manifest).encode()), "platform": {"os": "linux"}},
    ]
    index = {"manifests": [{"digest": put(json.dumps({"manifests": platforms}).encode())}]}
    archive.blobs["index.json"] = json.dumps(index).encode()
    archive.blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    return archive


def read(archive: Archive | bytes, *, is_deep: bool = False, piece: int = 4096) -> SavedImage:
    """Read an archive as it comes from an engine: in pieces."""
    content = archive if isinstance(archive, bytes) else archive.pack()
    pieces = (content[start : start + piece] for start in range(0, len(content), piece))
    return read_image(as_file(pieces), read=make_reader(is_deep=is_deep))
