"""Read a log of any size and encoding in blocks of plain bytes: UTF-8, no colours, one kind of line end."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 20
# Between what a carriage return wrote over: it begins a line on the screen, and none in the file.
OVERWRITTEN = b"\x0b"

# Sequences of ECMA-48, section 5.4, and titles and links of terminals (ST or BEL ends them); none spans lines.
_ESCAPE = re.compile(
    rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)?|[ -/]{0,4}[0-Z\\^-~])"
)
_LONGEST_ESCAPE = 80
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class ByteStream(Protocol):
    """What a log is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


def clean_blocks(stream: ByteStream, *, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the log in blocks of about ``size`` bytes, cut anywhere but inside of an escape sequence.

    A byte order mark, or every other byte a zero, tells UTF-16 (what PowerShell writes); all else stays as it
    is, since the words that are looked for are ASCII. Raises: OSError.
    """
    held = b""
    for block in _utf8_blocks(stream, size):
        held += block
        end = _safe_end(held)
        yield _clean(held[:end])
        held = held[end:]
    if held:
        yield _clean(held)


def _utf8_blocks(stream: ByteStream, size: int) -> Iterator[bytes]:
    first = stream.read(size)
    encoding = _encoding_of(first)
    decoder = None if encoding is None else codecs.getincrementaldecoder(encoding)("replace")
    block = first
    while block:
        yield block if decoder is None else decoder.decode(block).encode("utf-8", "replace")
        block = stream.read(size)


def _encoding_of(first: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return None if encoding == "utf-8" else encoding
    # A log that was emptied while a program went on writing into it begins with zeros alone.
    begin = len(first) - len(first.lstrip(b"\0"))
    begin -= begin % 2  # the first byte that is not zero may be the second of its two
    head = first[begin : begin + 1000]
    zeros, length = (head[::2].count(0), head[1::2].count(0)), len(head) // 2
    # Few of the other half are: of box drawing and other signs of UTF-16 that byte is zero too.
    if length > 1 and min(zeros) * 4 <= length and max(zeros) * 3 > length * 2:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return None


def _safe_end(block: bytes) -> int:
    """Return up to where the block holds whole escape sequences and line ends."""
    end = len(block) - block.endswith(b"\r")  # a line feed may follow
    cut = block.rfind(b"\x1b", max(0, end - _LONGEST_ESCAPE), end)
    if cut < 0:
        return end
    found = _ESCAPE.match(block, cut)
    return end if found is not None and found.end() < end else cut


def _clean(block: bytes) -> bytes:
    if b"\x1b" in block:
        block = _ESCAPE.sub(b"", block)
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", OVERWRITTEN)
    return block
