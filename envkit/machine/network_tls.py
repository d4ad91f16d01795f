"""TLS over a connection, and what is wrong with a certificate that is refused."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from envkit.machine.certificate import read_certificate
from envkit.machine.network_way import Unreached, words_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from envkit.machine.network_trust import Trust
    from envkit.machine.network_way import Way

# OpenSSL's numbers for why a certificate is refused. Source: openssl/x509_vfy.h.
_CAUSES = {
    9: "not yet valid",
    10: "expired",
    18: "unknown issuer",
    19: "unknown issuer",
    20: "unknown issuer",
    21: "unknown issuer",
    62: "wrong host",
    64: "wrong host",
}


def secured(
    sock: socket.socket, host: str, port: int, way: Way, *, dial: Callable[[], socket.socket]
) -> ssl.SSLSocket:
    """Return the connection with TLS over it; ``dial`` makes another one like it. Raises: Unreached."""
    way.say("agreeing on TLS")
    trust = way.trust(host)
    try:
        sock.settimeout(way.left())
        return trust.context.wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise _of_certificate(error, host, trust, way, dial) from None
    except TimeoutError:
        raise Unreached("timeout", f"{host}:{port} takes calls and says nothing", cause="TLS") from None
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            raise Unreached("failed", f"{host}:{port} does not speak TLS", cause="no TLS") from None
        raise Unreached("failed", f"no TLS with {host}:{port}: {words_of(error)}", cause="TLS") from None
    except (OSError, ValueError) as error:
        raise Unreached(
            "failed", f"{host}:{port} hangs up while TLS is agreed on: {words_of(error)}", cause="TLS"
        ) from None


def _of_certificate(
    error: ssl.SSLCertVerificationError,
    host: str,
    trust: Trust,
    way: Way,
    dial: Callable[[], socket.socket],
) -> Unreached:
    """Return what is wrong with a certificate; who signed it is asked for once more, trusting anybody."""
    cause = _CAUSES.get(error.verify_code, "refused")
    if trust.is_empty:
        return Unreached("certificate", "this machine has no certificates to trust", cause="no store")
    shown = _shown_certificate(host, way, dial)
    found = read_certificate(shown) if shown else None
    if found is None:
        return Unreached("certificate", error.verify_message, cause=cause)
    if cause == "unknown issuer":
        detail = f"its certificate is signed by {found.issuer}, which is not trusted"
        if found.issuer == found.subject:
            detail = f"its certificate is signed by itself: {found.subject}"
    elif cause == "expired":
        detail = f"its certificate was valid until {found.ends:%Y-%m-%d}"
    elif cause == "not yet valid":
        detail = f"its certificate is valid from {found.starts:%Y-%m-%d %H:%M} UTC on"
    elif cause == "wrong host":
        detail = f"its certificate is for {found.subject}, signed by {found.issuer}"
    else:
        detail = f"{error.verify_message}, signed by {found.issuer}"
    return Unreached("certificate", detail, cause=cause)


def _shown_certificate(host: str, way: Way, dial: Callable[[], socket.socket]) -> bytes | None:
    """Return the certificate that a server shows; nothing is asked of a server that is not trusted."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with dial() as sock:
            sock.settimeout(way.left())
            with anybody.wrap_socket(sock, server_hostname=host) as stream:
                return stream.getpeercert(binary_form=True)
    except (OSError, Unreached):
        return None
