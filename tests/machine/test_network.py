from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certificate_authority import Authority
from hypothesis import given
from hypothesis import strategies as st
from small_servers import proxy_that, refusing_port, server_that, silent_port

from envkit.machine.certificate import read_certificate
from envkit.machine.network import NetworkPlan, read_network
from envkit.machine.network_route import is_excepted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certificate_authority import Signed

    from envkit.api.facts import Reach

NO_STORE = Path("/nowhere")


def reach(
    address: str,
    what: str = "package index",
    *,
    environ: Mapping[str, str] | None = None,
    root: Path = NO_STORE,
    timeout: float = 4.0,
    **settings: object,
) -> Reach:
    plan = NetworkPlan(addresses={what: address}, timeout=timeout, **settings)  # type: ignore[arg-type]
    (found,) = read_network(plan, environ={"HOME": "/nowhere", **(environ or {})}, root=root)
    assert found.what == what
    return found


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trusted(authority: Authority, tmp_path: Path) -> dict[str, str]:
    return {"SSL_CERT_FILE": str(authority.write(tmp_path / "ca.pem"))}


def fine(method: str, path: str) -> int:
    return 200


# --- what answers -----------------------------------------------------------------------------------------


def test_index_that_answers_is_reached_with_seconds() -> None:
    with server_that(fine) as (url, asked):
        found = reach(f"{url}/simple", sources={"package index": "PIP_INDEX_URL"})
    assert (found.state, found.status, found.source) == ("reached", 200, "PIP_INDEX_URL")
    assert found.seconds is not None and 0 < found.seconds < 4
    assert asked.lines == ["HEAD /simple/pip/"]


def test_index_that_knows_get_alone_is_reached() -> None:
    with server_that(lambda method, path: 200 if method == "GET" else 405) as (url, asked):
        assert reach(url).state == "reached"
    assert asked.lines == ["HEAD /pip/", "GET /pip/"]


def test_index_without_pip_is_asked_for_itself() -> None:
    with server_that(lambda method, path: 200 if path == "/simple/" else 404) as (url, _):
        assert reach(f"{url}/simple/").state == "reached"


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("torch index", "/cpu/torch/"),
        ("model hub", "/sentence-transformers/all-MiniLM-L6-v2/resolve/main/config.json"),
        ("conda channel", "/noarch/repodata.json"),
    ],
)
def test_address_is_asked_for_what_all_of_its_kind_have(what: str, path: str) -> None:
    with server_that(lambda method, asked: 200 if asked == path else 404) as (url, _):
        assert reach(url, what).state == "reached"


def test_redirect_is_followed_to_what_cannot_be_reached() -> None:
    elsewhere = f"http://127.0.0.1:{refusing_port()}/"
    with server_that(lambda method, path: (302, {"Location": elsewhere})) as (url, _):
        assert reach(url).state == "refused"


def test_redirects_in_a_circle_end() -> None:
    with server_that(lambda method, path: (301, {"Location": path})) as (url, asked):
        assert reach(url).state == "reached"
    assert len(asked.lines) < 10


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "asks for a user"), (403, "refuses"), (404, "nothing there"), (503, "an error")],
)
def test_status_that_refuses_is_said(status: int, says: str) -> None:
    with server_that(lambda method, path: status) as (url, _):
        found = reach(url)
    assert (found.state, found.status) == ("status", status)
    assert says in found.detail


def test_password_of_an_address_is_sent_and_never_shown() -> None:
    with server_that(fine) as (url, asked):
        found = reach(url.replace("://", "://me:s%40cret@"))
    assert asked.headers[0]["Authorization"] == "Basic bWU6c0BjcmV0"
    assert "s%40cret" not in repr(found)
    assert found.address.startswith("http://***@127.0.0.1")


