"""The documents of a saved image: which blobs are its layers, and what it is configured to do."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from envkit.api import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")


class HealthCheck(msgspec.Struct, frozen=True, rename="pascal"):
    """How an engine learns whether a container is well; ``test`` begins with ``NONE``, ``CMD`` or ``CMD-SHELL``."""

    test: tuple[str, ...] | None = None


class ContainerConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """How containers of an image start."""

    user: str = ""
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    labels: dict[str, str] | None = None
    healthcheck: HealthCheck | None = None


class HistoryEntry(msgspec.Struct, frozen=True):
    """One command of a build."""

    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False


class RootFiles(msgspec.Struct, frozen=True):
    """The layers, by the digest of what is in them."""

    diff_ids: tuple[str, ...]


class ImageConfig(msgspec.Struct, frozen=True):
    """What an engine knows of an image. Source: image-spec, "Image Configuration"."""

    rootfs: RootFiles
    architecture: str = ""
    author: str = ""
    config: ContainerConfig | None = None
    history: tuple[HistoryEntry, ...] | None = None

    @property
    def container(self) -> ContainerConfig:
        """Return how its containers start; an imported image may say nothing of it."""
        return self.config or ContainerConfig()

    def layer_commands(self) -> tuple[str, ...]:
        """Return the command that made each layer, empty where the history does not tell."""
        made = [each.created_by or each.comment for each in self.history or () if not each.empty_layer]
        count = len(self.rootfs.diff_ids)
        return tuple(made) if len(made) == count else ("",) * count


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """An image's configuration, and the names of its layers in the archive, the lowest first."""

    config: ImageConfig
    layers: tuple[str, ...]


class _DockerManifest(msgspec.Struct, frozen=True, rename="pascal"):
    config: str
    layers: tuple[str, ...] | None = None


class _Platform(msgspec.Struct, frozen=True):
    os: str = ""


class _Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    digest: str
    platform: _Platform | None = None


class _Document(msgspec.Struct, frozen=True):
    """An index or a manifest of the open layout: the first lists others, the second layers."""

    manifests: tuple[_Descriptor, ...] = ()
    config: _Descriptor | None = None
    layers: tuple[_Descriptor, ...] = ()


def find_manifest(documents: Mapping[str, bytes]) -> Manifest:
    """Return the manifest among an archive's documents. Raises: ImageError."""
    if (listed := documents.get("manifest.json")) is not None:
        (image, *others) = _decode(listed, list[_DockerManifest], "manifest.json") or (None,)
        if image is None or others:
            raise ImageError("the engine saved no image, or several", hint="Name one image")
        name, layers = image.config, tuple(image.layers or ())
    elif "index.json" in documents:
        name, layers = next(_manifests(documents, "index.json"), ("", ()))
    else:
        raise ImageError(
            "what the engine saved holds neither manifest.json nor index.json",
            hint="Save it by hand and look: docker image save IMAGE | tar t",
        )
    config = documents.get(posixpath.normpath(name))
    if config is None:
        raise ImageError(f"what the engine saved has no configuration {name!r} in it", hint="Build it anew")
    read = _decode(config, ImageConfig, name)
    if len(read.rootfs.diff_ids) != len(layers):
        raise ImageError(
            f"the image names {len(read.rootfs.diff_ids)} layers and has {len(layers)}", hint="Build it anew"
        )
    return Manifest(config=read, layers=tuple(posixpath.normpath(layer) for layer in layers))


def _manifests(documents: Mapping[str, bytes], name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the images of an index, those of an index in it too; attestations are of no system, and left out."""
    if name not in documents:  # of another platform, and so not saved
        return
    document = _decode(documents[name], _Document, name)
    if document.config is not None:
        yield _blob(document.config), tuple(_blob(layer) for layer in document.layers)
    for each in document.manifests:
        if each.platform is None or each.platform.os != "unknown":
            yield from _manifests(documents, _blob(each))


def _blob(descriptor: _Descriptor) -> str:
    return f"blobs/{descriptor.digest.replace(':', '/')}"


def _decode(content: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise ImageError(
            f"{name} in what the engine saved cannot be read: {error}", hint="Build it anew"
        ) from error
