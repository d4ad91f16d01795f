import gzip
import os
import subprocess
import sys
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
    assert f"--encoding {encoding}" in (raised.value.hint or "")
    assert read_lines(file, encoding=encoding)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n  \n\t\n", "only blank lines"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"\x7fELF\x02\x01\x00\x00\xff\xfe\x00", "is binary"),
    ],
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


@pytest.mark.parametrize(
    "encoding", ["latin-1", "ISO-8859-1", "cp1252", "utf-8", "UTF-8-SIG", "utf-16", "gb18030"]
)
def test_read_lines_in_an_encoding_that_is_named_gives_the_text(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "x.txt"
    text = "caf\xe9\nna\xefve\n"
    file.write_bytes(text.encode(encoding))
    assert read_lines(file, encoding=encoding) == ["caf\xe9", "na\xefve"]


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "base64", "", "utf\0"])
def test_read_lines_in_an_encoding_that_there_is_not_is_refused(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "x.txt"
    file.write_text("a")
    with pytest.raises(DataError, match="there is no encoding") as raised:
        read_lines(file, encoding=encoding)
    assert "--encoding" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (b"a\nb\xff\n", "ascii", "x.txt:2: the file is not ascii: byte 0xff at offset 3"),
        (b"\x81\n", "cp1252", "x.txt:1: the file is not cp1252: byte 0x81 at offset 0"),
        (b"abc", "utf-16", "utf-16"),
    ],
)
def test_read_lines_in_a_wrong_encoding_names_the_byte(
    tmp_path: Path, content: bytes, encoding: str, words: str
) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_lines(file, encoding=encoding)
    assert words in raised.value.message
    assert "--encoding NAME" in (raised.value.hint or "")


def test_read_lines_that_gzip_has_packed_are_unpacked_whatever_the_name(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(gzip.compress(b"a\nb\n"))
    assert read_lines(file) == ["a", "b"]


@pytest.mark.parametrize(
    "content", [gzip.compress(b"a" * 500, mtime=0)[:-9], b"\x1f\x8b\x08\x00rubbish that is none"]
)
def test_read_lines_of_a_broken_gzip_file_says_so(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.txt.gz"
    file.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked") as raised:
        read_lines(file)
    assert "gzip --test" in (raised.value.hint or "")


def test_read_lines_of_standard_input_can_be_read_twice() -> None:
    code = (
        "from pathlib import Path; from envkit.data.text import read_lines; "
        "print(read_lines(Path('-')), read_lines(Path('-')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input="a\nb\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "['a', 'b'] ['a', 'b']\n"
