"""A model behind HTTP: real sockets, a real process, the task `echo`."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from echo import wait_until
from echo_model import echo_record, save_echo_model
from served_echo import JSON, PLAIN, Server, message, read_answer, serving

from envkit.worker.healthy import why_no_answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_echo_model(tmp_path_factory.mktemp("served") / "model")


@pytest.fixture(scope="module")
def server(model: Path, echo_environ: dict[str, str]) -> Iterator[Server]:
    words = ("--max-bytes", "1000", "--timeout", "0.7")
    with serving(model, *words, environ=echo_environ) as server:
        server.wait_ready()
        yield server


def test_server_answers_texts_with_the_rows_of_predict(server: Server) -> None:
    answer = server.predict(texts=["good", "two\nlines"])

    rows = answer.content["predictions"]
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert [(row["text"], row["label"], row["count"]) for row in rows] == [
        ("good", "GOOD", 5),
        ("two\nlines", "TWO\nLINES", 5),
    ]


def test_server_answers_rows_with_what_else_stands_in_them(server: Server) -> None:
    answer = server.predict(rows=[{"id": 7, "text": "good"}, {"text": "caf\u00e9"}])

    rows = answer.content["predictions"]
    assert [(row.get("id"), row["name"], row["label"]) for row in rows] == [
        (7, "rows:1", "GOOD"),
        (None, "rows:2", "CAF\u00c9"),
    ]


def test_server_answers_plain_text_as_one_text(server: Server) -> None:
    answer = server.ask("POST", "/predict", headers=PLAIN, body="gr\u00fcn\nund so".encode())

    assert [row["label"] for row in answer.content["predictions"]] == ["GR\u00dcN\nUND SO"]


def test_server_answers_plain_text_in_its_own_charset(server: Server) -> None:
    headers = "Content-Type: text/plain; charset=latin-1\r\n"
    answer = server.ask("POST", "/predict", headers=headers, body="gr\u00fcn".encode("latin-1"))

    assert answer.content["predictions"][0]["label"] == "GR\u00dcN"


@pytest.mark.parametrize("asked", [{"texts": []}, {"rows": []}])
def test_server_asked_for_nothing_answers_nothing(server: Server, asked: dict[str, Any]) -> None:
    assert server.predict(**asked).content == {"predictions": []}


_TOO_LONG = json.dumps({"texts": ["x" * 1000]}).encode()


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "words"),
    [
        ("GET", "/", "", b"", 404, "nothing here"),
        ("POST", "/predict/", JSON, b"{}", 404, "nothing here"),
        ("GET", "/predict", "", b"", 405, "/predict is asked with POST"),
        ("POST", "/health", JSON, b"{}", 405, "GET or HEAD"),
        ("BREW", "/predict", "", b"", 405, "/predict is asked with POST"),
        ("POST", "/predict", JSON, b"", 411, "how long it is"),
        ("POST", "/predict", JSON + "Transfer-Encoding: chunked\r\n", b"", 411, "how long it is"),
        ("POST", "/predict", JSON + "Content-Length: -1\r\n", b"", 400, "Content-Length"),
        ("POST", "/predict", JSON + "Content-Length: " + "9" * 5000 + "\r\n", b"", 413, "1,000 bytes"),
        ("POST", "/predict", JSON + "Content-Length: 3\r\nContent-Length: 4\r\n", b"", 400, "Content-Length"),
        ("GET", "/health", "Content-Length: 4\r\nContent-Length: 4\r\n", b"", 400, "Content-Length"),
        ("GET", "/health", "Content-Length: 4, 4\r\n", b"", 400, "Content-Length"),
        ("GET", "/health", "Content-Length: +4\r\n", b"", 400, "Content-Length"),
        ("BREW", "/health", "Content-Length: x\r\n", b"", 400, "Content-Length"),
        ("POST", "/predict", JSON + "Content-Length : 4\r\n", b"", 400, "a header is malformed"),
        ("GET", "/health", "Content-Length : 4\r\n", b"", 400, "a header is malformed"),
        ("GET", "/health", "X-Folded: a\r\n b\r\n", b"", 400, "a header is malformed"),
        ("GET", "/health", "X-One: a\rContent-Length: 4\r\n", b"", 400, "a header is malformed"),
        ("DELETE", "/health", "nothing\r\n", b"", 400, "a header is malformed"),
        ("POST", "/predict", JSON, _TOO_LONG, 413, "1,000 bytes"),
        ("POST", "/predict", "", b'{"texts": []}', 415, "no content type"),
        ("POST", "/predict", "Content-Type: text/csv\r\n", b"a", 415, "'text/csv'"),
        ("POST", "/predict", "Content-Type: text/plain; charset=klingon\r\n", b"a", 415, "klingon"),
        ("POST", "/predict", "Content-Type: text/plain; charset=utf-7\r\n", b"+2AA-", 415, "utf-7"),
        ("POST", "/predict", "Content-Type: text/plain; charset=idna\r\n", b"a", 415, "idna"),
        (
            "POST",
            "/predict",
            "Content-Type: text/plain; charset=utf-16\r\n",
            b"\xff\xfe\0\xd8",
            400,
            "not utf-16",
        ),
        ("POST", "/predict", PLAIN, b"\xff", 400, "not utf-8"),
        ("POST", "/predict", PLAIN, b"\xed\xa0\x80", 400, "not utf-8"),
        ("POST", "/predict", JSON, b'{"texts": ["\\udc00"]}', 400, "cannot be read"),
        ("POST", "/predict", JSON, b'{"rows": [{"text": "\\ud800 alone"}]}', 400, "cannot be read"),
        ("POST", "/predict", JSON, b"{", 400, "cannot be read"),
        ("POST", "/predict", JSON, b'{"texts": ["\xff"]}', 400, "cannot be read"),
        ("POST", "/predict", JSON, b"[" * 900, 400, "cannot be read"),
        ("POST", "/predict", JSON, b'{"texts": "one"}', 400, "expected array, got string"),
        ("POST", "/predict", JSON, b'{"texts": [1]}', 400, "expected string, got number, at texts[0]"),
        ("POST", "/predict", JSON, b'{"rows": ["one"]}', 400, "expected object"),
        ("POST", "/predict", JSON, b'{"rows": null}', 400, "expected array, got null"),
        ("POST", "/predict", JSON, b"{}", 400, "either texts or rows"),
        ("POST", "/predict", JSON, b'{"texts": [], "rows": []}', 400, "either texts or rows"),
        ("POST", "/predict", JSON, b'{"text": "one"}', 400, "unknown field text"),
        ("POST", "/predict", PLAIN, b"data", 400, "echo.txt:3: there is nothing to echo"),
        ("POST", "/predict", PLAIN, b"memory", 500, "the memory is too small"),
        ("POST", "/predict", PLAIN, b"raise", 500, "the model failed on this request"),
        ("POST", "/predict", PLAIN, b"exit", 500, "the model failed on this request"),
        ("POST", "/predict", PLAIN, b"odd", 500, "the model failed on this request"),
    ],
)
def test_server_refuses_with_a_reason_in_json(
    server: Server, method: str, path: str, headers: str, body: bytes, status: int, words: str
) -> None:
    answer = server.ask(method, path, headers=headers, body=body)

    error = answer.content["error"]
    assert answer.status == status
    assert words in error["message"]
    assert error.keys() == {"message", "hint"}
    assert b"Traceback" not in answer.body
    assert b"lost" not in answer.body
    assert server.predict(texts=["still there"]).status == 200


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_server_refuses_what_is_no_request_in_json(server: Server, garbage: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(garbage)
        answered = connection.recv(65536)

    assert answered.startswith((b"HTTP/1.1 400", b"HTTP/1.1 505"))
    assert b'{"error":' in answered
    assert b"<html" not in answered.lower()


def test_server_that_refuses_says_what_its_task_reads(server: Server) -> None:
    refused = [server.ask("POST", "/predict", headers=JSON, body=b"{"), server.ask("POST", "/predict")]

    hints = [answer.content["error"]["hint"] for answer in refused]
    assert hints[0] == 'Send {"texts": ["Some text."]}, or {"rows": [{"text": "Some text."}]}; a row has text'
    assert refused[0].headers["server"] == "envkit"


def test_server_says_where_a_larger_limit_is_given(server: Server) -> None:
    hint = server.ask("POST", "/predict", headers=JSON, body=_TOO_LONG).content["error"]["hint"]

    assert hint.endswith("behind the image's name: IMAGE http --max-bytes 2000")


def test_server_names_the_methods_that_a_path_has(server: Server) -> None:
    assert server.ask("DELETE", "/health").headers["allow"] == "GET, HEAD"


def test_server_answers_several_requests_of_a_connection(server: Server) -> None:
    asked = message("POST", "/predict", headers=PLAIN, body=b"good", close=False)
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(asked)
            assert read_answer(connection).status == 200
        connection.sendall(message("GET", "/nowhere", close=False))
        assert read_answer(connection).status == 404
        connection.sendall(message("HEAD", "/health", close=False))
        head = connection.recv(65536)

    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")


def test_server_never_takes_a_refused_body_for_a_request(server: Server) -> None:
    inner = message("GET", "/health")
    with server.connect() as connection:
        connection.sendall(message("POST", "/nowhere", headers=PLAIN, body=inner, close=False))
        said = b""
        while chunk := connection.recv(65536):
            said += chunk

    assert said.count(b"HTTP/1.1") == 1


def test_server_sends_for_a_body_only_if_it_will_read_it(server: Server) -> None:
    expecting = "Expect: 100-continue\r\n"
    with server.connect() as connection:
        connection.sendall(
            f"POST /predict HTTP/1.1\r\n{PLAIN}{expecting}Content-Length: 9999\r\n\r\n".encode()
        )
        assert read_answer(connection).status == 413
    with server.connect() as connection:
        connection.sendall(f"POST /predict HTTP/1.1\r\n{PLAIN}{expecting}Content-Length: 4\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100")
        connection.sendall(b"good")
        assert read_answer(connection).status == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /pre",
        b"POST /predict HTTP/1.1\r\nContent-Len",
        f"POST /predict HTTP/1.1\r\n{PLAIN}Content-Length: 4\r\n\r\ngo".encode(),
    ],
)
def test_server_gives_a_slow_client_no_more_than_its_time(server: Server, begun: bytes) -> None:
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(begun)
        answered = connection.recv(65536)

    assert answered == b"" if not begun else answered.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_server_gives_a_client_that_trickles_no_more_time(server: Server) -> None:
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\n")
        connection.settimeout(0.1)
        answered = b""
        while not answered and time.monotonic() - began < 5:
            connection.sendall(b"X")
            try:
                answered = connection.recv(65536)
            except TimeoutError:
                continue

    assert answered.startswith(b"HTTP/1.1 408")


def test_server_tells_a_health_check_what_it_serves(server: Server) -> None:
    answer = server.ask("GET", "/health?verbose=1")

    assert answer.status == 200
    assert answer.content == {"status": "ok", "task": "echo", "model": "20261122-141503-echo-4f2a"}
    assert why_no_answer(server.port) is None


def test_server_writes_a_line_a_request_without_its_content(server: Server) -> None:
    server.ask("POST", "/predict", headers=JSON, body=b'{"texts": ["sesame one", "sesame two"]}')
    server.ask("GET", "/there\x1b[2J?sesame", headers="X-Sesame: sesame\r\n")
    server.ask("POST", f"/{'long' * 90}", headers=PLAIN, body=b"sesame")
    server.ask("GET", "http://sesame@here/")
    server.ask("POST", "/predict", headers=PLAIN, body=b"raise")
    wait_until(lambda: "KeyError (predictor.py" in server.said)

    assert " 127.0.0.1 POST /predict 200 2 rows " in server.said
    assert " GET /there\\x1b[2J 404 " in server.said
    assert f" POST /{'long' * 19}... 404 " in server.said
    assert " GET - 404 " in server.said
    assert "sesame" not in server.said
    assert "lost" not in server.said
    assert "\x1b" not in server.said


@pytest.mark.slow
def test_server_has_a_place_for_so_many_and_no_more(model: Path, echo_environ: dict[str, str]) -> None:
    with serving(model, "--queue", "1", environ=echo_environ) as server:
        server.wait_ready()
        first, second = server.connect(), server.connect()
        with first, second:
            first.sendall(message("POST", "/predict", headers=PLAIN, body=b"sleep 0.6"))
            time.sleep(0.2)
            second.sendall(message("POST", "/predict", headers=PLAIN, body=b"good"))
            time.sleep(0.2)
            refused = server.predict(texts=["third"])
            health = server.ask("GET", "/health")

            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            assert health.status == 200
            assert [read_answer(each).status for each in (first, second)] == [200, 200]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_that_is_stopped_answers_what_it_has_in_hand(
    model: Path, echo_environ: dict[str, str], number: signal.Signals
) -> None:
    with serving(model, environ=echo_environ) as server:
        server.wait_ready()
        with server.connect() as idle, server.connect() as asking:
            idle.sendall(message("GET", "/health", close=False))
            assert read_answer(idle).status == 200
            asking.sendall(message("POST", "/predict", headers=PLAIN, body=b"sleep 0.4", close=False))
            time.sleep(0.2)
            server.process.send_signal(number)
            answer = read_answer(asking)

            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert idle.recv(1) == b""
        assert server.ended() == 0
        with pytest.raises(ConnectionRefusedError):
            server.connect()


@pytest.mark.slow
def test_server_that_is_stopped_waits_for_no_request_that_is_half_sent(
    model: Path, echo_environ: dict[str, str]
) -> None:
    half = f"POST /predict HTTP/1.1\r\n{PLAIN}Content-Length: 9\r\n\r\ngo".encode()
    with serving(model, "--timeout", "30", environ=echo_environ) as server:
        server.wait_ready()
        with server.connect() as head, server.connect() as body, server.connect() as asking:
            head.sendall(half[:40])
            body.sendall(half)
            asking.sendall(message("POST", "/predict", headers=PLAIN, body=b"sleep 0.4"))
            time.sleep(0.2)
            began = time.monotonic()
            server.process.terminate()

            assert read_answer(asking).status == 200
            assert server.ended() == 0
            assert time.monotonic() - began < 5


@pytest.mark.slow
def test_server_that_is_stopped_twice_ends_at_once(model: Path, echo_environ: dict[str, str]) -> None:
    with serving(model, environ=echo_environ) as server:
        server.wait_ready()
        with server.connect() as asking:
            asking.sendall(message("POST", "/predict", headers=PLAIN, body=b"sleep 60"))
            time.sleep(0.2)
            server.process.terminate()
            time.sleep(0.1)
            server.process.terminate()

            assert server.ended() == 130


def test_server_that_loads_says_so_and_answers_later(tmp_path: Path, echo_environ: dict[str, str]) -> None:
    model = save_echo_model(tmp_path / "model")
    (model / "count.txt").unlink()
    os.mkfifo(model / "count.txt")  # whoever loads the model waits until somebody writes
    with serving(model, environ=echo_environ) as server:
        health = server.ask("GET", "/health")
        with server.connect() as early:
            early.sendall(message("POST", "/predict", headers=PLAIN, body=b"good"))
            (model / "count.txt").write_text("6\n")
            answer = read_answer(early)

    assert (health.status, health.content["status"]) == (503, "loading")
    assert (answer.status, answer.content["predictions"][0]["count"]) == (200, 6)


@pytest.mark.slow
def test_server_that_is_stopped_while_it_loads_tells_who_waits(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    model = save_echo_model(tmp_path / "model")
    (model / "count.txt").unlink()
    os.mkfifo(model / "count.txt")
    with serving(model, environ=echo_environ) as server, server.connect() as early:
        early.sendall(message("POST", "/predict", headers=PLAIN, body=b"good"))
        time.sleep(0.3)
        server.process.terminate()

        assert read_answer(early).status == 503
        assert server.ended() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "code", "words"),
    [
        (echo_record(task="gone"), 6, "has no plugin for 'gone'"),
        (echo_record(steps=-1), 5, "the model's options do not fit"),
    ],
)
def test_server_without_its_model_ends_and_says_why(
    tmp_path: Path, echo_environ: dict[str, str], record: Any, code: int, words: str
) -> None:
    with serving(save_echo_model(tmp_path / "model", record), environ=echo_environ) as server:
        assert server.ended() == code
        assert f"error: {words}" in server.said or words in server.said
        assert "hint: " in server.said
        assert "Ready" not in server.said


def test_server_on_a_port_that_is_taken_says_so(
    server: Server, model: Path, echo_environ: dict[str, str]
) -> None:
    with serving(model, "--port", str(server.port), environ=echo_environ) as second:
        assert second.ended() == 2
        assert f"nothing can be served at 127.0.0.1:{server.port}" in second.said


@pytest.mark.slow
def test_server_whose_connections_all_say_nothing_still_answers(
    model: Path, echo_environ: dict[str, str]
) -> None:
    with serving(model, "--timeout", "30", environ=echo_environ) as server, ExitStack() as silent:
        server.wait_ready()
        for number in range(150):
            connection = silent.enter_context(server.connect())
            if number % 2:
                connection.sendall(b"POST /predict HTTP/1.1\r\nHost:")

        assert why_no_answer(server.port) is None
        assert server.predict(texts=["good"]).status == 200
