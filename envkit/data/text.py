"""Read a user's text file, or say exactly why that is not possible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api import DataError

if TYPE_CHECKING:
    from pathlib import Path

# Not str.splitlines: it also breaks at characters that users have inside their words (U+0085, U+2028).
_LINE_END = re.compile(r"\r\n|\n|\r")

_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_lines(file: Path) -> list[str]:
    """Return the lines of a UTF-8 text file, without their ends (LF, CRLF or CR) and a byte order mark.

    Raises: DataError where the file is missing, a folder, unreadable, empty or not UTF-8.
    """
    content = _read_bytes(file)
    try:
        text = content.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in content and not content.startswith(_UTF16_MARKS):
            raise DataError(
                "the file is binary, expected text", file=file, hint="Give a text file in UTF-8"
            ) from error
        raise _not_utf8(
            file, content, error.start + (len(_MARK) if content.startswith(_MARK) else 0)
        ) from error
    if not text:
        raise DataError("the file is empty", file=file, hint="Give a file that holds data")
    if text.isspace():
        raise DataError("the file holds only blank lines", file=file, hint="Give a file that holds data")
    lines = _LINE_END.split(text)
    if not lines[-1]:
        lines.pop()  # what follows the last line's end is no line
    return lines


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        near = sorted(entry.name for entry in file.parent.glob("*"))[:8] if file.parent.is_dir() else []
        raise DataError(
            "there is no such file",
            file=file,
            hint=f"{file.parent} holds: {', '.join(near)}"
            if near
            else f"{file.parent} is empty or not there",
        ) from error
    except IsADirectoryError as error:
        raise DataError(
            "this is a folder, not a file",
            file=file,
            hint=f"To use the train, dev and test files of a folder: --data {file}",
        ) from error
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror or error}", file=file) from error


def _not_utf8(file: Path, content: bytes, offset: int) -> DataError:
    line = len(_LINE_END.findall(content[:offset].decode("utf-8"))) + 1
    encoding = _guess_encoding(content)
    return DataError(
        f"the file is not UTF-8: byte 0x{content[offset]:02x} at offset {offset}",
        file=file,
        line=line,
        hint=f"If it is {encoding}: iconv -f {encoding} -t UTF-8 '{file}' > '{file.stem}.utf8{file.suffix}'",
    )


def _guess_encoding(content: bytes) -> str:
    if content.startswith(_UTF16_MARKS):
        return "UTF-16"
    # Bytes 0x80 to 0x9f are letters and quotes in Windows-1252, control characters in ISO-8859-1.
    return "WINDOWS-1252" if any(0x80 <= byte <= 0x9F for byte in content) else "ISO-8859-1"
