import os
from pathlib import Path

import pytest

from envkit.api import DataError
from envkit.data.text import read_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\rb\r", ["a", "b"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"a\n\n\nb\n\n", ["a", "", "", "b", ""]),
        ("a\u2028b\x0cc\u0085d\n".encode(), ["a\u2028b\x0cc\u0085d"]),
    ],
)
def test_read_lines_of_any_line_end_gives_the_lines(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    assert read_lines(file) == lines


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_read_lines_of_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match="the file is empty"):
        read_lines(file)


def test_read_lines_of_a_missing_file_lists_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "train.txt").touch()
    with pytest.raises(DataError) as raised:
        read_lines(tmp_path / "trian.txt")
    assert raised.value.message == f"{tmp_path / 'trian.txt'}: there is no such file"
    assert "train.txt" in (raised.value.hint or "")


def test_read_lines_of_a_folder_points_to_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder") as raised:
        read_lines(tmp_path)
    assert f"--data {tmp_path}" in (raised.value.hint or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_read_lines_of_an_unreadable_file_says_why(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text("a")
    file.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        read_lines(file)


@pytest.mark.parametrize(
    ("content", "line", "offset", "encoding"),
    [
        (b"ab\ncaf\xe9\n", 2, 6, "ISO-8859-1"),
        (b"ab\r\n\x93caf\x94\n", 2, 4, "WINDOWS-1252"),
        ("ab".encode("utf-16"), 1, 0, "UTF-16"),
    ],
)
def test_read_lines_that_are_not_utf8_names_line_offset_and_the_way_out(
    tmp_path: Path, content: bytes, line: int, offset: int, encoding: str
) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_lines(file)
    assert raised.value.line == line
    assert f"offset {offset}" in raised.value.message
    assert f"iconv -f {encoding} -t UTF-8" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\n  \n\t\n", "only blank lines"), (b"\x7fELF\x02\x01\x00\x00\xff\xfe\x00", "is binary")],
)
def test_read_lines_of_what_is_no_data_says_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_lines(file)


def test_read_lines_with_a_mark_and_a_bad_byte_counts_from_the_files_beginning(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(b"\xef\xbb\xbfAda\tB-PER\n\nM\xfcller\tB-PER\n")

    with pytest.raises(DataError) as raised:
        read_lines(file)

    assert raised.value.line == 3
    assert "byte 0xfc at offset 15" in raised.value.message
