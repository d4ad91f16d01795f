"""A folder is written whole, over nothing, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api import EnvkitError, UsageError
from envkit.authoring.whole_folder import write_folder


def test_folder_is_made_with_its_parents_and_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "made"

    write_folder(folder, {Path("a"): b"1", Path("b/c"): b"2"})

    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == {
        folder / "a": b"1",
        folder / "b" / "c": b"2",
    }
    assert list(folder.parent.iterdir()) == [folder]


def make_folder(place: Path) -> None:
    (place / "kept").mkdir(parents=True)


def make_file(place: Path) -> None:
    place.write_text("kept")


def make_dangling_link(place: Path) -> None:
    place.symlink_to("nowhere")


@pytest.mark.parametrize("make", [Path.mkdir, make_folder, make_file, make_dangling_link])
def test_what_is_there_already_stays_as_it_is(tmp_path: Path, make: object) -> None:
    assert callable(make)
    place = tmp_path / "made"
    make(place)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(UsageError, match="already") as raised:
        write_folder(place, {Path("a"): b"1"})

    assert "--dir" in (raised.value.hint or "")
    assert sorted(tmp_path.rglob("*")) == before


def test_half_made_folder_does_not_stay(tmp_path: Path) -> None:
    with pytest.raises(EnvkitError, match="cannot be written"):
        write_folder(tmp_path / "made", {Path("a"): b"a file", Path("a/b"): b"in a file"})

    assert not list(tmp_path.iterdir())


def test_folder_that_comes_to_be_there_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    place = tmp_path / "made"

    class Files(dict[Path, bytes]):
        def items(self):  # type: ignore[no-untyped-def]  # as dict's
            make_folder(place)
            return super().items()

    with pytest.raises(EnvkitError, match="cannot be written"):
        write_folder(place, Files({Path("a"): b"1"}))

    assert [file.name for file in place.iterdir()] == ["kept"]
    assert list(tmp_path.iterdir()) == [place]


def test_place_inside_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")

    with pytest.raises(EnvkitError, match="cannot be written"):
        write_folder(tmp_path / "file" / "made", {Path("a"): b"1"})
