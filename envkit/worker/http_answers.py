"""One connection of a prediction server: requests in, answers in JSON out, and a line about each on standard error."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.worker.http_requests import (
    HeadReader,
    Refusal,
    TimedReader,
    body_length,
    check_headers,
    decode_body,
    opened_inputs,
    read_body,
    shown_path,
    without_place,
)
from envkit.worker.prediction_queue import QueueClosed, QueueFull

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import Inputs
    from envkit.worker.serve_http import PredictionServer
    from envkit.worker.served_model import Outcome

_ROUTES = {"/predict": ("POST",), "/health": ("GET", "HEAD")}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OF_COMMANDS = re.compile(r"\benvkit |--[a-z]|command line")  # nobody who asks over HTTP has one
_RETRY = {"Retry-After": "1"}
_USER_ERROR = 2  # exit code of what the user can mend
_DISCARDED = 2**24  # bytes of a refused body that are read, so that its client hears why before it is cut off
_LINGER_SECONDS = 1.0


class PredictionHandler(BaseHTTPRequestHandler):
    """Answer the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    # Head and body in one piece: sent one by one, the second waits until the first is acknowledged.
    wbufsize = 2**16
    disable_nagle_algorithm = True
    server_version = "envkit"
    default_request_version = "HTTP/1.0"  # of the older the answers have no status
    server: PredictionServer

    def setup(self) -> None:
        """Read against deadlines."""
        super().setup()
        self._reader = TimedReader(self.connection, timeout=self.server.service.limits.seconds)
        self.rfile = self._head = HeadReader(self._reader)
        self._is_in_hand = False  # from when a request has come in whole until the next one is waited for
        self.server.connections.know_waiting(self.connection, lambda: not self._is_in_hand)
        self._has_unread = False
        self._is_answered = False
        self._rows: int | None = None

    def handle_one_request(self) -> None:
        """Answer a request; none comes where the client has left, is too slow, or the server ends."""
        self._is_in_hand = False  # before the look at the end: either here or there it is seen
        if self.server.service.is_ending.is_set():
            self.close_connection = True
            return
        self._reader.begin()
        self._head.has_stray_return = False
        self._began = time.monotonic()
        self._is_answered, self._rows = False, None
        self.command, self.request_version = "", self.default_request_version
        try:
            super().handle_one_request()
            if not self._is_answered and not self._reader.is_idle:  # it was too slow to say what it wants
                self._refuse(_too_slow())
        except TimeoutError:
            self._refuse(_too_slow())
        except OSError:  # the client has left
            self.close_connection = True
        if self._has_unread and self._is_answered:
            self._discard()

    def do_GET(self) -> None:
        """Answer, or refuse."""
        self._route()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def handle_expect_100(self) -> bool:
        """Ask for the body only where it will be read."""
        try:
            self._check_route()
            body_length(self.headers, most=self.server.service.limits.max_bytes)
        except Refusal as refusal:
            self._refuse(refusal)
            return False
        is_wanted = super().handle_expect_100()
        self.wfile.flush()
        return is_wanted

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse in JSON what the library refuses in HTML: a request that is none."""
        status = HTTPStatus(code)
        self._has_unread = True
        if status is HTTPStatus.NOT_IMPLEMENTED:
            try:
                self._check_route()
            except Refusal as refusal:
                self._refuse(refusal)
                return
        self._refuse(Refusal(status, status.phrase.lower(), hint="Speak HTTP/1.1, as curl does"))

    def version_string(self) -> str:
        """Return what the header Server says."""
        return self.server_version

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a line is written where the answer is."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the library's words hold what a client has sent."""

    def _route(self) -> None:
        try:
            self._check_route()
            if self.command == "POST":
                self._predict()
            else:
                self._health()
        except Refusal as refusal:
            self._refuse(refusal)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  # a client is told that, and no more
            self.server.service.said.say(f"error: a request ended with {type(error).__name__}")
            self._refuse(_our_fault())

    def _check_route(self) -> None:
        """Raises: Refusal for headers that are none, and another path or method than there is."""
        self._has_unread = True
        check_headers(self.headers, has_stray_return=self._head.has_stray_return)
        length = self.headers.get("Content-Length", "0")
        self._has_unread = length != "0" or "Transfer-Encoding" in self.headers
        methods = _ROUTES.get(self._path())
        if methods is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing here", hint="POST /predict or GET /health")
        if self.command not in methods:
            raise Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"{self._path()} is asked with {' or '.join(methods)}",
                headers={"Allow": ", ".join(methods)},
            )

    def _path(self) -> str:
        return str(self.path).partition("?")[0]

    def _health(self) -> None:
        service = self.server.service
        is_well = service.is_ready.is_set() and not service.is_ending.is_set()
        status = "ok" if is_well else "ending" if service.is_ending.is_set() else "loading"
        body = msgspec.json.encode({"status": status, "task": service.task, "model": service.model})
        if self._has_unread:
            self.close_connection = True
        self._answer(HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE, body)

    def _predict(self) -> None:
        length = body_length(self.headers, most=self.server.service.limits.max_bytes)
        body = read_body(self.rfile, length)
        self._is_in_hand, self._has_unread = True, False
        form = self.server.service.form
        asked = decode_body(body, self.headers, form=form)
        try:
            with opened_inputs(asked, form=form) as inputs:
                outcome = self._ask(inputs)
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            self.server.service.said.say(f"error: the rows of a request cannot be written: {error.strerror}")
            raise _our_fault() from error
        if outcome.error is not None:
            raise self._failed(outcome, inputs)
        self._rows = len(outcome.rows)
        self._answer(HTTPStatus.OK, b'{"predictions":[' + b",".join(outcome.rows) + b"]}")

    def _ask(self, inputs: Inputs) -> Outcome:
        try:
            return self.server.service.queue.ask(inputs)
        except QueueFull:
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many requests wait already",
                hint="Try again in a moment, with more texts in one request",
                headers=_RETRY,
            ) from None
        except QueueClosed:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, "the server is ending", hint="Try again later", headers=_RETRY
            ) from None

    def _failed(self, outcome: Outcome, inputs: Inputs) -> Refusal:
        error = outcome.error
        assert error is not None
        if error.exit_code == _USER_ERROR:
            hint = error.hint or ""
            if _OF_COMMANDS.search(hint):
                hint = self.server.service.form.hint
            return Refusal(HTTPStatus.BAD_REQUEST, without_place(error.message, inputs), hint=hint)
        self.server.service.said.say(f"error: the model failed with {outcome.place}")
        if error.traceback is not None:  # what a plugin says of its own faults is for its author
            return _our_fault()
        return Refusal(
            HTTPStatus.INTERNAL_SERVER_ERROR, without_place(error.message, inputs), hint=error.hint or ""
        )

    def _refuse(self, refusal: Refusal) -> None:
        if self._is_answered:
            self.close_connection = True
            return
        if self._has_unread or refusal.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_REQUEST):
            self.close_connection = True  # where the next request would begin is not known
        error = {"message": refusal.message, "hint": refusal.hint or None}
        self._answer(refusal.status, msgspec.json.encode({"error": error}), headers=refusal.headers)

    def _answer(self, status: HTTPStatus, body: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        """Send the answer and say a line about it. Raises: OSError."""
        self._is_answered = self._is_in_hand = True
        if self.server.service.is_ending.is_set():
            self.close_connection = True
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()
        finally:
            self._say(status)

    def _say(self, status: HTTPStatus) -> None:
        """Say who asked for which path and what came of it: no query, no body, no word of an answer."""
        method = self.command if self.command in _METHODS else "-"
        path = shown_path(self._path()) if method != "-" else "-"
        words: Sequence[str] = (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            str(self.client_address[0]),
            method,
            path,
            str(int(status)),
            *([] if self._rows is None else ["1 row" if self._rows == 1 else f"{self._rows} rows"]),
            f"{time.monotonic() - self._began:.3f} s",
        )
        self.server.service.said.say(" ".join(words))

    def _discard(self) -> None:
        """Read what is left of a refused body for a moment: cut off at once, its client would not see the answer."""
        deadline = time.monotonic() + _LINGER_SECONDS
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            read = 0
            while read < _DISCARDED and (left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(left)
                chunk = self.connection.recv(65536)
                if not chunk:
                    break
                read += len(chunk)


def _too_slow() -> Refusal:
    return Refusal(HTTPStatus.REQUEST_TIMEOUT, "the request did not come in in time", hint="Send it at once")


def _our_fault() -> Refusal:
    return Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the model failed on this request",
        hint="What the server wrote on standard error says where",
    )
