"""What a build needs to reach the package indexes as pip does here: certificates, proxies, passwords."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.api import EnvError, UsageError
from envkit.environments.uv_environment import uv_settings
from envkit.images.records import BuildSecret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.images.records import Contents
    from envkit.pip_configuration import PipConfiguration

NETRC_SECRET = "netrc"
CLIENT_CERT_SECRET = "client-cert"
_NETRC_TARGET = "/root/.netrc"
_CLIENT_CERT_TARGET = "/run/secrets/client-cert"
_CERTIFICATE = re.compile(
    r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.+?-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL
)
# uv's variables that hold addresses of indexes.
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_WITH_USER = re.compile(r"https?://[^\s\"'/@,]+@[^\s\"'/,]+", re.IGNORECASE)
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class _Account:
    user: str
    password: str


def find_ca_bundle(
    given: Path | None, configuration: PipConfiguration, *, environ: Mapping[str, str] = os.environ
) -> Path | None:
    """Return the file with the certificates to trust: the one given, else that of pip or uv, None without.

    Raises: UsageError for one given that holds no certificate, EnvError for one of pip's that is not there.
    """
    if given is not None:
        check_ca_bundle(given)
        return given
    named = uv_settings(configuration, environ=environ).environ.get("SSL_CERT_FILE")
    return Path(named) if named and Path(named).is_file() else None


def check_ca_bundle(bundle: Path) -> None:
    """Check that there are certificates in a file that the user named. Raises: UsageError."""
    if not bundle.is_file():
        raise UsageError(
            f"there is no file {bundle} with certificates", hint="Name one with --ca-bundle FILE"
        )
    read_certificates(bundle)


def read_certificates(bundle: Path) -> str:
    """Return the certificates in a file and nothing else of it. Raises: UsageError where there is none."""
    try:
        text = bundle.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"{bundle}: cannot be read: {error.strerror}", hint="Name another: --ca-bundle FILE"
        ) from error
    found = _CERTIFICATE.findall(text)
    if not found:
        raise UsageError(
            f"{bundle} holds no certificate in the form PEM, which begins with -----BEGIN CERTIFICATE-----",
            hint=f"Convert it: openssl x509 -inform der -in {bundle} -out ca.pem",
        )
    return "".join(f"{each}\n" for each in found)


def build_proxies(
    configuration: PipConfiguration, *, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the proxies that pip uses, in the variables that every builder knows.

    Source: Dockerfile reference, "Predefined ARGs": no image and no history keeps these.
    """
    found = {name: environ.get(name) or environ.get(name.upper()) or "" for name in _PROXY_VARIABLES}
    if configuration.proxy:
        proxy = configuration.proxy if "://" in configuration.proxy else f"http://{configuration.proxy}"
        found |= {"http_proxy": proxy, "https_proxy": proxy}
    both = ((name, text) for low, text in found.items() if text for name in (low, low.upper()))
    return dict(both)


def build_secrets(
    contents: Contents, configuration: PipConfiguration, *, environ: Mapping[str, str] = os.environ
) -> tuple[BuildSecret, ...]:
    """Return what a build has to be told, and no layer may keep, to fetch the packages.

    ``netrc`` has user and password for each server that a package comes from and that pip, uv or the user's own
    ``.netrc`` has some for; ``client-cert`` is pip's client certificate. Raises: EnvError for a password that
    cannot stand in such a file.
    """
    secrets = []
    servers = _servers(contents)
    accounts = _accounts(contents, configuration, environ)
    lines = [_netrc_line(server, accounts[server]) for server in servers if server in accounts]
    if lines:
        content = "".join(lines).encode()
        secrets.append(BuildSecret(id=NETRC_SECRET, content=content, target=_NETRC_TARGET))
    certificate = configuration.client_cert
    if certificate is not None and servers:
        try:
            content = certificate.read_bytes()
        except OSError as error:
            raise EnvError(
                f"the client certificate {certificate} cannot be read: {error.strerror}",
                hint="Mend the setting, seen with: pip config list",
            ) from error
        secrets.append(BuildSecret(id=CLIENT_CERT_SECRET, content=content, target=_CLIENT_CERT_TARGET))
    return tuple(secrets)


def _servers(contents: Contents) -> list[str]:
    addresses = (urlsplit(package.url) for package in (*contents.packages, contents.uv))
    return sorted({each.hostname for each in addresses if each.scheme in ("http", "https") and each.hostname})


def _accounts(
    contents: Contents, configuration: PipConfiguration, environ: Mapping[str, str]
) -> dict[str, _Account]:
    """Return the accounts by server; an address that names its user beats .netrc, as in pip."""
    found = dict(_netrc_accounts(environ))
    settings = uv_settings(configuration, environ=environ)
    texts = [settings.environ.get(name, "") for name in INDEX_VARIABLES]
    texts.append(settings.configuration)
    if contents.torch is not None:
        texts.append(contents.torch.location)
    for address in _WITH_USER.findall(" ".join(texts)):
        parts = urlsplit(address)
        if parts.hostname:
            found[parts.hostname] = _Account(unquote(parts.username or ""), unquote(parts.password or ""))
    return found


def _netrc_accounts(environ: Mapping[str, str]) -> Iterator[tuple[str, _Account]]:
    from netrc import NetrcParseError, netrc

    file = Path(environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc")
    try:
        hosts = netrc(file).hosts
    except (OSError, NetrcParseError, UnicodeDecodeError):  # pip goes on without it as well
        return
    for server, (user, _, password) in hosts.items():
        yield server, _Account(user or "", password or "")


def _netrc_line(server: str, account: _Account) -> str:
    for text in (account.user, account.password):
        if re.search(r"[\s\"'\\]|^#", text):
            raise EnvError(
                f"the user name or the password for {server} has a space, a quote or a backslash, "
                "which cannot be handed to a build",
                hint=f"Get a token without them from {server}, and put it into pip's configuration",
            )
    password = f" password {account.password}" if account.password else ""
    return f"machine {server} login {account.user}{password}\n"
