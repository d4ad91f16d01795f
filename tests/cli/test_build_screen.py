"""How a context is built by hand: with the client that was found to work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.cli.build_screen import client_words
from envkit.images.building.builders import CLASSIC, Builder

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.images.building.builders import BuilderName


@pytest.fixture
def clients(tmp_path: Path) -> tuple[Path, Path]:
    """Return two clients, in folders of their own."""
    made = []
    for name in ("first", "second"):
        client = tmp_path / name / "docker"
        client.parent.mkdir()
        client.write_text("#!/bin/sh\n")
        client.chmod(0o755)
        made.append(client)
    return made[0], made[1]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("buildx", "", " buildx build --load"), ("buildkit", "DOCKER_BUILDKIT=1 ", " build")],
)
def test_client_words_name_the_client_that_works_where_path_has_another_first(
    clients: tuple[Path, Path], name: BuilderName, before: str, after: str
) -> None:
    first, second = clients
    path = f"{first.parent}:{second.parent}"

    def words(binary: Path) -> str:
        builder = Builder(name=name, mode="buildkit", has_secrets=True, binary=binary)
        return client_words("buildkit", builder, path=path)

    assert words(first) == f"{before}docker{after}"
    assert words(second) == f"{before}{second}{after}"


def test_client_words_of_the_classic_builder_and_without_an_engine() -> None:
    assert client_words("classic", CLASSIC) == "DOCKER_BUILDKIT=0 docker build"
    assert client_words("buildkit", None) == "DOCKER_BUILDKIT=1 docker build"
