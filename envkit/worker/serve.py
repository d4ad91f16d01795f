"""``python -m envkit.worker.serve --model DIR [stdin|http]``: answer with a saved model, without a host.

Standard input is answered where it is a pipe or a file, else HTTP.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvkitError
from envkit.api.records import ErrorRecord
from envkit.worker.said_lines import SaidLines
from envkit.worker.served_model import model_request
from envkit.worker.use_request import ROW_FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

_PORT = 8000
_MAX_BYTES = 2**20
_QUEUE = 16
_SECONDS = 10.0


def main(arguments: Sequence[str]) -> int:
    """Serve, and return the exit code."""
    given = _parse(arguments)
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the locale lacks is no reason to fail
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    said = SaidLines(sys.stderr)
    try:
        return _serve(given, said)
    except EnvkitError as error:
        said.error(ErrorRecord(message=error.message, hint=error.hint, exit_code=error.exit_code))
        return error.exit_code


def is_answerable(descriptor: int) -> bool:
    """Tell whether somebody has put a pipe or a file there; /dev/null, a terminal and a closed one are neither."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _serve(given: argparse.Namespace, said: SaidLines) -> int:
    request = msgspec.structs.replace(
        model_request(given.model, device=given.device),
        format=given.format,
        encoding=given.encoding,
        text_column=given.text_column,
        to=given.to,
    )
    if given.how == "stdin" or (given.how is None and is_answerable(0)):
        from envkit.worker.serve_lines import serve_lines

        return serve_lines(request, said=said)
    from envkit.worker.serve_http import Limits, serve_http  # the library's server, which lines do without

    limits = Limits(max_bytes=given.max_bytes, queue=given.queue, seconds=given.timeout)
    return serve_http(request, host=given.host, port=given.port, limits=limits, said=said)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="envkit.worker.serve",
        description="Answer standard input, or HTTP: POST /predict and GET /health.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "how",
        nargs="?",
        choices=["stdin", "http"],
        help="what to answer; by default standard input where it is a pipe or a file, else HTTP",
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="folder of the model")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    lines = parser.add_argument_group("standard input")
    lines.add_argument("--format", default="auto", help="format of what is read")
    lines.add_argument("--encoding", help="its encoding, UTF-8 by default")
    lines.add_argument("--text-column", metavar="NAME", help="column of the texts, where it has columns")
    lines.add_argument("--to", choices=ROW_FORMATS, default="jsonl", help="format of the rows")
    http = parser.add_argument_group("HTTP")
    http.add_argument("--host", default="0.0.0.0", help="address to listen on")
    http.add_argument("--port", type=int, default=_PORT, help="port to listen on; 0 for any that is free")
    http.add_argument(
        "--max-bytes", type=_count, default=_MAX_BYTES, metavar="N", help="largest body of a request"
    )
    http.add_argument(
        "--queue", type=_count, default=_QUEUE, metavar="N", help="requests that may wait for their turn"
    )
    http.add_argument(
        "--timeout",
        type=_seconds,
        default=_SECONDS,
        metavar="SECONDS",
        help="how long a client may take to send a request",
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise ValueError
    return number


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # a thread that still waits for standard input or a client would hold a gentler end up
