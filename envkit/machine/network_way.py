"""A connection to an address of the network, and the words for why there is none."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.api.facts import ReachState
    from envkit.machine.network_trust import Trust


class Unreached(Exception):
    """Report why an address was not reached, in the words of ``Reach``."""

    def __init__(self, state: ReachState, detail: str, *, cause: str = "", status: int | None = None) -> None:
        super().__init__(detail)
        self.state: ReachState = state
        self.detail = detail
        self.cause = cause
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Way:
    """How an address is asked: through which proxy, trusting whom, until when on the clock of ``time.monotonic``.

    ``say`` hears what is being done, for whoever gives up waiting.
    """

    proxy: str | None
    trust: Callable[[str], Trust]
    environ: Mapping[str, str]
    deadline: float
    say: Callable[[str], None] = lambda doing: None

    def left(self) -> float:
        """Return the seconds left. Raises: TimeoutError."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def connected(host: str, port: int, way: Way) -> socket.socket:
    """Return a connection to one of the host's addresses. Raises: Unreached."""
    way.say("looking up the name")
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        is_silent = error.errno == socket.EAI_AGAIN
        detail = "no name server answers" if is_silent else f"the name {host} is not known here"
        raise Unreached("no name", detail, cause="no name server" if is_silent else "unknown") from None
    except (UnicodeError, OSError) as error:
        raise Unreached("no name", f"{host} is no name: {words_of(error)}", cause="unknown") from None
    way.say(f"connecting to {host}:{port}")
    worst: OSError = TimeoutError()
    for number, (family, kind, protocol, _, place) in enumerate(places):
        try:
            # An address of IPv6 that leads nowhere leaves time for the next.
            seconds = way.left() / (len(places) - number)
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            worst = error
            continue
        try:
            sock.settimeout(seconds)
            sock.connect(place)
        except OSError as error:
            sock.close()
            worst = error
            continue
        return sock
    if isinstance(worst, TimeoutError):
        raise Unreached("timeout", f"nothing answers at {host}:{port}")
    if isinstance(worst, ConnectionRefusedError):
        raise Unreached("refused", f"nothing listens at {host}:{port}")
    raise Unreached("failed", f"no way to {host}:{port}: {words_of(worst)}", cause="no way")


def words_of(error: BaseException) -> str:
    """Return what an error of the system says."""
    said = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
    return str(said).strip() or type(error).__name__
