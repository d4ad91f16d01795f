from __future__ import annotations

from typing import Any

import msgspec
import pytest
from doctor.finding import check_of, findings_of, shown
from doctor.machines import change, cpu_machine, having, mac, surroundings, well_machines, with_variables, wsl

from envkit.api.checks import CheckContext
from envkit.api.facts import CertificateFile, MachineFacts, Pip, PipSetting, Reach
from envkit.doctor.checks.network import checks

ASKED = {
    "package index": ("network.package-index", "package-index"),
    "torch index": ("network.torch-index", "torch-index"),
    "model hub": ("network.model-hub", "model-hub"),
    "conda channel": ("network.channel", "channels"),
}


def reached_as(state: str, what: str = "package index", **fields: Any) -> MachineFacts:
    """Return a machine on which an address was reached, or not."""
    usual: dict[str, Any] = {"address": "https://index.example/simple", "detail": "so it is"}
    reach = Reach(what=what, state=state, **{**usual, **fields})  # type: ignore[arg-type]
    return having(cpu_machine(), network=(reach,))


def with_pip(facts: MachineFacts, **settings: str) -> MachineFacts:
    said = tuple(
        PipSetting(name=name.replace("_", "-"), value=value, source="/etc/pip.conf")
        for name, value in settings.items()
    )
    return having(facts, pip=Pip(settings=said))


def with_cache(facts: MachineFacts) -> MachineFacts:
    disks = (msgspec.structs.replace(disk, existing=disk.path) for disk in facts.disks)
    return having(facts, disks=tuple(disks))


def test_addresses_are_asked_only_where_the_network_is_allowed() -> None:
    asking = {check.id for check in checks(surroundings()) if check.network}
    assert asking == {check_id for check_id, _ in ASKED.values()}


@pytest.mark.parametrize("what", ASKED)
def test_address_that_is_reached_is_ok_with_its_seconds(what: str) -> None:
    facts = reached_as("reached", what, seconds=0.123, detail="")
    (found,) = check_of("network", ASKED[what][0]).run(CheckContext(facts=facts))
    assert found.severity == "ok"
    assert found.summary.endswith("answers in 0.12 s")


def test_index_that_is_slow_is_a_warning_with_the_mirror() -> None:
    (found,) = findings_of("network", "network.package-index", reached_as("reached", seconds=3.4, detail=""))
    assert found.severity == "warn"
    assert "3.4 s" in found.summary and "mirrors.package-index" in str(found.fix)


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("state", ["refused", "no name", "timeout", "failed"])
def test_address_that_is_not_reached_names_its_mirror(what: str, state: str) -> None:
    (found,) = findings_of("network", ASKED[what][0], reached_as(state, what))
    assert f"envkit config set mirrors.{ASKED[what][1]} " in str(found.fix)
    assert found.severity == ("error" if what.endswith("index") else "warn")
    assert "so it is" in found.summary


def test_every_package_index_is_judged_and_names_its_setting() -> None:
    facts = reached_as("refused", source="extra-index-url in [global] of /etc/pip.conf")
    facts = having(facts, network=(*facts.network, *reached_as("reached", seconds=0.1).network))
    (found,) = findings_of("network", "network.package-index", facts)
    assert "extra-index-url in [global] of /etc/pip.conf" in shown(found)


@pytest.mark.parametrize(
    "facts",
    [
        with_pip(reached_as("no name"), find_links="/srv/wheels"),
        with_pip(reached_as("timeout"), no_index="true"),
        with_cache(reached_as("refused")),
        with_cache(reached_as("status", status=503)),
    ],
)
def test_index_that_can_be_done_without_is_a_warning(facts: MachineFacts) -> None:
    (found,) = findings_of("network", "network.package-index", facts)
    assert found.severity == "warn"


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("certificate", {"cause": "unknown issuer"}),
        ("proxy", {"cause": "password"}),
        ("status", {"status": 401}),
    ],
)
def test_trouble_of_settings_is_an_error_even_so(state: str, fields: dict[str, Any]) -> None:
    facts = with_cache(with_pip(reached_as(state, **fields), find_links="/srv/wheels"))
    (found,) = findings_of("network", "network.package-index", facts)
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("what", "cause", "fix"),
    [
        ("package index", "unknown issuer", "export SSL_CERT_FILE=FILE PIP_CERT=FILE"),
        ("model hub", "unknown issuer", "export SSL_CERT_FILE=FILE"),
        ("package index", "no file", "export SSL_CERT_FILE=FILE PIP_CERT=FILE"),
        ("package index", "no store", "sudo apt install ca-certificates"),
        ("package index", "expired", "clock says 2026-11-20 09:30 UTC"),
        ("package index", "not yet valid", "sudo timedatectl set-ntp true"),
        ("torch index", "wrong host", "mirrors.torch-index"),
    ],
)
def test_certificate_that_is_refused_says_what_to_set(what: str, cause: str, fix: str) -> None:
    (found,) = findings_of("network", ASKED[what][0], reached_as("certificate", what, cause=cause))
    assert found.severity == "error"
    assert fix in str(found.fix)
    assert "trusted-host" not in shown(found)
    assert "PIP_CERT" not in str(found.fix) or what != "model hub"


