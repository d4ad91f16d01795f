"""Take all facts of a machine at once: a thread a part, so that what hangs costs its own part alone."""

from __future__ import annotations

import os
import platform
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api.facts import Cpu, Interpreter, MachineFacts, Memory, Nvidia, Platform, Unread
from envkit.machine.files import Files
from envkit.machine.interpreters import read_python
from envkit.machine.operating_system import read_platform
from envkit.machine.parts import IMMEDIATE, NETWORK, PARTS, READERS, Sources
from envkit.machine.process import ProcessOutput, RunProcess, run_process
from envkit.machine.spelling import spelled_out
from envkit.machine.variables import read_variables
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from envkit.machine.network import NetworkPlan
    from envkit.machine.torch_sites import TorchPlace

    Sites = Mapping[str, TorchPlace] | Callable[[], Mapping[str, TorchPlace]]

TIMEOUT_SECONDS = 5.0
# What the reader of a killed program gets to say so before nobody listens any more: more than a busy machine takes.
_LAST_WORDS_SECONDS = 0.6

# What stands in the facts for a part that gave no answer and that they cannot be without.
_NOTHING: Mapping[str, Any] = {
    "python": Interpreter(path="", version="", implementation="", is_64bit=True),
    "platform": Platform(system="", machine="", kernel=""),
    "cpu": Cpu(),
    "memory": Memory(),
    "nvidia": Nvidia(),
}


@dataclass(frozen=True)
class _Answer:
    """What a part has read, and what it could not."""

    values: Mapping[str, Any]
    unread: tuple[Unread, ...]


def _now() -> datetime:
    return datetime.now(UTC)


class FactsReader:
    """Read the parts of a machine's facts beside each other; whoever needs a part waits for that one alone.

    ``root`` is where the kernel's files are read from, ``places`` the folders whose disks are wanted, by their
    purpose, ``sites`` the places where torch is looked for or what finds them, ``network`` what is reached for
    over it.
    Each part gets ``timeout`` seconds from ``start`` on. Nothing here raises an error for what the machine
    is: what cannot be read is in ``unread``, with the reason.
    """

    def __init__(
        self,
        *,
        root: Path = Path("/"),
        environ: Mapping[str, str] = os.environ,
        places: Mapping[str, Path] | None = None,
        sites: Sites | None = None,
        network: NetworkPlan | None = None,
        parts: Collection[str] = PARTS,
        run_process: RunProcess = run_process,
        uname: Callable[[], platform.uname_result] = platform.uname,
        now: Callable[[], datetime] = _now,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        wanted = {*IMMEDIATE, *parts} if network is None else {*IMMEDIATE, *parts, NETWORK}
        self._parts = tuple(part for part in (*PARTS, NETWORK) if part in wanted)
        self._root = root
        self._environ = dict(environ)  # no thread may meet a change of it
        self._places = places or {}
        self._find_sites = sites if callable(sites) else lambda: sites or {}
        self._network = network
        self._run_process = run_process
        self._uname = uname
        self._now = now
        self._timeout = timeout
        self._deadline: float | None = None
        self._taken_at = ""
        self._answers: dict[str, _Answer] = {}
        self._ends: dict[str, threading.Event] = {}

    def start(self) -> None:
        """Begin to read all parts; a second call changes nothing."""
        if self._deadline is not None:
            return
        self._deadline = time.monotonic() + self._timeout
        self._taken_at = self._now().isoformat(timespec="seconds")
        for part, read in (
            ("python", lambda _: read_python(environ=self._environ)),
            ("platform", lambda files: read_platform(files, environ=self._environ, uname=self._uname)),
            ("variables", lambda _: read_variables(self._environ)),
        ):
            self._answers[part] = self._read(part, read)
        system = self._answers["platform"].values.get("platform", _NOTHING["platform"])
        for part in self._parts:
            if part not in IMMEDIATE:
                self._start_thread(part, system)

    def facts(self, *parts: str) -> MachineFacts:
        """Return these parts of the facts, all where none is named, once each is read or out of time.

        Python, platform and variables are always among them. Raises: ValueError for a part that there is not.
        """
        if unknown := {*parts} - {*PARTS, NETWORK}:
            raise ValueError(f"no part of a machine's facts: {', '.join(sorted(unknown))}")
        self.start()
        asked = [part for part in self._parts if not parts or part in IMMEDIATE or part in parts]
        answers = [self._await(part) for part in asked]
        values = dict(_NOTHING)
        for answer in answers:
            values |= answer.values
        return MachineFacts(
            **values,
            taken_at=self._taken_at,
            parts=tuple(asked),
            unread=tuple(each for answer in answers for each in answer.unread),
        )

    def _start_thread(self, part: str, system: Platform) -> None:
        ended = self._ends[part] = threading.Event()

        def read(files: Files) -> Any:
            return READERS[part](
                Sources(
                    files=files,
                    platform=system,
                    environ=self._environ,
                    places=self._places,
                    find_sites=self._find_sites,
                    network=self._network,
                    run_process=self._run_in_time,
                )
            )

        def work() -> None:
            answer = self._read(part, read)
            self._answers.setdefault(part, answer)  # one that was given up stays so
            ended.set()

        try:
            threading.Thread(target=work, name=f"facts of {part}", daemon=True).start()
        except RuntimeError as error:  # as many processes as this user may have
            self._answers[part] = _no_answer(part, str(error))
            ended.set()

    def _read(self, part: str, read: Callable[[Files], Any]) -> _Answer:
        files = Files(self._root, part=part)
        try:
            values = {part: spelled_out(read(files))}
            return _Answer(values=values, unread=spelled_out(files.unread))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other parts are still wanted
            whole = _no_answer(part, mask_secrets(f"{type(error).__name__}: {error}".rstrip(": ")))
            return _Answer(values={}, unread=spelled_out((*files.unread, *whole.unread)))

    def _await(self, part: str) -> _Answer:
        if part in self._ends:
            assert self._deadline is not None
            self._ends[part].wait(max(0.0, self._deadline - time.monotonic()))
        return self._answers.setdefault(part, _no_answer(part, f"no answer in {self._timeout:g} s"))

    def _run_in_time(
        self, cmd: Sequence[str], *, environ: Mapping[str, str], timeout: float
    ) -> ProcessOutput:
        """Run a program that ends before its part's time does, so that what is known by then is told."""
        assert self._deadline is not None
        left = self._deadline - time.monotonic() - _LAST_WORDS_SECONDS
        if left <= 0:
            raise TimeoutError("no time was left to ask it")
        output = self._run_process(cmd, environ=environ, timeout=min(timeout, left))
        if output.status is None and left < timeout:
            raise TimeoutError(f"it did not answer in {left:.1f} s")
        return output


def _no_answer(part: str, why: str) -> _Answer:
    what = part.replace("_", " ")
    return _Answer(values={}, unread=(Unread(what=what, why=why, part=part, is_whole=True),))


def read_all_facts(
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    places: Mapping[str, Path] | None = None,
    sites: Sites | None = None,
    network: NetworkPlan | None = None,
) -> MachineFacts:
    """Return all facts of this machine, in little more than the time of the part that takes longest."""
    reader = FactsReader(root=root, environ=environ, places=places, sites=sites, network=network)
    return reader.facts()
