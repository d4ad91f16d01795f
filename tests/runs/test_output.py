"""Files that results are written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envkit.api import UsageError
from envkit.runs.output import opened_output


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
