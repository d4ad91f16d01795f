"""What mends an address that is not reached: the variable to set, by what is in the way. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envkit.doctor.remedies import install_packages
from envkit.mirrors import MirrorKind, mirror_hint

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts, Reach

_MIRRORS: dict[str, MirrorKind] = {
    "package index": "package-index",
    "torch index": "torch-index",
    "model hub": "model-hub",
    "conda channel": "channels",
}
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")
# How ``Reach.trust`` speaks of a file that a variable names.
_TRUSTED_BY_VARIABLE = re.compile(r"(/[^,]*) \(([A-Z_]+)\)")


def is_trouble_of_settings(reach: Reach) -> bool:
    """Tell whether something is there and the settings of this machine are in the way."""
    return reach.state in ("certificate", "proxy") or reach.status in (401, 403)


_LOGIN = "USER:PASSWORD"  # apart: written out, it would be taken for a password in an image


def fix_of(reach: Reach, facts: MachineFacts | None) -> str:
    """Return what to do about an address; ``facts`` None for one that is only slow."""
    mirror = mirror_hint(_MIRRORS[reach.what])
    if facts is None:
        return mirror
    if reach.state == "certificate":
        return _fix_certificate(reach, facts)
    if reach.state == "proxy":
        return _fix_proxy(reach, facts)
    if reach.state == "status":
        return _fix_status(reach, mirror)
    if reach.state == "no name" and reach.cause == "no name server":
        return f"Check the connection, the VPN and /etc/resolv.conf. {mirror}"
    if reach.cause in ("no address", "no folder"):
        return f"Mend {reach.source or 'the address'}. {mirror}"
    if reach.cause == "no TLS":
        return f"Mend the address: it is http://, or another port. {mirror}"
    if reach.proxy is None:
        return f"Behind a company's proxy: export HTTPS_PROXY=http://HOST:PORT. {mirror}"
    return f"Check the network. {mirror}"


def _fix_certificate(reach: Reach, facts: MachineFacts) -> str:
    is_index = reach.what in ("package index", "torch index")
    variables = "SSL_CERT_FILE=FILE PIP_CERT=FILE" if is_index else "SSL_CERT_FILE=FILE"
    host = urlsplit(reach.address).hostname or reach.address
    if reach.cause == "no file":
        return f"Name a file that is there, or take the setting out: export {variables}"
    if reach.cause == "no store":
        install = install_packages(
            facts.platform,
            otherwise="Install your system's package ca-certificates",
            apt="ca-certificates",
            dnf="ca-certificates",
            zypper="ca-certificates",
            pacman="ca-certificates",
            apk="ca-certificates",
        )
        return f"{install}   # or name your own: export {variables}"
    if reach.cause in ("expired", "not yet valid"):
        return (
            f"This machine's clock says {facts.taken_at[:16].replace('T', ' ')} UTC. If it is wrong: "
            f"{_set_clock(facts)}; if it is right, tell whoever keeps {reach.proxy or host}"
        )
    if reach.cause == "wrong host":
        return f"Check the address: something else answers for {host}. {mirror_hint(_MIRRORS[reach.what])}"
    if (reach.trust or "").endswith("(certifi)") and (bundle := _reached_with(facts)):
        return f"The index is reached with other certificates, so take them: export SSL_CERT_FILE={bundle}"
    if named := _TRUSTED_BY_VARIABLE.fullmatch(reach.trust or ""):
        return (
            f"Add that issuer's certificate, in PEM, to {named[1]}, or let the system's certificates count: "
            f"unset {named[2]}"
        )
    return (
        f"Get the certificates of your network from its administrators, put them and the public ones into one "
        f"FILE in PEM, and: export {variables}"
    )


def _set_clock(facts: MachineFacts) -> str:
    if facts.platform.system == "darwin":
        return "sudo sntp -sS time.apple.com"
    if facts.platform.is_wsl:
        return "sudo hwclock -s"
    if facts.platform.is_container:
        return "set that of the container's host"
    return "sudo timedatectl set-ntp true"


def _reached_with(facts: MachineFacts) -> str | None:
    """Return the file of certificates with which an address was reached, if there is one."""
    trusts = (reach.trust for reach in facts.network if reach.state == "reached" and reach.trust)
    files = (trust.partition(" (")[0] for trust in trusts)
    return next((file for file in files if file.startswith("/")), None)


def _fix_proxy(reach: Reach, facts: MachineFacts) -> str:
    setting = _proxy_setting(reach, facts)
    place = urlsplit(reach.proxy or "")
    at = place.netloc.rpartition("@")[2] or "HOST:PORT"
    host = urlsplit(reach.address).hostname or "HOST"
    straight = f"no proxy for this host: export NO_PROXY={_with_host(facts, host)}"
    if reach.cause == "password":
        return f"Give it your user and password: export {setting}={place.scheme or 'http'}://{_LOGIN}@{at}"
    if reach.cause == "certificate":
        return "Get the certificate of the proxy's issuer from its administrators: export SSL_CERT_FILE=FILE"
    if reach.cause == "no TLS":
        return f"Speak http to the proxy, as most do: export {setting}=http://{at}"
    if reach.cause in ("refused", "no way"):
        return (
            f"Ask whoever keeps the proxy to allow {host}, or name a mirror inside your network: "
            f"{mirror_hint(_MIRRORS[reach.what]).partition(': ')[2]}; or {straight}"
        )
    return f"Name the right one: export {setting}=http://HOST:PORT; where there is none: unset {setting}; {straight}"


def _proxy_setting(reach: Reach, facts: MachineFacts) -> str:
    of_pip = any(setting.name == "proxy" for setting in facts.pip.settings)
    if of_pip and reach.what in ("package index", "torch index"):
        return "PIP_PROXY"
    return next((name for name in _PROXY_VARIABLES if facts.variable(name)), "HTTPS_PROXY")


def _with_host(facts: MachineFacts, host: str) -> str:
    before = facts.variable("NO_PROXY") or facts.variable("no_proxy")
    return f"{before},{host}" if before else host


def _fix_status(reach: Reach, mirror: str) -> str:
    host = urlsplit(reach.address).hostname or "HOST"
    if reach.status in (401, 403):
        return (
            f"Put your user and password into ~/.netrc: machine {host} login USER password PASSWORD. {mirror}"
        )
    if reach.status == 404:
        ends = " (that of most indexes ends in /simple)" if reach.what == "package index" else ""
        return f"Check the address{ends}. {mirror}"
    return f"Try again later. {mirror}"