def test_password_of_netrc_is_sent(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    with server_that(fine) as (url, asked):
        reach(url, environ={"NETRC": str(tmp_path / "netrc")})
    assert asked.headers[0]["Authorization"].startswith("Basic ")


def test_folder_is_reached_where_it_is(tmp_path: Path) -> None:
    place = tmp_path / "a folder"
    missing = reach(place.as_uri())
    place.mkdir()
    assert reach(place.as_uri()).state == "reached"
    assert (missing.state, missing.cause) == ("failed", "no folder")
    assert str(place) in missing.detail


@pytest.mark.parametrize(
    "address", ["ftp://host/x", "simple", "https://", "https://host:port/", "http://[::1/"]
)
def test_address_that_is_none_is_said(address: str) -> None:
    found = reach(address)
    assert (found.state, found.cause) == ("failed", "no address")


# --- what is in the way -----------------------------------------------------------------------------------


def test_port_where_nobody_listens_refuses() -> None:
    found = reach(f"http://127.0.0.1:{refusing_port()}/simple")
    assert found.state == "refused"


def test_name_that_nobody_knows_is_told_from_a_silent_server() -> None:
    assert reach("https://nowhere.invalid/simple").state == "no name"
    assert reach(f"https://{'long' * 20}.example/").state == "no name"


def test_silent_servers_take_the_time_limit_together_not_each() -> None:
    with silent_port() as port:
        plan = NetworkPlan(
            addresses={
                "package index": f"https://127.0.0.1:{port}/",
                "torch index": f"http://127.0.0.1:{port}/",
                "model hub": f"http://127.0.0.1:{port}/",
            },
            extra_indexes=(f"http://127.0.0.1:{port}/",),
            timeout=0.3,
        )
        started = time.monotonic()
        found = read_network(plan, environ={"HOME": "/nowhere"}, root=NO_STORE)
        took = time.monotonic() - started
    assert [each.state for each in found] == ["timeout"] * 4
    assert [each.what for each in found][-1] == "package index"
    assert took < 1.5


def test_server_that_drips_is_given_up_at_the_limit() -> None:
    stop = threading.Event()

    def drip(method: str, path: str) -> int:
        stop.wait(3)
        return 200

    with server_that(drip) as (url, _):
        found = reach(url, timeout=0.3)
        stop.set()
    assert found.state == "timeout"


def test_server_without_tls_is_told() -> None:
    with server_that(fine) as (url, _):
        found = reach(url.replace("http://", "https://"))
    assert (found.state, found.cause) == ("failed", "no TLS")


# --- certificates -----------------------------------------------------------------------------------------


def serve_and_reach(signed: Signed, file: Path, environ: Mapping[str, str], **settings: object) -> Reach:
    with server_that(fine, certificate=signed.write(file)) as (url, _):
        return reach(url, environ=environ, **settings)  # type: ignore[arg-type]


def test_certificate_of_a_trusted_authority_is_taken(
    authority: Authority, tmp_path: Path, trusted: dict[str, str]
) -> None:
    found = serve_and_reach(authority.sign("127.0.0.1"), tmp_path / "s.pem", trusted)
    assert found.state == "reached"
    assert found.trust is not None and found.trust.endswith("(SSL_CERT_FILE)")


def test_certificate_of_a_company_is_refused_with_its_name(authority: Authority, tmp_path: Path) -> None:
    other = Authority("Another CA").write(tmp_path / "other.pem")
    found = serve_and_reach(authority.sign("127.0.0.1"), tmp_path / "s.pem", {"SSL_CERT_FILE": str(other)})
    assert (found.state, found.cause) == ("certificate", "unknown issuer")
    assert "Corp Root CA (Corp Inc.)" in found.detail


@pytest.mark.parametrize(
    ("hosts", "starts", "ends", "cause", "says"),
    [
        (("127.0.0.1",), -30, -3, "expired", "valid until"),
        (("127.0.0.1",), 3, 30, "not yet valid", "valid from"),
        (("other.example",), -1, 9, "wrong host", "signed by Corp Root CA"),
    ],
)
def test_certificate_that_does_not_fit_says_why(
    authority: Authority,
    tmp_path: Path,
    trusted: dict[str, str],
    hosts: tuple[str, ...],
    starts: int,
    ends: int,
    cause: str,
    says: str,
) -> None:
    signed = authority.sign(*hosts, starts=timedelta(days=starts), ends=timedelta(days=ends))
    found = serve_and_reach(signed, tmp_path / "s.pem", trusted)
    assert (found.state, found.cause) == ("certificate", cause)
    assert says in found.detail


def test_certificate_signed_by_itself_is_said(authority: Authority, tmp_path: Path) -> None:
    other = Authority("Another CA").write(tmp_path / "other.pem")
    found = serve_and_reach(authority.root, tmp_path / "s.pem", {"SSL_CERT_FILE": str(other)})
    assert (found.state, found.cause) == ("certificate", "unknown issuer")
    assert "by itself: Corp Root CA" in found.detail


def test_machine_without_certificates_is_told(authority: Authority, tmp_path: Path) -> None:
    found = serve_and_reach(authority.sign("127.0.0.1"), tmp_path / "s.pem", {}, root=tmp_path)
    assert (found.state, found.cause) == ("certificate", "no store")


def test_system_store_is_trusted(authority: Authority, tmp_path: Path) -> None:
    store = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    store.parent.mkdir(parents=True)
    authority.write(store)
    found = serve_and_reach(authority.sign("127.0.0.1"), tmp_path / "s.pem", {}, root=tmp_path)
    assert found.state == "reached"


def test_pips_certificates_count_for_indexes_alone(authority: Authority, tmp_path: Path) -> None:
    bundle = authority.write(tmp_path / "ca.pem")
    other = {"SSL_CERT_FILE": str(Authority("Another CA").write(tmp_path / "other.pem"))}
    settings = {"certificates": bundle, "certificates_source": "PIP_CERT"}
    with server_that(fine, certificate=authority.sign("127.0.0.1").write(tmp_path / "s.pem")) as (url, _):
        assert reach(url, environ=other, **settings).state == "reached"  # type: ignore[arg-type]
        hub = reach(url, "model hub", environ=other, **settings)  # type: ignore[arg-type]
    assert (hub.state, hub.cause) == ("certificate", "unknown issuer")


def test_bundle_of_requests_is_trusted_where_nothing_else_is_named(
    authority: Authority, tmp_path: Path
) -> None:
    bundle = {"REQUESTS_CA_BUNDLE": str(authority.write(tmp_path / "ca.pem"))}
    assert serve_and_reach(authority.sign("127.0.0.1"), tmp_path / "s.pem", bundle).state == "reached"


def test_pips_certificates_that_are_not_there_are_said(authority: Authority, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    found = serve_and_reach(
        authority.sign("127.0.0.1"), tmp_path / "s.pem", {},
        certificates=missing, certificates_source="PIP_CERT",
    )  # fmt: skip
    assert (found.state, found.cause) == ("certificate", "no file")
    assert "PIP_CERT" in found.detail and str(missing) in found.detail


def test_host_that_pip_trusts_blindly_is_reached(authority: Authority, tmp_path: Path) -> None:
    found = serve_and_reach(
        authority.sign("other.example"), tmp_path / "s.pem", {}, trusted_hosts=("127.0.0.1",)
    )
    assert found.state == "reached"


# --- proxies ----------------------------------------------------------------------------------------------


def test_proxy_carries_the_way_to_an_index(
    authority: Authority, tmp_path: Path, trusted: dict[str, str]
) -> None:
    signed = authority.sign("127.0.0.1").write(tmp_path / "s.pem")
    with server_that(fine, certificate=signed) as (url, _), proxy_that() as (proxy, asked):
        found = reach(url, environ={**trusted, "https_proxy": proxy})
        unknown = reach(url, environ={"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(signed)})
    assert (found.state, found.proxy) == ("reached", proxy)
    assert asked.lines[0] == f"CONNECT {url.removeprefix('https://')}"
    assert (unknown.cause, "Corp Root CA" in unknown.detail) == ("unknown issuer", True)


def test_proxy_that_wants_a_password_is_told_from_one_that_has_it() -> None:
    with proxy_that(wants="me:secret") as (proxy, _), server_that(fine) as (url, _):
        closed = reach(url.replace("http:", "https:"), environ={"HTTPS_PROXY": proxy})
        plain = reach(url, environ={"HTTP_PROXY": proxy})
        wrong = reach(url, environ={"HTTP_PROXY": proxy.replace("//", "//me:wrong@")})
        right = reach(url, environ={"HTTP_PROXY": proxy.replace("//", "//me:secret@")})
    assert {(each.state, each.cause, each.status) for each in (closed, plain, wrong)} == {
        ("proxy", "password", 407)
    }
    assert "wants a user" in closed.detail and "refuses this user" in wrong.detail
    assert right.state == "reached"
    assert "secret" not in repr((wrong, right)) and "wrong@" not in repr(wrong)


@pytest.mark.parametrize(("status", "cause"), [(403, "refused"), (503, "no way")])
def test_proxy_that_refuses_the_way_says_so(status: int, cause: str) -> None:
    with proxy_that(refuses=status) as (proxy, _):
        found = reach("https://index.invalid/simple", environ={"HTTPS_PROXY": proxy})
    assert (found.state, found.cause, found.status) == ("proxy", cause, status)


def test_proxy_that_nobody_serves_is_told_from_the_index() -> None:
    proxy = f"http://127.0.0.1:{refusing_port()}"
    found = reach("https://index.invalid/simple", environ={"ALL_PROXY": proxy})
    assert (found.state, found.cause, found.proxy) == ("proxy", "unreachable", proxy)
    assert "nothing listens" in found.detail


@pytest.mark.slow
def test_proxy_that_says_nothing_is_told_from_the_index() -> None:
    with silent_port() as port:
        proxy = f"http://127.0.0.1:{port}"
        found = reach("https://index.invalid/", environ={"HTTPS_PROXY": proxy}, timeout=0.5)
    assert found.state in ("proxy", "timeout")
    assert str(port) in found.detail


def test_proxy_named_with_https_that_speaks_http_is_told() -> None:
    with proxy_that() as (proxy, _):
        found = reach("https://index.invalid/", environ={"HTTPS_PROXY": proxy.replace("http:", "https:")})
    assert (found.state, found.cause) == ("proxy", "no TLS")


def test_proxy_that_speaks_tls_is_asked_no_further(
    authority: Authority, tmp_path: Path, trusted: dict[str, str]
) -> None:
    signed = authority.sign("127.0.0.1").write(tmp_path / "s.pem")
    with proxy_that(certificate=signed) as (proxy, _):
        found = reach("https://index.invalid/", environ={**trusted, "HTTPS_PROXY": proxy})
        other = {"SSL_CERT_FILE": str(Authority("Another CA").write(tmp_path / "other.pem"))}
        refused = reach("https://index.invalid/", environ={**other, "HTTPS_PROXY": proxy})
    assert (found.state, found.status, "as far as its proxy" in found.detail) == ("reached", None, True)
    assert (refused.state, refused.cause) == ("proxy", "certificate")
    assert "Corp Root CA" in refused.detail


def test_proxy_of_socks_is_asked_no_further() -> None:
    with silent_port() as port:
        found = reach("https://index.invalid/", environ={"ALL_PROXY": f"socks5h://127.0.0.1:{port}"})
    assert (found.state, "as far as its proxy" in found.detail) == ("reached", True)
    dead = reach("https://index.invalid/", environ={"ALL_PROXY": f"socks5://127.0.0.1:{refusing_port()}"})
    assert (dead.state, dead.cause) == ("proxy", "unreachable")


def test_proxy_that_is_no_address_is_told() -> None:
    for proxy in ("http://", "gopher://proxy:1", "http://proxy:port"):
        found = reach("https://index.invalid/", environ={"HTTPS_PROXY": proxy})
        assert (found.state, found.cause) == ("proxy", "no address"), proxy


def test_proxy_of_pip_counts_for_indexes_and_without_scheme() -> None:
    with proxy_that() as (proxy, asked), server_that(fine) as (url, _):
        found = reach(url, proxy=proxy.removeprefix("http://"))
        hub = reach(url, "model hub", proxy=proxy)
    assert (found.state, found.proxy, hub.proxy) == ("reached", proxy, None)
    assert asked.lines == [f"HEAD {url}/pip/"]


def test_no_proxy_leads_straight_to_the_index() -> None:
    dead = f"http://127.0.0.1:{refusing_port()}"
    with server_that(fine) as (url, _):
        found = reach(url, environ={"HTTP_PROXY": dead, "NO_PROXY": "example.com, 127.0.0.0/8"})
    assert (found.state, found.proxy) == ("reached", None)


@pytest.mark.parametrize(
    ("host", "port", "excepted", "is_straight"),
    [
        ("index.example.com", 443, "example.com", True),
        ("index.example.com", 443, ".example.com", True),
        ("index.example.com", 443, "*.example.com", True),
        ("INDEX.example.com.", 443, "Example.COM", True),
        ("badexample.com", 443, "example.com", False),
        ("example.com", 443, "example.com:443", True),
        ("example.com", 80, "example.com:443", False),
        ("example.com", 443, "*", True),
        ("example.com", 443, "", False),
        ("10.1.2.3", 443, "10.0.0.0/8", True),
        ("10.1.2.3", 443, "10.1.2.3", True),
        ("10.1.2.3", 443, "1.2.3", False),
        ("::1", 443, "::1", True),
    ],
)
def test_no_proxy_names_hosts_endings_and_networks(
    host: str, port: int, excepted: str, is_straight: bool
) -> None:
    assert is_excepted(host, port, excepted) is is_straight


NAMES = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,3}", fullmatch=True)


@given(NAMES, NAMES, st.text(max_size=40))
def test_no_proxy_with_a_hosts_own_ending_always_excepts_it(front: str, ending: str, more: str) -> None:
    rest = more.replace(",", " ")
    assert is_excepted(f"{front}.{ending}", 443, f"{rest},{ending}")


@given(data=st.data())
def test_certificate_that_is_damaged_is_read_or_none(authority: Authority, data: st.DataObject) -> None:
    der = bytearray(authority.root.der)
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    found = read_certificate(bytes(der[: data.draw(st.integers(0, len(der)))]))
    assert found is None or isinstance(found.issuer, str)
