"""``python -m envkit.worker.serve --model DIR [stdin|http]``: answer with a saved model, without a host.

Standard input is answered where it is a pipe or a file, else HTTP.
"""

from __future__ import annotations

import faulthandler
import os
import stat
import sys
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvkitError
from envkit.api.records import ErrorRecord
from envkit.worker.printing import print_anything
from envkit.worker.said_lines import SaidLines
from envkit.worker.serve_options import ServeOptions, read_serve_options
from envkit.worker.served_model import model_request

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Serve, and return the exit code."""
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    print_anything()
    said = SaidLines(sys.stderr)
    try:
        given = read_serve_options(arguments)
        if isinstance(given, str):
            sys.stdout.write(f"{given}\n")
            return 0
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


def _serve(given: ServeOptions, said: SaidLines) -> int:
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


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # a thread that still waits for standard input or a client would hold a gentler end up
