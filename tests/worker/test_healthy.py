"""What a container's health check runs."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from envkit.worker.healthy import main, why_no_answer, why_no_worker

_OK = b"HTTP/1.0 200 OK\r\n\r\n{}"


def answering(answer: bytes, *, pause: float = 0.0) -> int:
    """Return a port that answers one request so, byte for byte, and closes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer_one() -> None:
        with listening, closing(listening.accept()[0]) as connection:
            connection.recv(4096)
            for byte in answer:
                time.sleep(pause)
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return

    threading.Thread(target=answer_one, daemon=True).start()
    port: int = listening.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (_OK, None),
        (b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n", None),
        (b'HTTP/1.1 503 No\r\n\r\n{"status":"loading"}', 'port {}: {{"status":"loading"}}'),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "port {}: HTTP/1.1 404 Not Found"),
        (b"SSH-2.0-200 200\r\n", "port {}: SSH-2.0-200 200"),
        (b"\x1b[2J\xff", "port {}: \\x1b[2J\\xff"),
        (b"", "port {}: an empty answer"),
    ],
)
def test_healthy_believes_only_a_server_that_is_ready(answer: bytes, wrong: str | None) -> None:
    port = answering(answer)

    assert why_no_answer(port) == (None if wrong is None else wrong.format(port))


def test_healthy_waits_no_longer_than_its_time_for_an_answer_that_trickles() -> None:
    port = answering(_OK, pause=0.05)
    began = time.monotonic()

    assert why_no_answer(port, timeout=0.2) == f"port {port}: no answer within 0.2 s"
    assert time.monotonic() - began < 2


def test_healthy_without_a_server_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]

    assert "refused" in str(why_no_answer(port)).lower()


def test_healthy_here_finds_what_a_worker_is_made_of() -> None:
    assert why_no_worker() is None


@pytest.mark.parametrize(
    "arguments",
    [["--port"], ["--port", "http"], ["8000"], ["--host", "here"], ["--port", "1", "--timeout", "soon"]],
)
def test_healthy_with_wrong_arguments_shows_the_right_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "[--port N]" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code"), [(_OK, 0), (b"HTTP/1.1 503 No\r\n\r\n", 1)])
def test_healthy_as_a_process_ends_as_a_health_check_does(answer: bytes, code: int) -> None:
    words = ["--port", str(answering(answer))]
    done = subprocess.run(
        [sys.executable, "-I", "-m", "envkit.worker.healthy", *words], capture_output=True, check=False
    )

    assert done.returncode == code
    assert (done.stdout, done.stderr != b"") == (b"", code != 0)


def test_healthy_with_a_port_imports_nothing_that_takes_time() -> None:
    code = (
        "import sys; before = set(sys.modules); import envkit.worker.healthy;"
        "print(*{n.split('.')[0] for n in set(sys.modules) - before} & {'argparse', 'msgspec', 'http', 'asyncio', 'ssl'})"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "\n"
