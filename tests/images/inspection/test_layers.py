"""Images read as they stream, and layers put on top of each other."""

from __future__ import annotations

import posixpath
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from images.saved_images import (
    Made,
    Put,
    docker_archive,
    folder,
    layer,
    open_archive,
    pack_layer,
    read,
)

from envkit.api import ImageError
from envkit.images.inspection.file_tree import layer_that_hides, merge_layers

if TYPE_CHECKING:
    from images.saved_images import Archive

BASE = layer(folder("etc"), Put("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"), "etc/old", command="ADD base")
TOP = layer("./opt/new", "etc/.wh.old", command="COPY . /opt")


@pytest.mark.parametrize("make", [docker_archive, open_archive])
@pytest.mark.parametrize("piece", [1, 511, 1 << 20])
def test_image_in_either_layout_is_read_the_same(make: type[Archive], piece: int) -> None:
    image = read(make(BASE, TOP, User="1000"), piece=piece)
    assert [(each.number, each.command, each.unread) for each in image.layers] == [
        (1, "ADD base", ""),
        (2, "COPY . /opt", ""),
    ]
    assert (image.config.container.user, image.config.architecture) == ("1000", "amd64")
    assert sorted(merge_layers(image.layers)) == ["/etc", "/etc/passwd", "/opt/new"]
    passwd = image.layers[0].entries["/etc/passwd"]
    assert passwd.reading is not None
    assert passwd.reading.content == b"root:x:0:0::/root:/bin/sh\n"
    assert (passwd.mode, passwd.kind, image.layers[0].size) == (0o644, "file", 26)


def test_layer_that_is_there_twice_is_found_by_its_link() -> None:
    image = read(docker_archive(TOP, BASE, TOP))
    assert image.layers[0].entries.keys() == image.layers[2].entries.keys()
    assert not image.layers[2].unread


def test_layer_that_is_compressed_beyond_this_python_is_told() -> None:
    archive = open_archive(BASE, is_gzipped=False)
    name = next(name for name, content in archive.blobs.items() if content == pack_layer(BASE))
    archive.blobs[name] = b"\x28\xb5\x2f\xfd" + b"\0" * 600
    try:
        (only,) = read(archive).layers
    except ImageError:  # a Python that knows the format, and finds this to be none
        return
    assert "Zstandard" in only.unread


def test_layer_that_was_not_saved_is_told() -> None:
    archive = docker_archive(BASE, TOP)
    del archive.blobs[f"{1:064x}/layer.tar"]
    assert [bool(each.unread) for each in read(archive).layers] == [False, True]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (docker_archive(BASE, TOP).pack()[:3000], "cannot be read to its end"),
        (b"<html>no tar</html>" * 100, "cannot be read to its end"),
        (open_archive().pack()[:0], "cannot be read to its end"),
    ],
    ids=["cut off", "no tar", "nothing"],
)
def test_archive_that_is_not_whole_is_an_error(content: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        read(content)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"manifest.json": None}, "neither manifest.json nor index.json"),
        ({"manifest.json": b"[]"}, "no image, or several"),
        ({"manifest.json": b'[{"Config": 1}]'}, "manifest.json in what the engine saved cannot be read"),
        ({"c0ffee.json": None}, "no configuration 'c0ffee.json'"),
        ({"c0ffee.json": b'{"rootfs": {"diff_ids": ["sha256:1"]}}'}, "names 1 layers and has 2"),
    ],
)
def test_archive_with_wrong_documents_is_an_error(changes: dict[str, bytes | None], says: str) -> None:
    archive = docker_archive(BASE, TOP)
    for name, content in changes.items():
        if content is None:
            del archive.blobs[name]
        else:
            archive.blobs[name] = content
    with pytest.raises(ImageError, match=says):
        read(archive)


@pytest.mark.parametrize(
    ("above", "left"),
    [
        (layer("a/.wh.x"), ["/a", "/a/y", "/b", "/b/z"]),
        (layer(".wh.a"), ["/b", "/b/z"]),
        (layer(folder("a"), "a/.wh..wh..opq", "a/new"), ["/a", "/a/new", "/b", "/b/z"]),
        (layer("a"), ["/a", "/b", "/b/z"]),
        (layer(Put("a", kind=tarfile.SYMTYPE, target="b")), ["/a", "/b", "/b/z"]),
        (layer(folder("a", 0o700)), ["/a", "/a/x", "/a/y", "/b", "/b/z"]),
        (layer(".wh..wh..opq", "new"), ["/new"]),
    ],
    ids=["a file", "a folder", "opaque", "file over folder", "link over folder", "mode alone", "all"],
)
def test_layer_takes_away_what_its_whiteouts_name(above: Made, left: list[str]) -> None:
    below = layer(folder("a"), "a/x", "a/y", folder("b"), "b/z")
    assert sorted(merge_layers(read(docker_archive(below, above)).layers)) == left


def test_file_that_is_deleted_later_names_the_layer_that_hides_it() -> None:
    layers = read(docker_archive(layer("a/x", "b"), layer("b"), layer(".wh.a"))).layers
    hiding = [layer_that_hides(path, after=1, layers=layers) for path in ("/a/x", "/b", "/c")]
    assert [each and each.number for each in hiding] == [3, 2, None]


def test_second_name_of_a_file_is_read_as_the_first() -> None:
    key = Put("root/.netrc", b"machine h login u password tr0ub4dor\n")
    link = Put("root/copy", kind=tarfile.LNKTYPE, target="root/.netrc")
    entries = read(docker_archive(layer(key, link))).layers[0].entries
    assert entries["/root/copy"].reading == entries["/root/.netrc"].reading
    assert entries["/root/copy"].kind == "file"


PATHS = ("a", "a/x", "a/x/1", "a/y", "b")
CHANGES = st.lists(
    st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(["file", "delete"])), max_size=4), max_size=5
)


@given(CHANGES)
def test_merged_layers_are_what_the_steps_would_leave(steps: list[list[tuple[str, str]]]) -> None:
    """Do to a set of paths what each layer says, one after the other."""
    there: set[str] = set()
    layers = []
    for step in steps:
        changes = dict(step)
        puts = []
        # Deletions count for what lies below; what a layer brings itself stays.
        for path, what in changes.items():
            if what == "delete":
                there = {old for old in there if old != path and not old.startswith(f"{path}/")}
                puts.append(Put(posixpath.join(posixpath.dirname(path), f".wh.{posixpath.basename(path)}")))
        for path, what in changes.items():
            above = any(other != path and path.startswith(f"{other}/") for other in changes)
            if what == "file" and not above:
                there = {old for old in there if not old.startswith(f"{path}/")} | {path}
                is_folder = any(old.startswith(f"{path}/") for old in PATHS)
                kind = tarfile.SYMTYPE if is_folder else tarfile.REGTYPE
                puts.append(Put(path, kind=kind))
        layers.append(layer(*puts))
    merged = merge_layers(read(docker_archive(*layers)).layers)
    assert set(merged) == {f"/{path}" for path in there}
