"""Files that results are written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envkit.api import UsageError
from envkit.runs.output import check_free, opened_output


def test_output_appears_when_all_is_written(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("old")

    with opened_output(file) as descriptor:
        os.write(descriptor, b"new")
        before = file.read_text()

    assert (before, file.read_text()) == ("old", "new")
    assert os.listdir(tmp_path) == ["out.jsonl"]  # noqa: PTH208  # names are what is compared


def test_output_of_a_body_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("old")

    with pytest.raises(KeyError), opened_output(file) as descriptor:
        os.write(descriptor, b"new")
        raise KeyError

    assert file.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_output_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "out.jsonl"
    link.symlink_to(tmp_path / "real" / "out.jsonl")

    with opened_output(link) as descriptor:
        os.write(descriptor, b"new")

    assert link.is_symlink()
    assert (tmp_path / "real" / "out.jsonl").read_text() == "new"


def test_output_to_a_device_is_not_renamed_over_it() -> None:
    with opened_output(Path(os.devnull)) as descriptor:
        os.write(descriptor, b"new")

    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize(
    ("name", "words"), [("", "is a folder"), ("no/such/out.jsonl", "cannot be written: No such file")]
)
def test_output_that_cannot_be_opened_is_a_usage_error(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words), opened_output(tmp_path / name):
        pass


def test_output_to_standard_output_leaves_it_open(capfd: pytest.CaptureFixture[str]) -> None:
    with opened_output(None) as descriptor:
        os.write(descriptor, b"new\n")
    os.write(1, b"more\n")

    assert capfd.readouterr().out == "new\nmore\n"


@pytest.mark.parametrize("is_forced", [False, True])
def test_output_over_the_file_that_is_read_is_refused_always(tmp_path: Path, is_forced: bool) -> None:
    source, link = tmp_path / "in.csv", tmp_path / "link.csv"
    source.write_text("text\n")
    link.symlink_to(source)

    with pytest.raises(UsageError, match="over the file that is read"):
        check_free(link, option="--output", source=source, is_forced=is_forced)


def test_output_over_another_file_is_refused_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "my rows.csv"
    file.write_text("")

    check_free(file, option="--output", source=None, is_forced=True)
    with pytest.raises(UsageError, match="is there already") as caught:
        check_free(file, option="--output", source=Path("-"), is_forced=False)
    assert f"--output '{file}' --force" in str(caught.value.hint)


@pytest.mark.parametrize("file", [None, Path("/dev/null"), Path("no-such.csv")], ids=str)
def test_output_to_what_is_no_file_yet_is_free(file: Path | None) -> None:
    check_free(file, option="--output", source=None, is_forced=False)
