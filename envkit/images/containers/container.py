"""A worker in a container: watched, asked to stop, and gone in the end."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envkit.images.containers.death import explain_end, process_code
from envkit.images.engine.failures import is_of_engine

if TYPE_CHECKING:
    from pathlib import Path

    from docker import DockerClient

    from envkit.api.records import RunRequest
    from envkit.images.containers.watch import ContainerWatch
    from envkit.images.engine.engine import Engine
    from envkit.runs.launch import Death
    from envkit.worker.folder import RunFolder

_END_SECONDS = 15.0  # for an engine to kill a container, and again to remove it


class ContainerWorker:
    """A worker in a container, which is gone when it has ended.

    Signals are sent by a thread: an engine cannot be spoken to while a signal is handled.
    """

    def __init__(
        self,
        container: str,
        *,
        engine: Engine,
        reference: str,
        folder: RunFolder,
        request: RunRequest,
        link: Any,
        watch: ContainerWatch,
    ) -> None:
        self._container, self._engine, self._reference = container, engine, reference
        self._folder, self._request = folder, request
        self._link, self._watch = link, watch
        self._is_given_up = False
        self._wanted: queue.SimpleQueue[signal.Signals | None] = queue.SimpleQueue()
        self._output = threading.Thread(
            target=_keep_output, args=(link, folder.log_file), name="envkit-container-output", daemon=True
        )
        self._sender = threading.Thread(target=self._send, name="envkit-container-signals", daemon=True)
        for thread in (self._output, self._sender):
            thread.start()

    def is_alive(self) -> bool:
        """Tell whether it runs; where the engine has gone, whether the run is still in a worker's hands."""
        if self._watch.ended.is_set() or self._is_given_up:
            return False
        return not self._watch.is_lost or self._folder.is_locked()

    def ask_to_stop(self) -> None:
        """Ask the loop to stop at its next step."""
        self._wanted.put(signal.SIGTERM)

    def kill(self) -> None:
        """End the container at once."""
        self._is_given_up = self._watch.is_lost
        self._wanted.put(signal.SIGKILL)

    def clear(self) -> int:
        """Kill the container if it still runs, wait until it is gone, and return its worker's exit code."""
        if self.is_alive():
            self.kill()
            self._watch.ended.wait(_END_SECONDS)
        self._wanted.put(None)
        self._sender.join(_END_SECONDS)
        if not self._watch.is_lost and not self._watch.removed.wait(_END_SECONDS):
            remove_container(self._engine.client, self._container)
        self._output.join(_END_SECONDS)
        close_link(self._link)
        return process_code(self._watch.end())

    def cause(self) -> Death | None:
        """Return what is known of the end of a cleared worker beyond its exit code."""
        end = self._watch.end()
        if end.exit_code is None or signal.SIGTERM in end.signals or signal.SIGKILL in end.signals:
            # An engine that shuts down stops its containers first.
            end = replace(end, is_engine_lost=not self._engine.is_staying())
        return explain_end(
            end, reference=self._reference, endpoint=self._engine.endpoint, request=self._request
        )

    def left_behind(self) -> tuple[str, ...]:
        """Return nothing: with its first process a container ends as a whole."""
        return ()

    def _send(self) -> None:
        from docker.errors import APIError

        while (number := self._wanted.get()) is not None:
            self._watch.sends(number)
            try:
                self._engine.client.api.kill(self._container, number.value)
            except APIError:  # it has ended by itself
                continue
            except Exception as error:
                if not is_of_engine(error):  # that it does not answer is seen by who watches
                    raise


def remove_container(client: DockerClient, container: str) -> None:
    """Remove a container, running or not, if it is still there and its engine answers."""
    try:
        client.api.remove_container(container, force=True, v=True)
    except Exception as error:
        if not is_of_engine(error):
            raise


def _keep_output(link: Any, log_file: Path) -> None:
    """Append what comes from the container to the log: what is said before the worker writes there itself."""
    from docker.utils.socket import frames_iter

    with contextlib.suppress(OSError, ValueError), log_file.open("ab", buffering=0) as log:
        for _stream, content in frames_iter(link, tty=False):  # type: ignore[no-untyped-call]
            log.write(content)


def close_link(link: Any) -> None:
    """Close the connection to a container's standard streams; the end of its input is what it hears."""
    with contextlib.suppress(OSError, ValueError):
        link._response.close()  # docker-py hangs the answer on the socket; the connection goes with it