@pytest.mark.parametrize(("machine", "command"), [(wsl, "sudo hwclock -s"), (mac, "sudo sntp -sS ")])
def test_clock_is_set_with_the_machines_own_command(machine: Any, command: str) -> None:
    facts = having(machine(), network=reached_as("certificate", cause="expired").network)
    (found,) = findings_of("network", "network.package-index", facts)
    assert command in str(found.fix)


def test_hub_that_trusts_its_own_list_is_given_the_one_that_works() -> None:
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    good = reached_as("reached", trust=f"{bundle} (PIP_CERT)", seconds=0.1).network
    facts = reached_as("certificate", "model hub", cause="unknown issuer", trust="/x/cacert.pem (certifi)")
    (found,) = findings_of("network", "network.model-hub", having(facts, network=(*good, *facts.network)))
    assert str(found.fix).endswith(f"export SSL_CERT_FILE={bundle}")
    assert "trusted: /x/cacert.pem (certifi)" in found.evidence


def test_bundle_that_lacks_the_issuer_is_added_to_or_unset() -> None:
    facts = reached_as("certificate", cause="unknown issuer", trust="/srv/my ca.pem (SSL_CERT_FILE)")
    (found,) = findings_of("network", "network.package-index", facts)
    assert "to /srv/my ca.pem, or" in str(found.fix) and str(found.fix).endswith("unset SSL_CERT_FILE")


def test_address_that_nobody_set_up_is_said_not_to_be_asked() -> None:
    (found,) = check_of("network", "network.channel").run(CheckContext(facts=cpu_machine()))
    assert (found.severity, "none was asked" in found.summary) == ("ok", True)


@pytest.mark.parametrize(
    ("cause", "proxy", "fix"),
    [
        ("password", "http://***@proxy:3128", "export HTTPS_PROXY=http://USER:PASSWORD@proxy:3128"),
        ("no TLS", "https://proxy:3128", "export HTTPS_PROXY=http://proxy:3128"),
        ("unreachable", "http://proxy:3128", "unset HTTPS_PROXY"),
        ("certificate", "https://proxy:3128", "export SSL_CERT_FILE=FILE"),
        ("no address", "http://proxy:port", "export HTTPS_PROXY=http://HOST:PORT"),
        ("refused", "http://proxy:3128", "allow index.example"),
        ("no way", "http://proxy:3128", "export NO_PROXY=localhost,index.example"),
    ],
)
def test_proxy_in_the_way_says_which_variable_to_set(cause: str, proxy: str, fix: str) -> None:
    facts = with_variables(
        reached_as("proxy", cause=cause, proxy=proxy), HTTPS_PROXY=proxy, NO_PROXY="localhost"
    )
    (found,) = findings_of("network", "network.package-index", facts)
    assert found.severity == "error"
    assert fix in str(found.fix)
    assert f"by the proxy {proxy}" in found.evidence


def test_proxy_of_pip_is_set_by_pips_variable_for_indexes_alone() -> None:
    for what, variable in (("package index", "PIP_PROXY"), ("model hub", "HTTPS_PROXY")):
        facts = with_pip(
            reached_as("proxy", what, cause="password", proxy="http://proxy:1"), proxy="http://proxy:1"
        )
        (found,) = findings_of("network", ASKED[what][0], facts)
        assert f"export {variable}=http://USER:PASSWORD@proxy:1" in str(found.fix)


