"""A process that is talked to line by line, and that ends when it is told to.

It is started before anything is imported that takes time: without ``subprocess``, by the system call alone.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = 1 << 16
_PAUSE_SECONDS = 0.005
_LAST_WAIT_SECONDS = 0.5  # one that waits in a hung driver ends when the driver lets go


class ChildProcess:
    """A program with pipes at its standard input and output; what it prints as errors goes nowhere."""

    def __init__(self, cmd: Sequence[str]) -> None:
        """Start it, in a process group of its own. Raises: OSError."""
        its_input, self._to_child = os.pipe()
        self._from_child, its_output = os.pipe()
        try:
            self.pid = os.posix_spawn(
                cmd[0],
                [*cmd],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, its_input, 0),
                    (os.POSIX_SPAWN_DUP2, its_output, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setpgroup=0,  # what it starts dies with it, and Ctrl-C is not for it
            )
        except OSError:
            self._close()
            raise
        finally:
            os.close(its_input)
            os.close(its_output)
        self._rest = b""

    def exchange(self, line: bytes, deadline: float) -> bytes:
        """Write a line and return the one that it answers. Raises: TimeoutError, OSError where it has ended."""
        while line:
            line = line[os.write(self._to_child, line) :]
        waiting = select.poll()
        waiting.register(self._from_child, select.POLLIN)
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.poll(left * 1000):
                raise TimeoutError
            chunk = os.read(self._from_child, _CHUNK)
            if not chunk:
                raise OSError("it ended without an answer")
            self._rest += chunk
        answer, _, self._rest = self._rest.partition(b"\n")
        return answer

    def end(self, *, patience: float = 0.0) -> int | None:
        """End it and return its status, as ``subprocess`` has it; None where it had to be killed."""
        status = self._wait(patience)
        self.kill()
        if status is None:
            self._wait(_LAST_WAIT_SECONDS)
        self._close()
        return status

    def kill(self) -> None:
        """Kill it and all that it has started; who talks to it sees its end."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _wait(self, seconds: float) -> int | None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return 0  # somebody else has waited for it
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= deadline:
                return None
            time.sleep(_PAUSE_SECONDS)

    def _close(self) -> None:
        for end in (self._to_child, self._from_child):
            with contextlib.suppress(OSError):
                os.close(end)


# The same modules as here are found, and none beside them.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from envkit.doctor.plugin_child import main; main()"


def start_plugin_child(*, path: Sequence[str] | None = None) -> ChildProcess:
    """Start the process that loads plugins, on the search path of this one. Raises: OSError."""
    return ChildProcess([sys.executable, "-P", "-c", _PROGRAM, *map(str, sys.path if path is None else path)])


def early_plugin_child() -> ChildProcess | None:
    """Start that process before anybody asks; None where it cannot be: who asks it then tells why."""
    try:
        return start_plugin_child()
    except OSError:
        return None
