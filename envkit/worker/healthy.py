"""``python -m envkit.worker.healthy [--port N]``: what a container's health check runs, in a fifth of a second.

With a port it asks the server there; without, it looks whether this Python finds what a worker is made of.
"""

from __future__ import annotations

import importlib
import socket
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE = "usage: python -m envkit.worker.healthy [--port N] [--timeout SECONDS]"
_SECONDS = 2.0
_LONGEST_ANSWER = 65536  # bytes; a health check answers with a few dozen
_LONGEST_SHOWN = 200


def main(arguments: Sequence[str]) -> int:
    """Return 0 where all is well, 1 with a line on standard error where it is not, 2 for wrong arguments."""
    # argparse alone would cost a third of the time that a check may take.
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    try:
        if len(arguments) % 2 or given.keys() - {"--port", "--timeout"}:
            raise ValueError
        timeout = float(given.get("--timeout", _SECONDS))
        port = int(given["--port"]) if "--port" in given else None
    except ValueError:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    wrong = why_no_worker() if port is None else why_no_answer(port, timeout=timeout)
    if wrong is None:
        return 0
    sys.stderr.write(f"{wrong}\n")
    return 1


def why_no_answer(port: int, *, timeout: float = _SECONDS) -> str | None:
    """Return what is wrong with the server on this port of this machine; None where it is ready.

    ``timeout`` is in seconds, for the whole of it.
    """
    deadline = time.monotonic() + timeout
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as server:
            server.sendall(f"GET /health HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode("ascii"))
            while len(answer) < _LONGEST_ANSWER:
                server.settimeout(max(0.001, deadline - time.monotonic()))
                chunk = server.recv(4096)
                if not chunk:
                    break
                answer += chunk
    except TimeoutError:
        return f"port {port}: no answer within {timeout:g} s"
    except ConnectionRefusedError as error:
        return None if is_answering_input() else f"port {port}: {error}"
    except (OSError, OverflowError) as error:  # a port is at most 65535
        return f"port {port}: {error}"
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b"\r\n")[0].split()
    if len(status) >= 2 and status[0].startswith(b"HTTP/") and status[1] == b"200":
        return None
    said = (body or head)[:_LONGEST_SHOWN].decode("ascii", "backslashreplace").strip()
    shown = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in said)
    return f"port {port}: {shown or 'an empty answer'}"


def is_answering_input(first_process: Path = Path("/proc/1")) -> bool:
    """Tell whether the container's first process was given standard input to answer: then no port is listened on."""
    try:
        mode = (first_process / "fd" / "0").stat().st_mode
        return b"envkit.worker.serve" in (first_process / "cmdline").read_bytes() and not stat.S_ISCHR(mode)
    except OSError:
        return False


def why_no_worker() -> str | None:
    """Return what keeps a worker from starting in this environment; None where nothing does."""
    try:
        importlib.import_module("envkit.worker.folder")  # with it come the records, and msgspec under them
    except Exception as error:  # noqa: BLE001  # whatever a broken environment raises is the answer
        return f"{sys.executable}: {type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
