"""Probe the files of certificates that variables and pip's configuration name: whether they can serve at all.

Whether a server's certificate is among them only asking that server tells. Source of the form: RFC 7468.
"""

from __future__ import annotations

import binascii
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.api.facts import CertificateFile
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.machine.files import Files

# Which programs read which: OpenSSL, Python and uv; requests and so pip; curl and requests; uv.
_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Those that may name a folder as well.
_MAY_BE_FOLDERS = frozenset({"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"})
_BEGIN, _END = b"-----BEGIN ", b"-----END "
# The second is OpenSSL's own, with the uses that a certificate is trusted for behind it.
_LABELS = (b"CERTIFICATE-----", b"TRUSTED CERTIFICATE-----", b"X509 CERTIFICATE-----")
_LIMIT = 32 << 20
_SEQUENCE = b"\x30\x82"  # how every certificate of more than 255 bytes begins in DER


def read_certificates(files: Files, *, environ: Mapping[str, str]) -> tuple[CertificateFile, ...]:
    """Return what is named, and what is wrong with each."""
    problems: dict[tuple[str, bool], str | None] = {}  # most often all name one file
    found = []
    for named_by, path, may_be_folder in _named(files, environ):
        if (path, may_be_folder) not in problems:
            problems[path, may_be_folder] = _problem(Path(path), may_be_folder=may_be_folder)
        problem = problems[path, may_be_folder]
        found.append(CertificateFile(path=path, named_by=named_by, problem=problem))
    return tuple(found)


def _named(files: Files, environ: Mapping[str, str]) -> Iterator[tuple[str, str, bool]]:
    for name in _FILES:
        if environ.get(name):
            yield name, environ[name], name in _MAY_BE_FOLDERS
    for folder in environ.get("SSL_CERT_DIR", "").split(os.pathsep):
        if folder:
            yield "SSL_CERT_DIR", folder, True
    try:
        configuration = read_pip_configuration(environ=environ)
    except EnvError as error:
        files.note("pip's cert", error.message)
        return
    except (OSError, ValueError) as error:  # a folder that is closed to this user, or is gone
        files.note("pip's cert", str(error))
        return
    if configuration.cert is not None:
        yield configuration.sources["cert"], str(configuration.cert), True
    if configuration.client_cert is not None:
        yield configuration.sources["client_cert"], str(configuration.client_cert), False


def _problem(path: Path, *, may_be_folder: bool) -> str | None:
    """Say what is wrong with a file or folder of certificates."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _folder_problem(path) if may_be_folder else "it is a folder, and a file is expected"
        if not stat.S_ISREG(mode):
            return "it is no file"
        with path.open("rb") as file:
            content = file.read(_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return "it is not there"
    except (OSError, ValueError) as error:  # the latter for a null byte in the name
        return f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    return _content_problem(content)


def _folder_problem(path: Path) -> str | None:
    # OpenSSL finds certificates in a folder by hashes alone: links such as 3513523f.0. Source: openssl-rehash(1).
    if any(re.fullmatch(r"[0-9a-f]{8}\.\d+", entry.name) for entry in path.iterdir()):
        return None
    return "there is no certificate in it that OpenSSL would find: run openssl rehash on this folder"


def _content_problem(content: bytes) -> str | None:
    if not content.strip():
        return "it is empty"
    blocks = [block for block in content.split(_BEGIN)[1:] if block.startswith(_LABELS)]
    if not blocks:
        if content.startswith(_SEQUENCE):
            return "it holds a certificate in the binary form DER, and PEM is expected"
        return "there is no certificate in it"
    for number, block in enumerate(blocks, 1):
        if not _is_certificate(block):
            return f"certificate {number} of the {len(blocks)} in it is cut off or broken"
    return None


def _is_certificate(block: bytes) -> bool:
    text, end, _ = block.partition(b"-----")[2].partition(_END)
    try:
        der = binascii.a2b_base64(text)
    except binascii.Error:
        return False
    return end == _END and der[:1] == _SEQUENCE[:1] and 2 < _length(der) <= len(der)


def _length(der: bytes) -> int:
    """Return how long the first element says that it is, its header with it. Source: X.690, 8.1.3."""
    if len(der) < 2 or der[1] < 0x80:
        return 2 + (der[1] if len(der) > 1 else 0)
    count = der[1] & 0x7F
    return 2 + count + int.from_bytes(der[2 : 2 + count])
