"""What is said of an engine whose disk is full."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from envkit.images.engine.disk import EngineDisk, engine_disk, explain_full_disk

if TYPE_CHECKING:
    from pathlib import Path

FULL = "write /data/overlay2/ab/diff/big: no space left on device"
KERNEL = os.uname().release


def explain(disk: EngineDisk | None, words: str = FULL) -> tuple[str, str]:
    error = explain_full_disk(words, doing="build it", disk=disk)
    assert error is not None
    return error.message, error.hint or ""


def test_full_disk_of_an_engine_here_is_named_with_what_is_free(tmp_path: Path) -> None:
    message, hint = explain(EngineDisk(folder=str(tmp_path), is_here=True))
    first, _, rest = message.partition(". ")
    assert first == "the disk is full: the engine could not build it (writing /data/overlay2/ab/diff/big)"
    size = r"[0-9.]+ (?:B|kB|MB|GB)"
    assert re.fullmatch(rf"It keeps images in {re.escape(str(tmp_path))}, where {size} are free now", rest)
    assert "docker system df" in hint and "docker builder prune" in hint


@pytest.mark.parametrize(
    ("disk", "end"),
    [
        (EngineDisk(folder="/var/lib/docker", is_here=False), ". It keeps images in /var/lib/docker"),
        (EngineDisk(folder="/nowhere/docker", is_here=True), ". It keeps images in /nowhere/docker"),
        (EngineDisk(), "(writing /data/overlay2/ab/diff/big)"),
        (None, "(writing /data/overlay2/ab/diff/big)"),
    ],
)
def test_full_disk_that_cannot_be_seen_from_here_has_no_number(disk: EngineDisk | None, end: str) -> None:
    message, _ = explain(disk)
    assert message.endswith(end)


def test_full_disk_of_podman_is_cleared_with_podman() -> None:
    _, hint = explain(EngineDisk(folder="/home/u/storage", is_podman=True))
    assert hint == "See what takes it: podman system df. Free some: podman system prune"


def test_error_that_is_about_no_disk_is_left_to_others() -> None:
    assert explain_full_disk("connection reset", doing="build it") is None


@pytest.mark.parametrize(
    ("kernel", "has_socket", "is_here"),
    [(KERNEL, True, True), ("6.6.0-linuxkit", True, False), (KERNEL, False, False), (None, True, True)],
    ids=["here", "virtual machine", "another machine", "kernel untold"],
)
def test_engine_is_here_where_its_socket_and_its_kernel_are(
    kernel: str | None, has_socket: bool, is_here: bool
) -> None:
    info = {"DockerRootDir": "/var/lib/docker"}
    version = {} if kernel is None else {"KernelVersion": kernel}
    disk = engine_disk(info, version=version, has_socket=has_socket, is_podman=False)
    assert disk == EngineDisk(folder="/var/lib/docker", is_here=is_here)


def test_engine_that_names_no_folder_has_none() -> None:
    assert engine_disk({}, version={}, has_socket=True, is_podman=False).free() is None
