"""A small authority of certificates: keys on the curve P-256 and certificates in any state of decay.

Sources: RFC 5280 (certificates), RFC 5480 and 5915 (keys), FIPS 186-5 (the curve and ECDSA).
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    Point = tuple[int, int] | None

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


@dataclass(frozen=True)
class Key:
    """A private key, and its public point."""

    secret: int
    point: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A certificate with its key."""

    der: bytes
    key: Key

    def pem(self) -> str:
        """Return the certificate alone."""
        return _pem("CERTIFICATE", self.der)

    def write(self, file: Path) -> Path:
        """Write key and certificate, as a server wants them."""
        algorithm = _sequence(_oid(1, 2, 840, 10045, 2, 1), _oid(1, 2, 840, 10045, 3, 1, 7))
        inner = _sequence(_integer(1), _element(0x04, self.key.secret.to_bytes(32)))
        key = _sequence(_integer(0), algorithm, _element(0x04, inner))
        file.write_text(_pem("PRIVATE KEY", key) + self.pem())
        return file


class Authority:
    """A root, by its own word, that signs certificates of servers."""

    def __init__(self, name: str = "Corp Root CA", organization: str = "Corp Inc.") -> None:
        self._name = _name(name, organization)
        self._key = make_key()
        now = datetime.now(UTC)
        extensions = [_extension((2, 5, 29, 19), _sequence(_element(0x01, b"\xff")), is_critical=True)]
        self.root = Signed(
            der=self._sign(
                self._name, self._key, now - timedelta(days=1), now + timedelta(days=9), extensions
            ),
            key=self._key,
        )

    def sign(
        self,
        *hosts: str,
        starts: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=9),
        name: str = "server",
    ) -> Signed:
        """Return a certificate for hosts or addresses, valid from and until these times from now on."""
        names = [
            _element(0x87, ipaddress.ip_address(host).packed)
            if host[0].isdigit()
            else _element(0x82, host.encode())
            for host in hosts
        ]
        extensions = [_extension((2, 5, 29, 17), _sequence(*names))]
        now, key = datetime.now(UTC), make_key()
        der = self._sign(_name(name, "Server Ltd."), key, now + starts, now + ends, extensions)
        return Signed(der=der, key=key)

    def write(self, file: Path) -> Path:
        """Write the root's certificate, for those who trust it."""
        file.write_text(self.root.pem())
        return file

    def _sign(
        self, subject: bytes, key: Key, starts: datetime, ends: datetime, extensions: list[bytes]
    ) -> bytes:
        algorithm = _sequence(_oid(1, 2, 840, 10045, 4, 3, 2))
        curve = _sequence(_oid(1, 2, 840, 10045, 2, 1), _oid(1, 2, 840, 10045, 3, 1, 7))
        point = b"\x04" + key.point[0].to_bytes(32) + key.point[1].to_bytes(32)
        signed = _sequence(
            _element(0xA0, _integer(2)),
            _integer(secrets.randbits(64)),
            algorithm,
            self._name,
            _sequence(_time(starts), _time(ends)),
            subject,
            _sequence(curve, _element(0x03, b"\x00" + point)),
            _element(0xA3, _sequence(*extensions)),
        )
        return _sequence(signed, algorithm, _element(0x03, b"\x00" + _signature(self._key, signed)))


def make_key() -> Key:
    """Return a new key."""
    secret = secrets.randbelow(_N - 1) + 1
    point = _multiply(secret, _G)
    assert point is not None
    return Key(secret, point)


def _signature(key: Key, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest())
    while True:
        once = make_key()
        r = once.point[0] % _N
        s = pow(once.secret, -1, _N) * (digest + r * key.secret) % _N
        if r and s:
            return _sequence(_integer(r), _integer(s))


def _add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % _P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _P) % _P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _P) % _P
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _multiply(number: int, point: Point) -> Point:
    found: Point = None
    while number:
        if number & 1:
            found = _add(found, point)
        point, number = _add(point, point), number >> 1
    return found


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size) + content


def _sequence(*parts: bytes) -> bytes:
    return _element(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _element(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _oid(first: int, second: int, *rest: int) -> bytes:
    content = bytes((first * 40 + second,))
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        content += bytes(reversed(groups))
    return _element(0x06, content)


def _name(common: str, organization: str) -> bytes:
    pairs = ((_oid(2, 5, 4, 10), organization), (_oid(2, 5, 4, 3), common))
    return _sequence(
        *(_element(0x31, _sequence(kind, _element(0x0C, text.encode()))) for kind, text in pairs)
    )


def _time(moment: datetime) -> bytes:
    return _element(0x18 if moment.year >= 2050 else 0x17, f"{moment:%y%m%d%H%M%SZ}".encode())


def _extension(number: tuple[int, int, int, int], content: bytes, *, is_critical: bool = False) -> bytes:
    critical = [_element(0x01, b"\xff")] if is_critical else []
    return _sequence(_oid(*number), *critical, _element(0x04, content))


def _pem(kind: str, der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n"
