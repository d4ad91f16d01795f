"""Images as an engine and their labels tell of them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from images.small_engine import BASE_NAME, SmallEngine, base, ours, serve

from envkit.api import ImageError
from envkit.images.engine.engine import connect
from envkit.images.inspection.history import HistoryLine, layers_of, short_command
from envkit.images.inspection.last_use import note_use
from envkit.images.inspection.listing import list_images, show_image
from envkit.images.inspection.removal import find_removable, freed_bytes, refuse_used
from envkit.images.layout import BASE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.images.engine.engine import Engine


@pytest.fixture
def small() -> Iterator[SmallEngine]:
    """Serve two images of envkit's on the same base, the second newer, and the base."""
    with serve(ours(1, "one:1", "one:2"), ours(2, "two:1", created="2021-01-01T00:00:00Z"), base()) as engine:
        yield engine


@pytest.fixture
def engine(small: SmallEngine) -> Iterator[Engine]:
    connected = connect({**os.environ, "DOCKER_HOST": small.address})
    yield connected
    connected.client.close()


def test_list_has_envkits_images_alone_and_the_newest_first(engine: Engine, tmp_path: Path) -> None:
    two, one = list_images(engine, home=tmp_path)
    assert (two.names, one.names) == (("two:1",), ("one:1", "one:2"))
    assert (one.template, one.tasks, one.torch, one.variant) == ("task", ("ner",), "2.13.0", "cu126")
    assert (one.size, one.is_in_use, one.last_used) == (51_000_000, False, one.created)


def test_list_tells_use_by_containers_and_by_what_was_noted(
    small: SmallEngine, engine: Engine, tmp_path: Path
) -> None:
    small.run(small.images[0], name="busy")
    small.run(small.images[1], name="old", state="exited")
    note_use(tmp_path, small.images[1].id)
    two, one = list_images(engine, home=tmp_path)
    assert (one.is_in_use, two.is_in_use) == (True, False)
    assert [each.name for each in two.containers] == ["old"]
    assert time.time() - two.last_used < 60


def test_show_tells_what_is_shared_with_the_base(engine: Engine, tmp_path: Path) -> None:
    shown = show_image("one:1", engine=engine, home=tmp_path)
    assert shown.base is not None
    assert (shown.base.reference, shown.base.layers, shown.base.size) == (BASE_NAME, 1, 50_000_000)
    assert [(each.number, each.size, each.is_of_base) for each in shown.layers] == [
        (1, 50_000_000, True),
        (2, 1_000_000, False),
    ]
    assert shown.layers[1].command == "RUN make sha256:own1"
    assert (shown.user, shown.platform, shown.ports) == ("1000:1000", "linux/amd64", ("8000/tcp",))


@pytest.mark.parametrize(("has_base", "layers"), [(False, None), (True, 0)], ids=["not here", "another now"])
def test_show_tells_where_the_base_is_no_longer_what_it_was(
    small: SmallEngine, engine: Engine, tmp_path: Path, has_base: bool, layers: int | None
) -> None:
    if has_base:
        small.images[2].layers = {"sha256:newer": 1}
    else:
        small.images[0].labels[BASE_LABEL] = "gone:1"
    shown = show_image("one:1", engine=engine, home=tmp_path)
    assert shown.base is not None
    assert (shown.base.layers, shown.base.size) == (layers, 0)


