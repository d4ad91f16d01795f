"""Which engine is spoken to: variables, contexts, sockets."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest
from other_user import without_rights

from envkit.api import ImageError
from envkit.docker_endpoint import find_endpoint


def write_context(
    folder: Path, name: str, host: str, *, tls: tuple[str, ...] = (), skips_verify: bool = False
) -> None:
    """Write a context as `docker context create` does."""
    place = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / place / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skips_verify}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    for file in tls:
        path = folder / "contexts" / "tls" / place / "docker" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def set_current(folder: Path, name: str) -> None:
    (folder / "config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


def test_endpoint_with_docker_host_is_that_whatever_the_context_is(tmp_path: Path) -> None:
    write_context(tmp_path, "far", "tcp://far.example:2376")
    set_current(tmp_path, "far")
    environ = {
        "DOCKER_HOST": "unix:///run/other.sock",
        "DOCKER_CONTEXT": "far",
        "DOCKER_CONFIG": str(tmp_path),
    }
    endpoint = find_endpoint(environ)
    assert endpoint.address == "unix:///run/other.sock"
    assert str(endpoint.socket) == "/run/other.sock"
    assert endpoint.source == "DOCKER_HOST"


def test_endpoint_of_the_current_context_is_its_host_with_its_certificates(tmp_path: Path) -> None:
    write_context(tmp_path, "far", "tcp://far.example:2376", tls=("ca.pem", "cert.pem", "key.pem"))
    set_current(tmp_path, "far")
    endpoint = find_endpoint({"DOCKER_CONFIG": str(tmp_path)})
    assert endpoint.address == "tcp://far.example:2376"
    assert endpoint.socket is None
    assert endpoint.source == "the docker context `far`"
    assert endpoint.tls is not None and endpoint.tls.is_verified
    names = [path.name for path in (endpoint.tls.ca, endpoint.tls.certificate, endpoint.tls.key) if path]
    assert names == ["ca.pem", "cert.pem", "key.pem"]


def test_endpoint_with_docker_context_is_that_before_the_current_one(tmp_path: Path) -> None:
    write_context(tmp_path, "far", "tcp://far.example:2376")
    write_context(tmp_path, "near", "unix:///run/near.sock", skips_verify=True)
    set_current(tmp_path, "far")
    endpoint = find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "near"})
    assert endpoint.address == "unix:///run/near.sock"
    assert endpoint.tls is not None and not endpoint.tls.is_verified


def test_endpoint_of_a_context_that_is_missing_names_it_and_its_source(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="context `gone` of DOCKER_CONTEXT does not exist"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"})
    set_current(tmp_path, "lost")
    with pytest.raises(ImageError, match=r"context `lost` of .*config.json does not exist"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\xff"])
def test_endpoint_with_a_broken_configuration_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(ImageError, match="config.json cannot be read"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize(
    "host", ["tcp://[::1", "127.0.0.1:99999", "tcp://engine.example:many", "ssh://someone:s3cret@host:99999"]
)
def test_endpoint_that_is_no_address_is_named_with_its_source(tmp_path: Path, host: str) -> None:
    with pytest.raises(ImageError, match="DOCKER_HOST names no address of an engine") as raised:
        find_endpoint({"DOCKER_HOST": host})
    assert raised.value.exit_code == 7
    assert "s3cret" not in raised.value.message
    write_context(tmp_path, "odd", host)
    with pytest.raises(ImageError, match="the docker context `odd` names no address"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "odd"})


@pytest.mark.parametrize("endpoints", [{}, {"docker": {}}, {"docker": {"Host": 3}}, {"kubernetes": {}}])
def test_endpoint_of_a_context_without_an_engine_says_so(tmp_path: Path, endpoints: object) -> None:
    write_context(tmp_path, "odd", "tcp://x")
    next(tmp_path.glob("contexts/meta/*/meta.json")).write_text(json.dumps({"Endpoints": endpoints}))
    with pytest.raises(ImageError, match="context `odd` names no engine"):
        find_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "odd"})


@pytest.mark.parametrize(
    ("variables", "is_verified", "has_tls"),
    [({}, False, False), ({"DOCKER_TLS_VERIFY": "1"}, True, True), ({"DOCKER_TLS": "1"}, False, True)],
)
def test_endpoint_by_variables_has_their_certificates(
    tmp_path: Path, variables: dict[str, str], is_verified: bool, has_tls: bool
) -> None:
    (tmp_path / "ca.pem").touch()
    environ = {"DOCKER_HOST": "10.0.0.1:2376", "DOCKER_CERT_PATH": str(tmp_path), **variables}
    endpoint = find_endpoint(environ)
    assert endpoint.address == "tcp://10.0.0.1:2376"
    assert (endpoint.tls is not None) is has_tls
    if endpoint.tls is not None:
        assert endpoint.tls.is_verified is is_verified
        assert endpoint.tls.ca == tmp_path / "ca.pem"
        assert endpoint.tls.key is None


def test_endpoint_without_docker_is_podmans_socket(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    nowhere, podman = tmp_path / "docker.sock", tmp_path / "podman.sock"
    sockets = (tmp_path / "no.sock", podman)
    assert find_endpoint(environ, docker_socket=nowhere, podman_sockets=sockets).is_default
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(podman))
        found = find_endpoint(environ, docker_socket=nowhere, podman_sockets=sockets)
        assert (found.address, found.source) == (f"unix://{podman}", "podman's socket")
        nowhere.touch()
        assert find_endpoint(environ, docker_socket=nowhere, podman_sockets=sockets).is_default


def test_endpoint_with_a_configuration_closed_to_this_user_names_the_file(tmp_path: Path) -> None:
    home = Path(tempfile.mkdtemp(dir="/tmp"))  # below folders that anybody may enter
    try:
        home.chmod(0o755)
        (home / ".docker").mkdir(mode=0o700)
        with without_rights():
            closed = home / ".docker"
            if os.geteuid() == closed.stat().st_uid:
                closed.chmod(0)
            with pytest.raises(ImageError, match=r"\.docker/config\.json cannot be read: Permission denied"):
                find_endpoint({"HOME": str(home)})
    finally:
        (home / ".docker").chmod(0o700)
        shutil.rmtree(home)
