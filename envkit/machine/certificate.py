"""Read who signed a certificate and when it is valid, which ``ssl`` does not tell of one that it refuses.

Source: RFC 5280, sections 4.1 and 4.1.2.4; X.690 for the encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
# Parts of a name, as the object identifiers 2.5.4.3, 2.5.4.10 and 2.5.4.11.
_COMMON_NAME, _ORGANIZATION, _UNIT = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a certificate says of itself; nothing of it is checked. Names are as ``Corp Root CA (Corp Inc.)``."""

    subject: str
    issuer: str
    starts: datetime
    ends: datetime


def read_certificate(der: bytes) -> Certificate | None:
    """Return what a certificate in DER says; None for what is none."""
    try:
        tag, certificate, _ = _element(der, 0)
        _, signed, _ = _element(certificate, 0)
        if tag != _SEQUENCE:
            return None
        fields = [field for field in _elements(signed) if field[0] != _VERSION]
        issuer, validity, subject = fields[2][1], fields[3][1], fields[4][1]
        starts, ends = (_time(*each) for each in _elements(validity))
        return Certificate(subject=_name(subject), issuer=_name(issuer), starts=starts, ends=ends)
    except (IndexError, ValueError):
        return None


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(content):
        tag, inner, position = _element(content, position)
        yield tag, inner


def _element(data: bytes, position: int) -> tuple[int, bytes, int]:
    """Return tag, content and the position behind it. Raises: IndexError, ValueError."""
    tag, length, start = data[position], data[position + 1], position + 2
    if length >= 0x80:  # so many bytes hold the length
        count = length & 0x7F
        length, start = int.from_bytes(data[start : start + count]), start + count
    if start + length > len(data):
        raise ValueError("the certificate ends too early")
    return tag, data[start : start + length], start + length


def _name(content: bytes) -> str:
    parts: dict[bytes, str] = {}
    for _, group in _elements(content):
        for _, pair in _elements(group):
            (_, kind), (tag, text) = _elements(pair)
            parts.setdefault(kind, text.decode(_ENCODINGS.get(tag, "latin-1"), "replace"))
    common = parts.get(_COMMON_NAME) or parts.get(_UNIT) or parts.get(_ORGANIZATION) or ""
    organization = parts.get(_ORGANIZATION, "")
    shown = f"{common} ({organization})" if organization and organization not in common else common
    return "".join(letter for letter in shown if letter.isprintable())


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii", "replace")
    if tag == _UTC_TIME:  # two digits of the year: RFC 5280, 4.1.2.5.1
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(f"no time has the tag {tag}")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
