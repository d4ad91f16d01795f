"""Answer HTTP: ``POST /predict`` and ``GET /health``, one prediction at a time, within limits."""

from __future__ import annotations

import contextlib
import os
import socketserver
import sys
import threading
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from envkit.api import RunCancelled, UsageError
from envkit.api.records import ErrorRecord
from envkit.worker.http_answers import PredictionHandler
from envkit.worker.http_connections import Connections, refuse_connection
from envkit.worker.prediction_queue import PredictionQueue
from envkit.worker.reporter import EventReporter
from envkit.worker.request_form import RequestForm, request_form
from envkit.worker.served_model import open_model
from envkit.worker.signal_watch import watch_signals

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from envkit.worker.said_lines import SaidLines
    from envkit.worker.use_request import PredictRequest

_TELL_SECONDS = 1.0  # for those who wait to hear that nothing comes


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server takes on: bytes of a body, requests that wait, connections, seconds of a client's own.

    ``seconds`` is how long a client may take to send a request, and to take the answer; a prediction may take
    as long as it takes.
    """

    max_bytes: int = 2**20
    queue: int = 16
    connections: int = 128
    seconds: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """What all connections of a server share; ``model`` is its name for people."""

    task: str
    model: str
    form: RequestForm
    limits: Limits
    queue: PredictionQueue
    said: SaidLines
    is_ready: threading.Event = field(default_factory=threading.Event)
    is_ending: threading.Event = field(default_factory=threading.Event)


class PredictionServer(ThreadingHTTPServer):
    """A server whose threads read requests and write answers; the model is elsewhere, behind a queue."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, service: Service) -> None:
        self.service = service
        self.connections = Connections(most=service.limits.connections)
        super().__init__(address, PredictionHandler)

    def server_bind(self) -> None:
        """Take the address, without asking the network for a name of this machine."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many."""
        if self.connections.enter(request):
            super().process_request(request, client_address)
        else:
            refuse_connection(request)
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        connection: socket.socket = request
        try:
            super().shutdown_request(connection)
        finally:
            self.connections.leave(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say of a fault what kind it is; a client that has left is none."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.service.said.say(f"error: a connection ended with {type(error).__name__}")


def serve_http(
    request: PredictRequest,
    *,
    host: str,
    port: int,
    limits: Limits,
    said: SaidLines,
    end_process: Callable[[int], object] = os._exit,
) -> int:
    """Listen at once, load the model meanwhile, answer until a signal comes, and return the exit code.

    A signal ends it once the requests in hand are answered; a second one at once. Call it in the main thread,
    which has the model. Raises: UsageError where the address is taken or is none.
    """
    service = Service(
        task=request.model.task,
        model=request.model.run or request.model.model,
        form=request_form(request.model),
        limits=limits,
        queue=PredictionQueue(most=limits.queue),
        said=said,
    )
    try:
        server = PredictionServer((host, port), service=service)
    except (OSError, OverflowError) as error:  # a port is at most 65535
        raise UsageError(
            f"nothing can be served at {host}:{port}: {getattr(error, 'strerror', None) or error}",
            hint="Take another port: --port 8001",
        ) from error

    def on_signal(count: int) -> None:
        if count > 1:
            end_process(RunCancelled.exit_code)
        elif not service.is_ready.is_set():
            _end(server, timeout=_TELL_SECONDS, is_served=False)
            end_process(0)
        else:
            threading.Thread(target=_end, args=(server,), daemon=True).start()

    watch_signals(on_signal)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    said.say(f"Listening on {host}:{server.server_port}, loading the model")
    failure = _serve_model(request, service)
    if failure is None:
        return 0
    said.error(failure)
    _end(server, timeout=_TELL_SECONDS, is_served=False)
    return failure.exit_code


def _serve_model(request: PredictRequest, service: Service) -> ErrorRecord | None:
    """Load the model and predict until the queue is closed; return what kept it from that, if anything did."""
    model = open_model(request, report=EventReporter(service.said.event))
    if isinstance(model, ErrorRecord):
        return model
    broken = model.first_prediction()
    if broken is not None:
        return broken
    service.is_ready.set()
    service.said.say("Ready: POST /predict")
    service.queue.serve(model.predict)
    return None


def _end(server: PredictionServer, *, timeout: float | None = None, is_served: bool = True) -> None:
    """Take no more requests, let those in hand come to their answers, and close the queue."""
    server.service.is_ending.set()
    server.shutdown()
    with contextlib.suppress(OSError):
        server.server_close()
    if not is_served:  # nobody will: those who wait are told first
        server.service.queue.close()
    server.connections.end(timeout=timeout)
    server.service.queue.close()
