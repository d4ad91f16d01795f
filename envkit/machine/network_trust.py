"""Whose certificates are trusted on the way to an address, as pip, uv and the model hub's client have it.

Sources: pip's user guide, "Certificate verification"; uv's documentation, "TLS certificates"; httpx, "SSL".
"""

from __future__ import annotations

import importlib.util
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.machine.certificate_stores import CERTIFICATE_STORES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.machine.network import NetworkPlan

SYSTEM = "the system's certificates"
# What downloads with requests reads, and uv's own do not; envkit hands them to uv.
_OF_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class UnusableCertificates(Exception):
    """Report a named file of certificates that cannot be used: why, in words."""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What verifies a server. ``named`` says where the certificates are from; ``is_empty`` that there are none."""

    context: ssl.SSLContext
    named: str
    is_empty: bool = False


def make_trust(
    what: str, host: str, *, plan: NetworkPlan, environ: Mapping[str, str], root: Path = Path("/")
) -> Trust:
    """Return what verifies this host. Raises: UnusableCertificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    is_index = what in plan.pip_asks
    if is_index and plan.client_certificate is not None:
        _load(lambda: context.load_cert_chain(str(plan.client_certificate)), plan.client_certificate)
    if is_index and host in {each.partition(":")[0] for each in plan.trusted_hosts}:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return Trust(context=context, named="pip's trusted-host: any certificate")
    if is_index and plan.certificates is not None:
        return _of_file(context, plan.certificates, plan.certificates_source or "pip's cert")
    if named := _of_variables(context, environ, is_strict=not is_index):
        return Trust(context=context, named=named)
    if what == "model hub" and (own := _certifi()) is not None:
        return _of_file(context, own, "certifi")
    return _of_system(context, root)


def _of_variables(context: ssl.SSLContext, environ: Mapping[str, str], *, is_strict: bool) -> str | None:
    """Load what variables name, and return that in words; uv passes over what is not there, Python does not."""
    found = []
    if file := environ.get("SSL_CERT_FILE"):
        if Path(file).exists():
            found.append(_of_file(context, Path(file), "SSL_CERT_FILE").named)
        elif is_strict:
            raise UnusableCertificates(f"there is no {file}, which SSL_CERT_FILE names")
    folders = [Path(each) for each in environ.get("SSL_CERT_DIR", "").split(os.pathsep) if each]
    found += [_of_file(context, each, "SSL_CERT_DIR").named for each in folders if each.is_dir()]
    if found:
        return ", ".join(found)
    named = ((name, environ.get(name)) for name in _OF_REQUESTS)
    return next((_of_file(context, Path(p), n).named for n, p in named if p and Path(p).exists()), None)


def _of_file(context: ssl.SSLContext, path: Path, source: str) -> Trust:
    if not path.exists():
        raise UnusableCertificates(f"there is no {path}, which {source} names")
    folder, file = (str(path), None) if path.is_dir() else (None, str(path))
    _load(lambda: context.load_verify_locations(cafile=file, capath=folder), path)
    return Trust(context=context, named=f"{path} ({source})")


def _load(load: Callable[[], None], path: Path) -> None:
    try:
        load()
    except ssl.SSLError as error:
        raise UnusableCertificates(f"{path} holds no certificates in the form PEM") from error
    except OSError as error:
        raise UnusableCertificates(f"{path} cannot be read: {error.strerror}") from error


def _of_system(context: ssl.SSLContext, root: Path) -> Trust:
    compiled = ssl.get_default_verify_paths()
    files = [root / place for place in (*CERTIFICATE_STORES, compiled.openssl_cafile.lstrip("/"))]
    file = next((each for each in files if each.is_file()), None)
    folder = root / compiled.openssl_capath.lstrip("/")
    has_folder = folder.is_dir() and any(folder.iterdir())
    if file is not None:
        _load(lambda: context.load_verify_locations(cafile=str(file)), file)
    if has_folder:
        context.load_verify_locations(capath=str(folder))
    return Trust(context=context, named=SYSTEM, is_empty=file is None and not has_folder)


def _certifi() -> Path | None:
    """Return the list that the model hub's client trusts where it is told of none."""
    found = importlib.util.find_spec("certifi")
    file = Path(found.origin).with_name("cacert.pem") if found and found.origin else None
    return file if file is not None and file.is_file() else None
