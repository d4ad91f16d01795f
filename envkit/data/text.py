"""Read a user's text file, or say exactly why that is not possible."""

from __future__ import annotations

import codecs
import functools
import gzip
import re
import shlex
import sys
import zlib
from pathlib import Path

from envkit.api import DataError

STANDARD_INPUT = Path("-")

# Not str.splitlines: it also breaks at characters that users have inside their words (U+0085, U+2028).
_LINE_END = re.compile(r"\r\n|\n|\r")

_MARK = b"\xef\xbb\xbf"
_POINTER = "version https://git-lfs.github.com/spec/"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
GZIP_MARK = b"\x1f\x8b"


def read_lines(file: Path, *, encoding: str | None = None) -> list[str]:
    """Return the lines of a text file, without their ends (LF, CRLF or CR) and a byte order mark.

    The encoding is UTF-8 where none is given. What gzip has packed is unpacked; ``Path("-")`` is standard
    input, read once and kept.
    Raises: DataError where the file is missing, a folder, unreadable, empty, not text of this encoding, or
    where there is no such encoding.
    """
    return split_lines(read_text(file, encoding=encoding))


def read_text(file: Path, *, encoding: str | None = None) -> str:
    """Return the text of a file as it is, without a byte order mark. Raises: DataError as ``read_lines``."""
    content = read_content(file)
    text = decode_text(content, file=file, encoding=encoding)
    if not text:
        raise DataError("the file is empty", file=file, hint="Give a file that holds data")
    if text.startswith(_POINTER):
        raise DataError(
            "this is a pointer of Git LFS, not the file that it stands for", file=file, hint="git lfs pull"
        )
    if text.isspace():
        raise DataError("the file holds only blank lines", file=file, hint="Give a file that holds data")
    return text


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, without their ends: LF, CRLF or CR, and nothing else, ends a line."""
    lines = _LINE_END.split(text) if "\r" in text else text.split("\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line's end is no line
    return lines


def read_content(file: Path) -> bytes:
    """Return the bytes of a file, unpacked where gzip has packed them. Raises: DataError."""
    content = _standard_input() if file == STANDARD_INPUT else _read_bytes(file)
    if not content.startswith(GZIP_MARK):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise cut_gzip(file, error) from error


def cut_gzip(file: Path, error: Exception) -> DataError:
    """Return the error that says that what gzip has packed cannot be unpacked."""
    return DataError(
        f"this gzip file cannot be unpacked: {error}",
        file=file,
        hint=f"See whether it is whole: gzip --test {shlex.quote(str(file))}",
    )


def name_of(file: Path) -> str:
    """Return what rows of this file are named after: ``stdin`` for standard input."""
    return "stdin" if file == STANDARD_INPUT else file.name


def decode_text(content: bytes, *, file: Path, encoding: str | None) -> str:
    """Return the text that these bytes are, without a byte order mark. Raises: DataError."""
    chosen = check_encoding(encoding)
    try:
        if chosen == "utf-8":
            return content.removeprefix(_MARK).decode("utf-8")
        return content.decode(chosen).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        offset = error.start
        if chosen == "utf-8" and content.startswith(_MARK):
            offset += len(_MARK)
        raise undecodable(content, offset, file=file, encoding=chosen) from error
    except UnicodeError as error:  # utf-16 and utf-32 raise it too where a mark is missing
        raise DataError(f"the file is not {encoding}: {error}", file=file, hint=_other_encoding()) from error


def check_encoding(encoding: str | None) -> str:
    """Return the name under which Python has an encoding of text. Raises: DataError for one it has not."""
    if encoding is None:
        return "utf-8"
    try:
        info = codecs.lookup(encoding)
        # rot13, base64 and their like are codecs, but not from bytes to text.
        "".encode(encoding)
    except (LookupError, ValueError, TypeError) as error:
        raise DataError(
            f"there is no encoding {encoding!r}",
            hint="Names are such as --encoding UTF-8, ISO-8859-1, Windows-1252, UTF-16, GB18030, Shift_JIS",
        ) from error
    return "utf-8" if info.name in ("utf-8", "utf-8-sig") else info.name


def undecodable(
    content: bytes, offset: int, *, file: Path, encoding: str, lines_before: int = 0, bytes_before: int = 0
) -> DataError:
    """Return the error that names the byte at this offset, its line and the way out.

    ``lines_before`` and ``bytes_before`` are what the file has before this content.
    """
    if encoding == "utf-8" and b"\0" in content and not content.startswith(_UTF16_MARKS):
        return DataError("the file is binary, expected text", file=file, hint="Give a text file in UTF-8")
    before = content[:offset].decode(encoding, errors="replace")
    guess = _guess_encoding(content)
    return DataError(
        f"the file is not {_shown(encoding)}: byte 0x{content[offset]:02x} at offset {bytes_before + offset}",
        file=file,
        line=lines_before + len(_LINE_END.findall(before)) + 1,
        hint=f"If it is {guess}: --encoding {guess}" if encoding == "utf-8" else _other_encoding(),
    )


def _shown(encoding: str) -> str:
    return "UTF-8" if encoding == "utf-8" else encoding


def _other_encoding() -> str:
    return "Give the encoding that it has: --encoding NAME, or none for UTF-8"


@functools.cache
def _standard_input() -> bytes:
    return sys.stdin.buffer.read()


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error


def unreadable(file: Path, error: OSError) -> DataError:
    """Return the error for a file that cannot be opened: what is there instead, and what to do."""
    if isinstance(error, FileNotFoundError):
        near = sorted(entry.name for entry in file.parent.glob("*"))[:8] if file.parent.is_dir() else []
        holds = f"{file.parent} holds: {', '.join(near)}" if near else f"{file.parent} is empty or not there"
        return DataError("there is no such file", file=file, hint=holds)
    if isinstance(error, IsADirectoryError):
        return DataError(
            "this is a folder, not a file",
            file=file,
            hint=f"To use the train, dev and test files of a folder: --data {file}",
        )
    return DataError(f"the file cannot be read: {error.strerror or error}", file=file)


def _guess_encoding(content: bytes) -> str:
    if content.startswith(_UTF16_MARKS):
        return "UTF-16"
    # Bytes 0x80 to 0x9f are letters and quotes in Windows-1252, control characters in ISO-8859-1.
    return "WINDOWS-1252" if any(0x80 <= byte <= 0x9F for byte in content) else "ISO-8859-1"
