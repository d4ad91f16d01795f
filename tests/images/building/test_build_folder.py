"""Folders of builds: this user's alone, gone afterwards, and cleared away where a build was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from envkit.images.building.build_folder import build_folder, clear_stale_folders, memory_places

_HOLDER = """
import sys, time
from pathlib import Path
from envkit.images.building.build_folder import build_folder
with build_folder(places=[Path(sys.argv[1])]) as folder:
    (folder / "secret-0").write_text("sesame")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_build_folder_of_a_killed_build_is_cleared_by_the_next_and_not_before(tmp_path: Path) -> None:
    cmd = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(cmd, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        with build_folder(places=[tmp_path]):
            assert (theirs / "secret-0").read_text() == "sesame"
        process.kill()
    assert theirs.is_dir()

    with build_folder(places=[tmp_path]) as ours:
        assert list(tmp_path.iterdir()) == [ours]
        assert ours.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_build_folder_is_gone_after_a_build_that_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), build_folder(places=[tmp_path]) as folder:
        (folder / "context").mkdir()
        raise KeyboardInterrupt
    assert not folder.exists()


def test_build_folder_lies_in_the_first_place_that_is_there(tmp_path: Path) -> None:
    with build_folder(places=[tmp_path / "none", tmp_path]) as folder:
        assert folder.parent == tmp_path


def test_usual_build_folder_has_one_path_also_after_a_build_that_was_killed(tmp_path: Path) -> None:
    holder = _HOLDER.replace("])])", "])], is_usual=True)")
    cmd = [sys.executable, "-c", holder, str(tmp_path)]
    with subprocess.Popen(cmd, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        usual = Path(process.stdout.readline().strip())
        with build_folder(places=[tmp_path], is_usual=True) as meanwhile:
            assert meanwhile != usual
            assert (usual / "secret-0").read_text() == "sesame"
        process.kill()
    for _ in range(2):
        with build_folder(places=[tmp_path], is_usual=True) as folder:
            assert folder == usual
            assert list(folder.iterdir()) == []
            assert folder.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == []


def test_usual_build_folder_is_another_where_somebody_else_has_made_it(tmp_path: Path) -> None:
    with build_folder(places=[tmp_path], is_usual=True) as usual:
        pass
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    usual.symlink_to(theirs)
    with build_folder(places=[tmp_path], is_usual=True) as folder:
        assert folder != usual
        assert not folder.is_symlink()
    assert theirs.is_dir() and usual.is_symlink()


def test_clearing_follows_no_link_and_keeps_what_is_not_a_builds(tmp_path: Path) -> None:
    place, kept = tmp_path / "place", tmp_path / "kept"
    for folder in (place / "envkit-build-x", place / "envkit-locked-build-1", kept):
        folder.mkdir(parents=True)
    (place / "envkit-locked-build-2").symlink_to(kept)

    clear_stale_folders(place)

    names = sorted(path.name for path in place.iterdir())
    assert names == ["envkit-build-x", "envkit-locked-build-2"]
    assert kept.is_dir()


def test_secrets_lie_in_memory_where_there_is_such_a_place() -> None:
    places = memory_places({"XDG_RUNTIME_DIR": "/run/user/1000"})

    assert places[:2] == (Path("/dev/shm"), Path("/run/user/1000"))
    assert memory_places({"XDG_RUNTIME_DIR": "relative"})[1:] == memory_places({})[1:]