def test_show_of_an_image_that_is_missing_is_an_error(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the image three:1 is not on this engine"):
        show_image("three:1", engine=engine, home=tmp_path)


@pytest.mark.parametrize(
    ("references", "names", "whole", "freed"),
    [
        (["one:1"], [("one:1",)], [False], 0),
        (["docker.io/library/one:2"], [("one:2",)], [False], 0),
        (["docker.io/one:2", "index.docker.io/library/one:2"], [("one:2",)], [False], 0),
        ([f"two@sha256:{'2' * 63}d"], [("two:1",)], [True], 1_000_000),
        ([f"sha256:{'1' * 64}"], [("one:1", "one:2")], [True], 1_000_000),
        (["one:1", "one:2"], [("one:1", "one:2")], [True], 1_000_000),
        (["1111"], [("one:1", "one:2")], [True], 1_000_000),
        (["1111", "one:1"], [("one:1", "one:2")], [True], 1_000_000),
        (["one:1", "two:1"], [("one:1",), ("two:1",)], [False, True], 1_000_000),
        (["1111", "two:1"], [("one:1", "one:2"), ("two:1",)], [True, True], 2_000_000),
    ],
)
def test_removal_takes_what_is_named_and_frees_what_nobody_shares(
    engine: Engine,
    tmp_path: Path,
    references: list[str],
    names: list[tuple[str, ...]],
    whole: list[bool],
    freed: int,
) -> None:
    chosen = find_removable(engine, references, home=tmp_path)
    assert [each.names for each in chosen] == names
    assert [each.is_whole for each in chosen] == whole
    assert freed_bytes(engine, chosen) == freed


def test_removal_frees_the_bases_layers_only_with_the_last_that_has_them(
    small: SmallEngine, engine: Engine, tmp_path: Path
) -> None:
    del small.images[2]
    one, both = (find_removable(engine, names, home=tmp_path) for names in (["1111"], ["1111", "2222"]))
    assert (freed_bytes(engine, one), freed_bytes(engine, both)) == (1_000_000, 52_000_000)


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("one:3", "the image one:3 is not on this engine", "Did you mean one:"),
        ("nothing-like-it", "is not on this engine", "envkit image list"),
        (BASE_NAME, "is no image of envkit's, and stays", f"docker image rm {BASE_NAME}"),
    ],
)
def test_removal_of_what_is_not_envkits_is_refused(
    engine: Engine, tmp_path: Path, reference: str, message: str, hint: str
) -> None:
    with pytest.raises(ImageError, match=message) as raised:
        find_removable(engine, [reference], home=tmp_path)
    assert hint in str(raised.value.hint)


def test_removal_by_a_digest_of_an_image_with_several_names_is_refused(
    engine: Engine, tmp_path: Path
) -> None:
    digest = f"one@sha256:{'1' * 63}d"
    with pytest.raises(ImageError, match="an image that has several names: one:1 one:2") as raised:
        find_removable(engine, [digest], home=tmp_path)
    assert "envkit image remove 111111111111" in str(raised.value.hint)


def test_removal_of_one_in_use_names_it_and_its_containers(
    small: SmallEngine, engine: Engine, tmp_path: Path
) -> None:
    small.run(small.images[0], name="busy")
    small.run(small.images[0], name="old", state="exited")
    refuse_used(
        find_removable(engine, ["one:1"], home=tmp_path)
    )  # its other name stays, and so does all in it
    with pytest.raises(
        ImageError, match=r"in use: one:1, one:2 by busy \(running\), old \(exited\)"
    ) as raised:
        refuse_used(find_removable(engine, ["one:1", "one:2"], home=tmp_path))
    assert raised.value.hint == "Remove what uses it first: docker stop busy && docker rm busy old"


@pytest.mark.parametrize(
    ("created_by", "short"),
    [
        ("RUN /bin/sh -c make  all # buildkit", "RUN make all"),
        ("/bin/sh -c make all", "RUN make all"),
        ("/bin/sh -c #(nop) WORKDIR /work", "WORKDIR /work"),
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        (f"/bin/sh -c #(nop) COPY file:{'a' * 64} in /opt/x ", "COPY … /opt/x"),
        ("COPY lock/envkit.lock /opt/envkit/ # buildkit", "COPY lock/envkit.lock /opt/envkit/"),
        ("RUN |2 A=b HF_TOKEN=tr0ub4dor /bin/sh -c make # buildkit", "RUN make"),
        ("|1 A=b /bin/sh -c make", "RUN make"),
        ("ENV HF_TOKEN=tr0ub4dor A=b", "ENV HF_TOKEN=*** A=b"),
        (
            "RUN /bin/sh -c pip install -i https://u:tr0ub4dor@h/simple x",
            "RUN pip install -i https://***@h/simple x",
        ),
        (
            "RUN /bin/sh -c echo machine h login u password tr0ub4dor",
            "RUN echo machine h login u password ***",
        ),
        ("RUN /bin/bash -o pipefail -c a | b", "RUN a | b"),
        ("", ""),
    ],
)
def test_command_is_short_and_without_secrets(created_by: str, short: str) -> None:
    assert short_command(created_by) == short


@given(
    st.lists(st.tuples(st.sampled_from(["RUN a", "ENV a=b", "COPY a b", ""]), st.sampled_from([0, 0, 5]))),
    st.integers(min_value=0, max_value=4),
)
def test_layers_are_as_many_as_there_are_and_keep_their_bytes(
    commands: list[tuple[str, int]], more: int
) -> None:
    history = tuple(HistoryLine(created_by=command, size=size) for command, size in commands)
    count = sum(size > 0 for _, size in commands) + more
    layers = layers_of(history, count=count)
    assert [each.number for each in layers] == list(range(1, count + 1))
    assert sum(each.size for each in layers) == sum(size for _, size in commands)