@pytest.mark.parametrize(
    ("status", "fix"),
    [(401, "machine index.example login USER"), (403, "~/.netrc"), (404, "/simple"), (503, "later")],
)
def test_status_that_refuses_says_what_to_do(status: int, fix: str) -> None:
    (found,) = findings_of("network", "network.package-index", reached_as("status", status=status))
    assert fix in str(found.fix)


@pytest.mark.parametrize("check_id", ["network.proxy", "network.certificate-file"])
@pytest.mark.parametrize("name", sorted(well_machines()))
def test_network_settings_of_a_well_machine_are_not_spoken_of(name: str, check_id: str) -> None:
    assert findings_of("network", check_id, well_machines()[name]) == ()


@pytest.mark.parametrize(
    ("variables", "severity", "fix"),
    [
        ({"HTTPS_PROXY": "http://"}, "error", "export HTTPS_PROXY=http://HOST:PORT"),
        ({"https_proxy": "http://proxy:port"}, "error", "export https_proxy="),
        ({"ALL_PROXY": "gopher://proxy"}, "error", "export ALL_PROXY="),
        ({"ALL_PROXY": "socks5h://localhost:1080"}, "warn", "httpx[socks]"),
        ({"HTTP_PROXY": "http://proxy:1"}, "warn", 'export HTTPS_PROXY="$HTTP_PROXY"'),
        ({"http_proxy": "http://proxy:1"}, "warn", "export HTTPS_PROXY=http://proxy:1"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:1"}, "warn", "unset https_proxy"),
        ({"NO_PROXY": "https://index.example"}, "warn", "export NO_PROXY=localhost,"),
        ({"no_proxy": "localhost index.example"}, "warn", "export no_proxy="),
    ],
)
def test_variable_of_a_proxy_that_cannot_work_is_told(
    variables: dict[str, str], severity: str, fix: str
) -> None:
    (found,) = findings_of("network", "network.proxy", with_variables(cpu_machine(), **variables))
    assert found.severity == severity
    assert fix in str(found.fix)


def test_proxy_of_pip_that_is_no_address_is_told() -> None:
    (found,) = findings_of("network", "network.proxy", with_pip(cpu_machine(), proxy="http://proxy:port"))
    assert found.severity == "error"
    assert "/etc/pip.conf" in found.summary


@pytest.mark.parametrize(
    "variables",
    [
        {"HTTPS_PROXY": "proxy:3128", "https_proxy": "proxy:3128"},
        {"HTTP_PROXY": "http://***@proxy:1", "ALL_PROXY": "http://proxy:1"},
        {"NO_PROXY": "localhost, 127.0.0.1,.example.com ,10.0.0.0/8,*"},
        {"NO_PROXY": ""},
    ],
)
def test_variables_of_a_proxy_that_work_are_not_spoken_of(variables: dict[str, str]) -> None:
    assert findings_of("network", "network.proxy", with_variables(cpu_machine(), **variables)) == ()


@pytest.mark.parametrize(
    ("named_by", "fix"),
    [
        ("SSL_CERT_FILE", "unset SSL_CERT_FILE"),
        ("cert in [global] of /etc/pip.conf", "pip config unset global.cert"),
    ],
)
def test_certificate_file_that_cannot_be_used_is_told(named_by: str, fix: str) -> None:
    files = (
        CertificateFile(path="/srv/ca.pem", named_by=named_by, problem="it is not there"),
        CertificateFile(path="/srv/good.pem", named_by="REQUESTS_CA_BUNDLE"),
    )
    (found,) = findings_of("network", "network.certificate-file", having(cpu_machine(), certificates=files))
    assert found.severity == "error"
    assert "it is not there" in found.summary and "/srv/ca.pem" in found.evidence
    assert fix in str(found.fix)


def test_no_command_of_a_fix_switches_certificates_off() -> None:
    for cause in ("unknown issuer", "expired", "wrong host", "no store", "no file", "refused", ""):
        (found,) = findings_of("network", "network.package-index", reached_as("certificate", cause=cause))
        for word in ("--trusted-host", "insecure", "verify"):
            assert word not in shown(found)


def test_facts_of_a_container_set_no_clock() -> None:
    facts = change(reached_as("certificate", cause="expired"), "platform", is_container=True)
    (found,) = findings_of("network", "network.package-index", facts)
    assert "container's host" in str(found.fix)
