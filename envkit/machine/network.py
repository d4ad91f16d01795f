"""Ask the addresses that packages and models come from: are they reached, and what is in the way if not."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.api import DEFAULT_MODEL
from envkit.api.facts import Reach
from envkit.masking import mask_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.network_way import Way

# What is asked for below an address, until one is there: what every address of the kind has, and itself. A
# private index need not have pip, nor a folder of wheels one for the CPU.
_ASKED = {
    "package index": ("pip/", ""),
    "torch index": ("cpu/torch/", ""),
    "model hub": (f"{DEFAULT_MODEL}/resolve/main/config.json", ""),
    "conda channel": ("noarch/repodata.json.zst", "noarch/repodata.json", ""),
}
# A server that answers this is there: the name behind it is not.
_NOT_THERE = (404, 405, 410)


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """What is asked, and how: ``addresses`` by what they are, as ``Reach.what`` has it.

    ``extra_indexes`` are further package indexes, named by ``extra_source``. ``proxy``, ``certificates`` (a file or folder),
    ``client_certificate`` and ``trusted_hosts`` are those of pip's configuration, and count for what is in
    ``pip_asks``; variables are read when the addresses are asked. ``sources`` names for what is asked the setting
    that gave it, ``timeout`` is in seconds, for all together. Addresses may hold passwords.
    """

    addresses: Mapping[str, str] = field(repr=False)
    extra_indexes: tuple[str, ...] = field(default=(), repr=False)
    extra_source: str | None = None
    proxy: str | None = field(default=None, repr=False)
    certificates: Path | None = None
    certificates_source: str | None = None
    client_certificate: Path | None = None
    trusted_hosts: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    pip_asks: tuple[str, ...] = ("package index", "torch index")
    timeout: float = 4.7  # a little less than facts wait for it


def read_network(
    plan: NetworkPlan, *, environ: Mapping[str, str], root: Path = Path("/")
) -> tuple[Reach, ...]:
    """Ask all addresses at once, each in a thread of its own, and return how each was reached.

    ``root`` is where the system's certificates are looked for. What has not answered at the time limit is let
    go, and said to be late.
    """
    asked = [(what, address, plan.sources.get(what)) for what, address in plan.addresses.items()]
    asked += [("package index", each, plan.extra_source) for each in plan.extra_indexes]
    deadline = time.monotonic() + plan.timeout
    attempts = [_Attempt(*each, plan, environ, root, deadline) for each in asked]
    for attempt in attempts:
        attempt.start()
    return tuple(attempt.reach() for attempt in attempts)


class _Attempt:
    """One address being asked: a thread that nobody waits for longer than agreed."""

    def __init__(
        self,
        what: str,
        address: str,
        source: str | None,
        plan: NetworkPlan,
        environ: Mapping[str, str],
        root: Path,
        deadline: float,
    ) -> None:
        self._what, self._address, self._source = what, address, source
        self._plan, self._environ, self._root, self._deadline = plan, environ, root, deadline
        self._doing = ""
        self._proxy: str | None = None
        self._trust: str | None = None
        self._found: Reach | None = None
        self._thread = threading.Thread(target=self._run, name=f"envkit {what}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def reach(self) -> Reach:
        self._thread.join(max(self._deadline - time.monotonic(), 0.0))
        if self._found is not None:
            return self._found
        if self._doing == "looking up the name":
            return self._reach("no name", "no name server answers", cause="no name server")
        return self._reach("timeout", f"no answer in {self._plan.timeout:g} s, while {self._doing}")

    def _say(self, doing: str) -> None:
        self._doing = doing

    def _run(self) -> None:
        try:
            self._found = self._ask()
        except Exception as error:  # noqa: BLE001 - a thread has nobody else who would hear it
            self._found = self._reach("failed", f"{type(error).__name__}: {error}")

    def _ask(self) -> Reach:
        # ssl and http take a twentieth of a second, which only who asks the network pays.
        from envkit.machine.network_trust import UnusableCertificates
        from envkit.machine.network_way import Unreached

        started = time.monotonic()
        try:
            parts = urlsplit(self._address)
            is_address = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
        except ValueError:
            is_address = False
        if self._address.startswith("file:"):
            return self._look_at_folder()
        if not is_address:
            return self._reach("failed", "this is no address, which begins with https://", cause="no address")
        try:
            status = self._ask_in_turn()
        except Unreached as error:
            return self._reach(error.state, error.detail, cause=error.cause, status=error.status)
        except UnusableCertificates as error:
            return self._reach("certificate", str(error), cause="no file")
        except TimeoutError:
            return self._reach("timeout", f"no answer in {self._plan.timeout:g} s")
        if status >= 400:
            return self._reach("status", _status_words(status), status=status)
        seconds = round(time.monotonic() - started, 3)
        # What lies behind another kind of proxy is beyond the standard library.
        is_halfway = self._proxy is not None and not self._proxy.startswith("http://")
        detail = f"reached as far as its proxy, in {seconds:.2g} s" if is_halfway else ""
        return self._reach("reached", detail, status=None if is_halfway else status, seconds=seconds)

    def _ask_in_turn(self) -> int:
        from envkit.machine.network_request import ask

        way = self._way()
        status = 404
        for path in _ASKED.get(self._what, ("",)):
            status = ask(_below(self._address, path), way=way)
            if status not in _NOT_THERE:
                break
        return status

    def _way(self) -> Way:
        from envkit.machine.network_route import choose_proxy
        from envkit.machine.network_trust import Trust, make_trust
        from envkit.machine.network_way import Way

        is_pips = self._what in self._plan.pip_asks

        def trust(host: str) -> Trust:
            made = make_trust(self._what, host, plan=self._plan, environ=self._environ, root=self._root)
            self._trust = made.named
            return made

        self._proxy = choose_proxy(
            urlsplit(self._address),
            environ=self._environ,
            of_pip=self._plan.proxy if is_pips else None,
        )
        return Way(
            proxy=self._proxy,
            trust=trust,
            environ=self._environ,
            deadline=self._deadline,
            say=self._say,
        )

    def _look_at_folder(self) -> Reach:
        folder = Path(unquote(urlsplit(self._address).path))
        if folder.exists():
            return self._reach("reached", "a folder of this machine", seconds=0.0)
        return self._reach("failed", f"there is no folder {folder}", cause="no folder")

    def _reach(self, state: str, detail: str, **more: object) -> Reach:
        return Reach(
            what=self._what,
            address=mask_address(self._address),
            state=state,  # type: ignore[arg-type]
            detail=detail,
            proxy=mask_address(self._proxy) if self._proxy else None,
            source=self._source,
            trust=self._trust,
            **more,  # type: ignore[arg-type]
        )


def _below(address: str, path: str) -> str:
    parts = urlsplit(address)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{path}").geturl()


def _status_words(status: int) -> str:
    said = {
        401: "asks for a user and a password",
        403: "refuses access",
        404: "has nothing there",
        429: "has been asked too often",
    }
    return f"{said.get(status, 'answers with an error')} ({status})"
