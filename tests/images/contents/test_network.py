"""Certificates, proxies and passwords, as pip and uv take them here."""

from __future__ import annotations

from dataclasses import dataclass
from netrc import netrc
from typing import TYPE_CHECKING, Any

import pytest
from images.planned import CERTIFICATE

from envkit.api import EnvError, UsageError
from envkit.environments.records import WheelPackage
from envkit.images.contents.network import build_proxies, build_secrets, find_ca_bundle, read_certificates
from envkit.images.records import Contents
from envkit.pip_configuration import PipConfiguration

if TYPE_CHECKING:
    from pathlib import Path

KEY = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"


@dataclass(frozen=True)
class Certificates:
    """Files with a certificate each."""

    folder: Path

    def file(self, name: str) -> Path:
        file = self.folder / f"{name}.pem"
        file.write_text(CERTIFICATE)
        return file


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def contents_from(*addresses: str) -> Contents:
    """Return contents whose packages lie at these addresses."""
    packages = tuple(
        WheelPackage(name=f"p{number}", version="1", url=address) for number, address in enumerate(addresses)
    )
    uv = WheelPackage(name="uv", version="1", url="file:///wheels/uv-1-py3-none-any.whl")
    values: dict[str, Any] = {
        "lock_text": "",
        "lock_sha256": "",
        "python": "3.12",
        "torch": None,
        "tasks": (),
    }
    return Contents(**values, packages=packages, uv=uv, hosts=(), plugins=())


@pytest.mark.parametrize(
    ("pip", "variables", "expected"),
    [
        (False, (), None),
        (True, ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), "pip"),
        (False, ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), "SSL_CERT_FILE"),
        (False, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), "REQUESTS_CA_BUNDLE"),
        (False, ("CURL_CA_BUNDLE",), "CURL_CA_BUNDLE"),
    ],
)
def test_certificates_are_those_that_pip_and_uv_use(
    certificates: Certificates, pip: bool, variables: tuple[str, ...], expected: str | None
) -> None:
    cert = certificates.file("pip") if pip else None
    configuration = PipConfiguration(cert=cert, sources={"cert": "PIP_CERT"})
    environ = {name: str(certificates.file(name)) for name in variables}
    found = find_ca_bundle(None, configuration, environ=environ)
    assert (found and found.stem) == expected


def test_certificates_that_are_given_go_before_those_of_pip(certificates: Certificates) -> None:
    configuration = PipConfiguration(cert=certificates.file("pip"), sources={"cert": "PIP_CERT"})
    given = certificates.file("given")
    assert find_ca_bundle(given, configuration, environ={}) == given


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.der"
    empty.write_bytes(b"\x30\x82")
    with pytest.raises(UsageError, match="holds no certificate"):
        find_ca_bundle(empty, PipConfiguration(), environ={})
    with pytest.raises(UsageError, match="there is no file"):
        find_ca_bundle(tmp_path / "none.pem", PipConfiguration(), environ={})


def test_certificates_are_taken_without_what_else_is_in_the_file(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(f"# of me\n{CERTIFICATE}{KEY}text\n{CERTIFICATE}")
    assert read_certificates(bundle) == CERTIFICATE * 2


def test_proxies_are_said_in_both_spellings() -> None:
    found = build_proxies(PipConfiguration(), environ={"HTTPS_PROXY": "http://p:1", "no_proxy": "intra"})
    assert found == {
        "https_proxy": "http://p:1",
        "HTTPS_PROXY": "http://p:1",
        "no_proxy": "intra",
        "NO_PROXY": "intra",
    }
    of_pip = build_proxies(PipConfiguration(proxy="u:p@proxy:3128"), environ={"HTTPS_PROXY": "http://other"})
    assert of_pip["https_proxy"] == of_pip["HTTP_PROXY"] == "http://u:p@proxy:3128"
    assert build_proxies(PipConfiguration(), environ={}) == {}


def test_passwords_are_handed_on_for_the_servers_that_packages_come_from(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(
        "machine files.example login me password mine\nmachine index.example login no password no\n"
        "machine away.example login me password other\n"
    )
    configuration = PipConfiguration(
        index_url="https://user:pa%40ss@index.example/simple",
        extra_index_urls=("https://token@more.example/simple", "https://a:b@unused.example/simple"),
    )
    contents = contents_from(
        "https://index.example/a.whl", "https://files.example/b.whl", "https://more.example/c.whl"
    )
    (secret,) = build_secrets(contents, configuration, environ={"HOME": str(tmp_path)})
    assert (secret.id, secret.target) == ("netrc", "/root/.netrc")
    file = tmp_path / "written"
    file.write_bytes(secret.content)
    accounts = netrc(file).hosts
    assert {server: (user, password) for server, (user, _, password) in accounts.items()} == {
        "files.example": ("me", "mine"),
        "index.example": ("user", "pa@ss"),
        "more.example": ("token", ""),
    }
    assert "pa@ss" not in repr(secret)


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL"])
def test_passwords_of_uv_count_where_pip_is_told_none(variable: str, tmp_path: Path) -> None:
    environ = {variable: "https://u:p@index.example/simple", "HOME": str(tmp_path)}
    (secret,) = build_secrets(
        contents_from("https://index.example/a.whl"), PipConfiguration(), environ=environ
    )
    assert secret.content == b"machine index.example login u password p\n"


def test_build_without_passwords_has_no_secret(tmp_path: Path) -> None:
    configuration = PipConfiguration(index_url="https://u:p@index.example/simple")
    contents = contents_from("https://files.example/a.whl", "file:///wheels/b.whl")
    assert build_secrets(contents, configuration, environ={"HOME": str(tmp_path)}) == ()


def test_client_certificate_is_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    file.write_text(CERTIFICATE + KEY)
    configuration = PipConfiguration(client_cert=file, sources={"client_cert": "PIP_CLIENT_CERT"})
    environ = {"HOME": str(tmp_path)}
    (secret,) = build_secrets(contents_from("https://index.example/a.whl"), configuration, environ=environ)
    assert (secret.id, secret.content) == ("client-cert", file.read_bytes())
    # What lies on this machine is asked of nobody.
    assert build_secrets(contents_from("file:///a.whl"), configuration, environ=environ) == ()


@pytest.mark.parametrize("password", ["a%20b", "a%22b", "a%5Cb", "%23a"])
def test_password_that_no_netrc_can_hold_is_refused(password: str, tmp_path: Path) -> None:
    configuration = PipConfiguration(index_url=f"https://user:{password}@index.example/simple")
    contents = contents_from("https://index.example/a.whl")
    with pytest.raises(EnvError, match=r"for index\.example") as error:
        build_secrets(contents, configuration, environ={"HOME": str(tmp_path)})
    assert password not in error.value.message
