"""Hear from the engine what becomes of one container, in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from envkit.images.containers.death import ContainerEnd
from envkit.images.engine.failures import is_of_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker import DockerClient

# The engine may live in a virtual machine whose clock is not quite this one; what it sends twice is heard once.
_CLOCKS_DIFFER = 300
_TRIES = 5
_PAUSE = 0.2  # seconds
_ENDS = ("die", "died")
_REMOVALS = ("destroy", "remove")


class ContainerWatch:
    """Follow the engine's events of a container, from before its start until it is removed."""

    def __init__(self, client: DockerClient, container: str) -> None:
        self._client = client
        self._container = container
        self._since = int(time.time()) - _CLOCKS_DIFFER
        self._exit_code: int | None = None
        self._is_out_of_memory = False
        self._signals: list[int] = []
        self._is_lost = False
        self._own_signals: list[int] = []
        self.ended = threading.Event()
        self.removed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="envkit-container-watch", daemon=True)

    def start(self) -> None:
        """Begin to listen. What has happened before is heard as well."""
        self._thread.start()

    def sends(self, number: int) -> None:
        """Say that a signal is about to be sent from here, so that it is nobody else's."""
        self._own_signals.append(number)

    def lose(self) -> None:
        """Take note that the engine has gone."""
        self._is_lost = True

    @property
    def is_lost(self) -> bool:
        """Tell whether the engine has stopped to answer before it told the container's end."""
        return self._is_lost

    def end(self) -> ContainerEnd:
        """Return what has been heard."""
        others = list(self._signals)
        for number in self._own_signals:
            with contextlib.suppress(ValueError):
                others.remove(number)
        return ContainerEnd(
            exit_code=self._exit_code,
            is_out_of_memory=self._is_out_of_memory,
            signals=tuple(others),
            is_engine_lost=self._is_lost,
        )

    def _follow(self) -> None:
        from docker.errors import NotFound

        for attempt in range(_TRIES):
            try:
                self._listen()
                if self.removed.is_set():
                    return
                self._client.api.inspect_container(
                    self._container
                )  # it may have ended between two connections
            except NotFound:
                self.ended.set()
                self.removed.set()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the container is no longer watched
                if not is_of_engine(error):
                    break
            if attempt < _TRIES - 1:
                time.sleep(_PAUSE * 2**attempt)
        self._is_lost = True

    def _listen(self) -> None:
        self._signals.clear()  # the engine tells all of them again
        events: Any = self._client.api.events(
            since=self._since, filters={"container": self._container, "type": "container"}, decode=True
        )
        with contextlib.closing(events):
            for event in events:
                self._take(str(event.get("Action", "")), (event.get("Actor") or {}).get("Attributes") or {})
                if self.removed.is_set():
                    return

    def _take(self, action: str, attributes: Mapping[str, str]) -> None:
        if action == "oom":
            self._is_out_of_memory = True
        elif action == "kill":
            number = attributes.get("signal", "")
            self._signals.append(int(number) if number.isdigit() else 0)
        elif action in _ENDS:
            code = attributes.get("exitCode") or attributes.get("containerExitCode")
            self._exit_code = None if code is None else int(code)
            self.ended.set()
        elif action in _REMOVALS:
            self.removed.set()
