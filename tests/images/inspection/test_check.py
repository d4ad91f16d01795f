"""An image built on a real engine, with all that should not be in it, and looked at as that engine saves it."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import TYPE_CHECKING

import pytest
from docker_engine import TEST_LABELS

from envkit.images.inspection.check import check_image
from envkit.images.inspection.listing import list_images, show_image
from envkit.images.inspection.removal import find_removable, freed_bytes, remove_images
from envkit.images.layout import BASE_LABEL, TEMPLATE_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.images.engine.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.docker]

WORD = "tr0ub4dor"
STEPS = f"""
FROM {{base}}
ARG PIP_TOKEN
COPY netrc /root/.netrc
RUN rm /root/.netrc && mkdir -m 777 /open && cp /bin/true /usr/bin/tool && chmod 4755 /usr/bin/tool
ENV INDEX=https://u:{WORD}@pkg.corp/simple
LABEL {TEMPLATE_LABEL}=task {BASE_LABEL}={{base}}
USER 1000
"""


def context(base: str) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        # A host of its own in each, so that no other image has the same layers.
        netrc = f"machine {uuid.uuid4().hex} login u password {WORD}\n"
        files = {"Dockerfile": STEPS.format(base=base), "netrc": netrc}
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    packed.seek(0)
    return packed


@pytest.fixture
def leaky(docker_engine: Engine, base_image: str, new_image_name: Callable[[], str]) -> str:
    """Build the image and return its name."""
    name = new_image_name()
    docker_engine.client.images.build(
        fileobj=context(base_image),
        custom_context=True,
        tag=name,
        rm=True,
        nocache=True,
        network_mode="none",
        buildargs={"PIP_TOKEN": WORD},
        labels=TEST_LABELS,
    )
    return name


def test_all_that_was_planted_is_found_on_a_real_engine(docker_engine: Engine, leaky: str) -> None:
    arrived: list[int] = []
    checked = check_image(leaky, engine=docker_engine, is_deep=True, on_bytes=arrived.append)
    found = {
        subject.name: [each.text for each in subject.findings if each.is_fault]
        for subject in checked.subjects
    }
    assert found["user"] == []
    assert found["secrets"] == [
        "the variable INDEX: an address with a password",
        "the history, line 4: the value of PIP_TOKEN",
        "the history, line 5: an address with a password",
        "/root/.netrc:1: a password, hidden by layer 3, where anybody can still get it",
    ]
    assert found["modes"] == [
        "anybody may write to the folder, which has no sticky bit: /open",
        "/usr/bin/tool runs as user 0, whoever starts it, and the base has none like it",
    ]
    assert WORD not in str(checked)
    assert sum(arrived) > checked.size


def test_image_is_listed_shown_and_removed_on_a_real_engine(
    docker_engine: Engine, leaky: str, base_image: str, tmp_path: Path
) -> None:
    assert leaky in [name for line in list_images(docker_engine, home=tmp_path) for name in line.names]
    shown = show_image(leaky, engine=docker_engine, home=tmp_path)
    assert shown.base is not None
    assert (shown.base.reference, shown.base.layers, len(shown.layers)) == (base_image, 1, 3)
    assert [layer.command.split()[0] for layer in shown.layers[1:]] == ["COPY", "RUN"]
    chosen = find_removable(docker_engine, [leaky], home=tmp_path)
    assert 0 < freed_bytes(docker_engine, chosen) < 1_000_000
    remove_images(docker_engine, chosen, home=tmp_path)
    assert not docker_engine.has_image(leaky)
    assert docker_engine.has_image(base_image)
