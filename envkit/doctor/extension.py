"""The checks that extensions hand in: run in a process of their own, never in the doctor's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from envkit.api.checks import Check, CheckContext, Finding, PluginState
from envkit.doctor.plugin_process import NoAnswer, PluginProcess
from envkit.doctor.plugin_records import EntryRecord, Found, RunCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from envkit.doctor.plugin_states import PluginReport

RUN_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class ForeignCheck(Check):
    """A check of an extension: ``plugin`` is its distribution. It keeps its own time limit."""

    plugin: str


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """What extensions hand in: the checks that can be run, and the states with what is wrong with the others."""

    checks: tuple[ForeignCheck, ...]
    states: tuple[PluginState, ...]
    processes: tuple[PluginProcess, ...] = ()

    def stop(self) -> None:
        """End the processes of the checks; none of them is waited for."""
        for process in self.processes:
            process.abandon()


def take_checks(
    report: PluginReport,
    *,
    taken: Collection[str],
    timeout: float = RUN_SECONDS,
    new_process: Callable[[], PluginProcess] = PluginProcess,
) -> Foreign:
    """Return the checks of extensions; ``taken`` are envkit's own ids. Of two claims to an id neither counts."""
    claims: dict[str, list[EntryRecord]] = {}
    for entry, record in report.checks:
        claims.setdefault(record.id, []).append(entry)
    faults: dict[tuple[str, str], list[str]] = {}
    processes: dict[EntryRecord, PluginProcess] = {}
    checks = []
    for entry, record in report.checks:
        rivals = ["envkit itself"] if record.id in taken else []
        rivals += [each.source for each in claims[record.id]]
        if len(rivals) > 1:
            fault = f"the check {record.id!r} is claimed by {' and by '.join(rivals)}"
            faults.setdefault((entry.plugin, entry.name), []).append(fault)
            continue
        process = processes[entry] = processes.get(entry) or new_process()
        checks.append(
            ForeignCheck(
                id=record.id,
                summary=record.summary,
                needs=record.needs,
                cost=record.cost,
                network=record.network,
                link=record.link or entry.tracker,
                plugin=entry.plugin,
                run=partial(_run, process, entry, record.id, timeout),
            )
        )
    return Foreign(
        checks=tuple(checks),
        states=tuple(_with_faults(state, faults) for state in report.states),
        processes=tuple(processes.values()),
    )


def _run(
    process: PluginProcess, entry: EntryRecord, check: str, timeout: float, context: CheckContext
) -> Iterator[Finding]:
    request = RunCheck(
        entry=entry,
        check=check,
        facts=context.facts,
        plugins=context.plugins,
        is_elsewhere=context.is_elsewhere,
    )
    try:
        found = process.ask(request, Found, timeout=timeout)
    except NoAnswer as none:
        found = Found(
            problem=f"the check gave {none.why}" if none.is_late else f"the check failed: {none.why}"
        )
    if found.problem is not None:
        tell = f"Tell its author: {entry.tracker}" if entry.tracker else f"Tell the author of {entry.plugin}"
        if entry.source_dir is not None:
            tell = f"Mend it in {entry.source_dir}"
        yield Finding(
            severity="crash",
            summary=found.problem,
            evidence=(f"a check of {entry.source}",),
            fix=f"{tell}. All other checks work on.",
            plugin=entry.plugin,
            id=check,
        )
    for finding in found.findings:
        yield msgspec.structs.replace(finding, id=check, plugin=entry.plugin)


def _with_faults(state: PluginState, faults: dict[tuple[str, str], list[str]]) -> PluginState:
    found = faults.get((state.plugin, state.name), []) if state.kind == "extension" else []
    if not found or state.state != "ok":
        return state
    return msgspec.structs.replace(state, state="conflict", problem="; ".join(found))
