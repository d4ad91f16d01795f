"""The process that uses rattler: reads jobs, answers in lines, and ends with whoever started it."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import socket
import threading
from typing import TYPE_CHECKING

import msgspec

from envkit.environments.conda.jobs import HEADER, Answer, Failed, Job, SolveJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rattler.networking.client import Client

    from envkit.environments.conda.jobs import ChannelSource, Network

    Jobs = queue.SimpleQueue[tuple[bytes, list[int]]]

_IDLE_SECONDS = 40.0
_MOST_FILES = 253  # that a kernel hands over at once


def main() -> None:
    """Do the jobs that come in, and answer where standard output was."""
    answers = os.dup(1)
    os.dup2(2, 1)  # link scripts print where they like
    given = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # and read none of the jobs
    os.close(nothing)
    jobs: Jobs = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(given, jobs), daemon=True).start()
    environ = dict(os.environ)
    clients = Clients()

    def say(answer: Answer) -> None:
        os.write(answers, msgspec.json.encode(answer) + b"\n")

    import rattler  # noqa: F401 - while whoever started this still reads settings

    with asyncio.Runner() as runner:
        while True:
            try:
                message, files = jobs.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                # Not by way of Python's own end: rattler 0.28's threads sometimes crash in it.
                os._exit(0)
            job = msgspec.json.decode(message, type=Job)
            _set_variables({**environ, **job.network.variables})
            answer = runner.run(_do(job, clients=clients, say=say))
            for file in files:
                os.close(file)
            say(answer)


class Clients:
    """Keeps the client of the last job: the next one mostly needs the same."""

    def __init__(self) -> None:
        self._last: tuple[Network, tuple[ChannelSource, ...], Client] | None = None

    def client_for(self, job: Job) -> Client:
        """Return what downloads for this job."""
        from envkit.environments.conda.network import make_client

        if self._last is not None and self._last[:2] == (job.network, job.channels):
            return self._last[2]
        client = make_client(job.network, job.channels)
        self._last = (job.network, job.channels, client)
        return client


async def _do(job: Job, *, clients: Clients, say: Callable[[Answer], None]) -> Answer:
    from envkit.environments.conda.known_packages import HashDiffers

    errors: tuple[type[Exception], ...] = (*_rattler_errors(), HashDiffers, OSError)
    try:
        client = clients.client_for(job)
        if isinstance(job, SolveJob):
            from envkit.environments.conda.solve import solve_packages

            return await solve_packages(job, client=client, say=say)
        from envkit.environments.conda.install import install_packages

        return await install_packages(job, client=client, say=say)
    except errors as error:
        return Failed(type(error).__name__, _with_causes(error))


def _set_variables(wanted: Mapping[str, str]) -> None:
    """Change this process's variables, which rattler reads, to those of a job."""
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _rattler_errors() -> tuple[type[Exception], ...]:
    from rattler import exceptions

    kinds = (kind for kind in vars(exceptions).values() if isinstance(kind, type))
    return tuple(kind for kind in kinds if issubclass(kind, Exception) and kind.__module__ == "exceptions")


def _with_causes(error: BaseException) -> str:
    lines: list[str] = []
    now: BaseException | None = error
    while now is not None:
        if str(now) not in "\n".join(lines):
            lines.append(str(now))
        now = now.__cause__ or now.__context__
    return "\n".join(lines)


def _read_jobs(given: socket.socket, jobs: Jobs) -> None:
    """Read until whoever started this dies, then end at once, with every script that was started."""
    try:
        while True:
            header, files, _, _ = socket.recv_fds(given, HEADER.size, _MOST_FILES)
            header += _read(given, HEADER.size - len(header))
            length, count = HEADER.unpack(header)
            if len(files) != count:
                break  # to go on without them would be to write while nobody knows it
            for file in files:
                os.set_inheritable(file, True)  # link scripts hold them too
            jobs.put((_read(given, length), files))
    except OSError:
        pass
    os.killpg(0, signal.SIGKILL)


def _read(given: socket.socket, length: int) -> bytes:
    """Return exactly so many bytes. Raises: ConnectionError where there are no more to come."""
    parts = []
    while length:
        part = given.recv(min(length, 1 << 16))
        if not part:
            raise ConnectionError("the other end is closed")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
