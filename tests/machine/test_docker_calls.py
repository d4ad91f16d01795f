from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from engine_sockets import (
    VERSION,
    flood,
    http_engine,
    raw_engine,
    say,
    say_and_wait,
    short_dir,
    stay_silent,
    trickle,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from required import require_program

from envkit.docker_endpoint import Endpoint, TlsFiles
from envkit.machine.docker_calls import EngineSilent, ask_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place():
    with short_dir() as folder:
        yield folder / "engine.sock"


def ask(path: Path | str, seconds: float = 10):
    return ask_engine(Endpoint(address=f"unix://{path}", source="a test"), "/version", seconds=seconds)


def refusal(path: Path | str, seconds: float = 10) -> tuple[str, str]:
    with pytest.raises(EngineSilent) as raised:
        ask(path, seconds)
    return raised.value.state, raised.value.why


def test_call_of_an_engine_that_answers_is_its_object(place):
    with http_engine(place, {"/version": VERSION}):
        assert ask(place, seconds=5) == VERSION


@pytest.mark.slow
@pytest.mark.parametrize(
    ("speak", "state", "why"),
    [
        (stay_silent, "silent", "no whole answer in 0.3 s"),
        (trickle, "silent", "no whole answer in 0.3 s"),
        (say_and_wait(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{"), "silent", "no whole answer"),
        (say(b""), "broken", "without a word"),
        (say(b"SSH-2.0-OpenSSH_9.2\r\n"), "broken", "speaks no HTTP: `SSH-2.0-OpenSSH_9.2`"),
        (say(b"\x00\xff\x1b[2J"), "broken", "speaks no HTTP"),
        (say(b"HTTP/1.0 200 OK\r\nContent-Le"), "broken", "in the middle of its answer"),
        (say(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{"), "broken", "in the middle of its answer"),
        (say(b"HTTP/1.0 200 OK\r\n\r\n[1]"), "broken", "no JSON object: `[1]`"),
        (say(b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000), "broken", "no JSON object"),
        (say(b'HTTP/1.0 500 No\r\n\r\n{"message": "paused"}'), "broken", "status 500: paused"),
        (say(b"HTTP/1.0 400 Bad\r\n\r\nspeak TLS"), "broken", "status 400: `speak TLS`"),
    ],
)
def test_call_of_what_is_no_engine_says_what_it_did(place, speak, state, why):
    with raw_engine(place, speak):
        start = time.monotonic()
        found = refusal(place, seconds=0.3 if state == "silent" else 10)
        assert time.monotonic() - start < 8
    assert found[0] == state
    assert why in found[1]
    assert found[1].isprintable()


def test_call_that_is_answered_without_end_is_ended_by_its_size(place):
    with raw_engine(place, flood):
        assert refusal(place, seconds=20) == ("broken", "its answer to /version is larger than 4 MiB")


def test_call_whose_length_is_told_does_not_wait_for_the_end(place):
    answer = b'HTTP/1.1 200 OK\r\ncontent-LENGTH : 8\r\n\r\n{"a": 1}'
    with raw_engine(place, say_and_wait(answer)):
        assert ask(place, seconds=20) == {"a": 1}


def test_call_where_nobody_listens_is_stopped(place):
    assert refusal(place) == ("stopped", f"{place} is not there")
    assert refusal(place / "deeper") == ("stopped", f"{place}/deeper is not there")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
    assert refusal(place) == ("stopped", f"nothing listens at {place}")
    assert refusal(place / "deeper") == ("stopped", f"{place}/deeper is not there")


def test_call_of_a_file_or_folder_is_broken(place):
    assert refusal(place.parent) == ("broken", f"{place.parent} is no socket")
    place.touch()
    assert refusal(place) == ("broken", f"{place} is no socket")
    assert refusal("/" + "x" * 200)[0] == "broken"


def test_call_of_an_engine_that_takes_no_more_is_silent(place):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(str(place))
            assert refusal(place, seconds=0.3)[0] == "silent"
        finally:
            for each in waiting:
                each.close()


@contextlib.contextmanager
def tcp_engine(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer one call at a port of this machine, behind TLS where there is a context."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            connection.settimeout(5)
            with contextlib.ExitStack() as open_calls, contextlib.suppress(OSError):
                call = open_calls.enter_context(connection)
                if context:
                    call = open_calls.enter_context(context.wrap_socket(call, server_side=True))
                call.recv(4096)
                call.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}')

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def call_port(port: int, tls: TlsFiles | None = None) -> dict[str, Any] | tuple[str, str]:
    endpoint = Endpoint(address=f"tcp://127.0.0.1:{port}", source="a test", tls=tls)
    try:
        return ask_engine(endpoint, "/version", seconds=5)
    except EngineSilent as silence:
        return silence.state, silence.why


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """Return an engine's certificate, which vouches for itself, with its key."""
    openssl = require_program("programs", "openssl")
    folder = tmp_path_factory.mktemp("tls")
    tls = TlsFiles(ca=folder / "cert.pem", certificate=folder / "cert.pem", key=folder / "key.pem")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-subj", "/CN=engine", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
        + ["-out", str(tls.certificate), "-keyout", str(tls.key)],
        check=True,
        capture_output=True,
    )
    return tls


def test_call_across_the_network_is_the_same():
    with tcp_engine() as port:
        assert call_port(port) == {"a": 1}
    assert call_port(port) == ("stopped", f"nothing listens at tcp://127.0.0.1:{port}")


def test_call_behind_tls_is_made_with_the_certificates(certificate):
    assert certificate.certificate and certificate.key
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate.ca)
    with tcp_engine(context) as port:
        assert call_port(port, certificate) == {"a": 1}
    with tcp_engine(context) as port:
        assert call_port(port, replace(certificate, ca=None, is_verified=False)) == {"a": 1}
    with tcp_engine(context) as port:
        answer = call_port(port, replace(certificate, ca=None))
    assert answer[0] == "broken" and "CERTIFICATE_VERIFY_FAILED" in answer[1]


def test_call_behind_tls_that_cannot_be_is_broken(certificate, tmp_path):
    with tcp_engine() as port:
        assert call_port(port, TlsFiles(is_verified=False))[0] == "broken"
    (tmp_path / "ca.pem").write_text("no certificate")
    with tcp_engine() as port:
        assert call_port(port, TlsFiles(ca=tmp_path / "ca.pem"))[0] == "broken"
    with tcp_engine() as port:
        assert call_port(port, replace(certificate, key=tmp_path / "ca.pem"))[0] == "broken"


@pytest.mark.slow
@settings(max_examples=15)
@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.0 200 OK\r\n\r\n{"]))
def test_call_answered_with_any_bytes_is_an_object_or_a_reason(noise, start):
    with short_dir() as folder, raw_engine(folder / "s", say(start + noise)):
        try:
            assert isinstance(ask(folder / "s", seconds=5), dict)
        except EngineSilent as silence:
            assert silence.state == "broken"
            assert os.linesep not in silence.why
