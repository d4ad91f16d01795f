"""Load plugins one after the other in a process that they share; one that fails there is tried again alone.

Where all is well there is one process. What fails beside others and works alone was broken by one of them: which,
is found by halves.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from envkit.doctor.plugin_process import NoAnswer
from envkit.doctor.plugin_records import Entries, ListEntries, Loaded, LoadEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envkit.doctor.plugin_process import PluginProcess
    from envkit.doctor.plugin_records import EntryRecord

_Load = Loaded | NoAnswer


class PluginTrials:
    """Tries entries, each for ``timeout`` seconds, until ``all_seconds`` have gone by."""

    def __init__(
        self,
        process: PluginProcess,
        *,
        timeout: float,
        all_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._process = process
        self._timeout = timeout
        self._clock = clock
        self._end = clock() + all_seconds
        self._beside: list[EntryRecord] = []  # what the process that runs has loaded, or tried to
        self._late: list[str] = []
        self._is_new = False

    def load_all(self, entries: Sequence[EntryRecord]) -> list[tuple[EntryRecord, _Load]]:
        """Return each entry with how its loading went."""
        loads: dict[int, _Load] = {}
        for number, entry in enumerate(entries):
            load = self._ask(entry)
            others = [each for each in self._beside if each != entry]
            if others and _is_failure(load) and self._left() > 0:
                load, why = self._ask_alone(entry), _why(load)
                if not _is_failure(load):
                    load = self._blame(entries, loads, _Victim(entry, load, why, others))
            loads[number] = load
            if isinstance(load, NoAnswer) or load.heavy:
                self._restart()  # in a new one, the next that imports what is heavy is seen to
        return [(entry, loads[number]) for number, entry in enumerate(entries)]

    def _ask(self, entry: EntryRecord) -> _Load:
        if not entry.is_used:
            return Loaded()
        if self._left() <= 0:
            before = " and ".join(dict.fromkeys(self._late)) or "the plugins before it"
            return NoAnswer(f"not tried: {before} took all the time", is_late=True)
        self._beside.append(entry)
        try:
            if self._is_new:  # its start is not the plugin's, and takes none of the plugin's time
                self._process.ask(ListEntries(), Entries, timeout=self._left())
                self._is_new = False
            return self._process.ask(LoadEntry(entry=entry), Loaded, timeout=max(self._left(), 0.1))
        except NoAnswer as none:
            if none.is_late:
                self._late.append(entry.source)
            return none

    def _ask_alone(self, entry: EntryRecord) -> _Load:
        self._restart()
        return self._ask(entry)

    def _blame(self, entries: Sequence[EntryRecord], loads: dict[int, _Load], victim: _Victim) -> _Load:
        """Say who broke it, of those before it; return its own verdict."""
        culprit = self._find_culprit(victim.entry, victim.others)
        if culprit is None:
            remark = f"fails beside other plugins ({victim.why}) and works alone"
            return replace(victim.load, remarks=(*victim.load.remarks, remark))
        number = entries.index(culprit)
        load = loads[number]
        if isinstance(load, Loaded) and not load.problem:
            problem = f"it breaks {victim.entry.source}, which works without it: {victim.why}"
            loads[number] = replace(load, problem=problem, state="broken")
        return victim.load

    def _find_culprit(self, entry: EntryRecord, others: Sequence[EntryRecord]) -> EntryRecord | None:
        """Return the one that lets this entry fail where both are alone; None where none does, or time is up."""
        suspects = list(others)
        while self._left() > 0:
            half = suspects[: max(1, len(suspects) // 2)]
            fails = self._fails_after(entry, half)
            if len(suspects) == 1:
                return suspects[0] if fails else None
            suspects = half if fails else suspects[len(half) :]
        return None

    def _fails_after(self, entry: EntryRecord, others: Sequence[EntryRecord]) -> bool:
        left = list(others)
        # One that takes the process down itself has nobody after it: the others are tried without it.
        while (fatal := self._load_fresh(left)) is not None:
            left.remove(fatal)
        load = self._ask(entry)
        self._restart()
        return self._left() > 0 and _is_failure(load)

    def _load_fresh(self, others: Sequence[EntryRecord]) -> EntryRecord | None:
        """Load these in a new process; return the first that gives no answer, with which that process is gone."""
        self._restart()
        return next((other for other in others if isinstance(self._ask(other), NoAnswer)), None)

    def _left(self) -> float:
        return min(self._timeout, round(self._end - self._clock(), 1))

    def _restart(self) -> None:
        self._process.stop()
        self._beside.clear()
        self._is_new = True


class _Victim:
    """An entry that works alone, and ``why`` it did not after the ``others``."""

    def __init__(
        self, entry: EntryRecord, load: Loaded | NoAnswer, why: str, others: list[EntryRecord]
    ) -> None:
        assert isinstance(load, Loaded)
        self.entry = entry
        self.load = load
        self.why = why
        self.others = others


def _is_failure(load: _Load) -> bool:
    """Tell whether another plugin may be behind it: not where the module itself is not as the API asks."""
    return isinstance(load, NoAnswer) or load.has_raised


def _why(load: _Load) -> str:
    return load.why if isinstance(load, NoAnswer) else load.problem or ""
