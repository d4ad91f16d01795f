"""Whether a run's folder outlasts its container, by the kernel's table of mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.worker.kept import is_gone_with_container

if TYPE_CHECKING:
    from pathlib import Path


def line(point: Path | str) -> str:
    escaped = str(point).replace(" ", "\\040")
    return f"27 1 254:0 /some {escaped} rw,relatime - ext4 /dev/vda rw\n"


@pytest.mark.parametrize(
    ("mark", "mounted", "is_gone"),
    [
        (".dockerenv", None, True),
        ("run/.containerenv", None, True),
        (".dockerenv", "beside it", True),
        (".dockerenv", "my work", False),
        (".dockerenv", "my work/runs/one", False),
        (None, None, False),
    ],
)
def test_folder_is_gone_with_a_container_that_has_nothing_mounted_there(
    tmp_path: Path, mark: str | None, mounted: str | None, is_gone: bool
) -> None:
    folder = tmp_path / "my work" / "runs" / "one"
    folder.mkdir(parents=True)
    if mark is not None:
        (tmp_path / mark).parent.mkdir(exist_ok=True)
        (tmp_path / mark).touch()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(line("/") + line("/proc") + ("" if mounted is None else line(tmp_path / mounted)))

    assert is_gone_with_container(folder, root=tmp_path, mounts=mounts) is is_gone


def test_folder_of_which_nothing_is_known_is_not_spoken_of(tmp_path: Path) -> None:
    (tmp_path / ".dockerenv").touch()

    assert not is_gone_with_container(tmp_path, root=tmp_path, mounts=tmp_path / "gone")
