"""Read the lines of a file or of standard input one at a time, as they come."""

from __future__ import annotations

import gzip
import itertools
import os
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from envkit.data.text import (
    GZIP_MARK,
    STANDARD_INPUT,
    check_encoding,
    cut_gzip,
    decode_text,
    split_lines,
    undecodable,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_MARK = 4
# In these, a line's end is more than one byte, so that lines cannot be told apart before they are decoded.
_WIDE = ("utf-16", "utf-32")


@contextmanager
def open_bytes(file: Path, *, standard_input: BinaryIO | None = None) -> Iterator[BinaryIO]:
    """Open a file, unpacked where gzip has packed it; ``Path("-")`` is standard input. Raises: DataError."""
    if file != STANDARD_INPUT:
        try:
            opened = cast("BinaryIO", file.open("rb"))
        except OSError as error:
            raise unreadable(file, error) from error
    elif standard_input is not None:
        opened = standard_input
    else:
        # Not sys.stdin.buffer: a thread that waits in it would keep the process from ending.
        opened = cast("BinaryIO", os.fdopen(0, "rb", closefd=False))
    try:
        peek = getattr(opened, "peek", None)
        if peek is not None and peek(_LONGEST_MARK).startswith(GZIP_MARK):
            with gzip.GzipFile(fileobj=opened) as unpacked:
                yield cast("BinaryIO", unpacked)
        else:
            yield opened
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise cut_gzip(file, error) from error
    finally:
        if opened is not standard_input:
            opened.close()


def stream_lines(
    file: Path, *, encoding: str | None = None, standard_input: BinaryIO | None = None
) -> Iterator[str]:
    """Yield the lines of a text, without their ends, each as soon as it is there.

    Reads what ``read_lines`` reads, but for an empty text, which has no lines. Raises: DataError.
    """
    with open_bytes(file, standard_input=standard_input) as opened:
        yield from decode_lines(opened, file=file, encoding=encoding)


def decode_lines(opened: BinaryIO, *, file: Path, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of an open file, without their ends. Raises: DataError with byte and line."""
    chosen = check_encoding(encoding)
    if chosen.startswith(_WIDE):
        yield from split_lines(decode_text(opened.read(), file=file, encoding=encoding))
        return
    bytes_before = lines_before = 0
    for content in opened:
        try:
            text = content.decode(chosen)
        except UnicodeDecodeError as error:
            raise undecodable(
                content,
                error.start,
                file=file,
                encoding=chosen,
                lines_before=lines_before,
                bytes_before=bytes_before,
            ) from error
        lines = split_lines(text if bytes_before else text.removeprefix("\ufeff"))
        yield from lines
        bytes_before += len(content)
        lines_before += len(lines)


def look_ahead(lines: Iterator[str], *, most: int) -> tuple[list[str], Iterator[str]]:
    """Return up to ``most`` first lines that are not blank, and all lines again, those included.

    Waits until so many lines have come in, or the end.
    """
    seen: list[str] = []
    ahead: list[str] = []
    for line in lines:
        seen.append(line)
        if line and not line.isspace():
            ahead.append(line)
        if len(ahead) >= most:
            break
    return ahead, itertools.chain(seen, lines)
