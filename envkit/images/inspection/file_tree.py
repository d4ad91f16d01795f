"""The files of a container: layers put on top of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from envkit.images.inspection.layers import FileEntry, Layer

_MOST_LINKS = 40  # as Linux: more are a circle


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedFile:
    """A file, and the number of the layer that it is in."""

    entry: FileEntry
    layer: int


def merge_layers(layers: Sequence[Layer]) -> Mapping[str, PlacedFile]:
    """Return the files that a container sees, by absolute path."""
    tree: dict[str, PlacedFile] = {}
    for layer in layers:
        # What is no folder takes the place of a folder with all that was in it.
        gone = layer.removed | {path for path, entry in layer.entries.items() if entry.kind != "folder"}
        for path in [path for path in tree if _is_in(path, gone) or _is_in(_parent(path), layer.emptied)]:
            del tree[path]
        for path, entry in layer.entries.items():
            tree[path] = PlacedFile(entry=entry, layer=layer.number)
    return tree


def content_of(tree: Mapping[str, PlacedFile], path: str) -> bytes | None:
    """Return the content of a file that was kept, None where there is no such file."""
    placed = tree.get(path)
    reading = placed.entry.reading if placed is not None else None
    return reading.content if reading is not None else None


def follow_links(tree: Mapping[str, PlacedFile], path: str) -> PlacedFile | None:
    """Return what a path leads to in a container, through links of files and folders; None where that is nothing."""
    here, links = "", 0
    rest = path.split("/")[::-1]
    while rest:
        part = rest.pop()
        if part in ("", "."):
            continue
        if part == "..":
            here = _parent(here)
            continue
        placed = tree.get(f"{here}/{part}")
        if placed is None or placed.entry.kind != "link":
            here = f"{here}/{part}"
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        here = "" if placed.entry.target.startswith("/") else here
        rest += placed.entry.target.split("/")[::-1]
    return tree.get(here)


def layer_that_hides(path: str, *, after: int, layers: Sequence[Layer]) -> Layer | None:
    """Return the first layer above number ``after`` that deletes a file or puts another in its place."""
    for layer in layers:
        if layer.number > after and (
            path in layer.entries or _is_in(path, layer.removed) or _is_in(_parent(path), layer.emptied)
        ):
            return layer
    return None


def _is_in(path: str, folders: Collection[str]) -> bool:
    """Tell whether a path is one of these, or beneath one."""
    while path:
        if path in folders:
            return True
        path = _parent(path)
    return "/" in folders


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
