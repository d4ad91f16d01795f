"""Load plugins and run their checks in a process of its own: a bad one can hang, exit and print as it likes.

Requests come line by line on standard input, answers go line by line to where standard output was; what plugins
print goes nowhere. The doctor ends it by closing its input, or by a signal.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import EnvkitError
from envkit.api.checks import Check, CheckContext, Finding, Severity
from envkit.api.facts import MachineFacts
from envkit.doctor.plugin_records import (
    Asked,
    CheckRecord,
    Entries,
    EntryRecord,
    Found,
    ListEntries,
    Loaded,
    LoadEntry,
    Request,
    RunCheck,
)
from envkit.doctor.shared_imports import SharedImports
from envkit.registry import (
    Entry,
    Extension,
    ExtensionEntry,
    StandingEntry,
    TaskEntry,
    describe,
    find_standings,
    load_entry,
    load_extension,
    source_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Longer than any doctor lives: the end of a process that hangs and whose doctor was killed.
_LIFE_SECONDS = 90
# What takes seconds to import, or hundreds of megabytes: the worker's half of a plugin alone may.
_HEAVY = (
    "torch", "transformers", "tensorflow", "jax", "numpy", "pandas", "scipy", "sklearn", "datasets", "tokenizers",
    "spacy", "pyarrow", "docker",
)  # fmt: skip
# Of what one check finds, a screen's length.
_MOST_FINDINGS = 20
# From the best to the worst.
_SEVERITIES: tuple[Severity, ...] = ("ok", "info", "skip", "crash", "warn", "error")
_OWN = "envkit-ml"
_TORCH = re.compile(r"torch(?![\w.-])")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OF_EXTRA = re.compile(r";.*\bextra\s*==")
_CHECK_ID = re.compile(r"[A-Za-z0-9-]+\.[A-Za-z0-9-]+")
_PARTS = frozenset(MachineFacts.__struct_fields__) | {"plugins"}
_EXTENSIONS: dict[tuple[str, str], Extension] = {}
_SHARED = SharedImports()


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.dup(1)  # not inherited by what plugins start
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(nowhere, 0)
    signal.alarm(_LIFE_SECONDS)
    decoder = msgspec.json.Decoder(Request)
    for line in requests:
        answer = msgspec.json.encode(_answer(decoder.decode(line)))
        _write(answers, answer + b"\n")


def _write(answers: int, text: bytes) -> None:
    while text:
        text = text[os.write(answers, text) :]


def _answer(request: Request) -> Entries | Loaded | Found:
    match request:
        case ListEntries():
            return list_installed()
        case LoadEntry():
            return _load(_find(request.entry))
        case RunCheck():
            return _run(request)


def list_installed() -> Entries:
    """Return what is installed, and the torch that envkit itself asks for."""
    try:
        lines = metadata.distribution(_OWN).requires or ()
    except metadata.PackageNotFoundError:  # envkit runs from its source
        lines = ()
    torch = next((line for line in lines if _TORCH.match(line)), "")
    return Entries(entries=tuple(_record(each) for each in _standings()), torch=torch)


@functools.cache  # each look reads the metadata of every distribution
def _standings() -> tuple[StandingEntry, ...]:
    # envkit's own work where this command works.
    return tuple(each for each in find_standings() if not each.entry.is_own)


def _record(standing: StandingEntry) -> EntryRecord:
    entry = standing.entry
    folder = source_folder(entry.distribution)
    return EntryRecord(
        kind="task" if isinstance(entry, TaskEntry) else "extension",
        name=entry.name,
        plugin=entry.plugin,
        version=entry.version,
        requires_python=entry.requires_python,
        tracker=entry.tracker,
        source_dir=None if folder is None else str(folder),
        standing=standing.standing,
        problem=standing.problem or None,
    )


def _find(record: EntryRecord) -> TaskEntry | ExtensionEntry:
    return next(each.entry for each in _standings() if _record(each) == record)


def _load(entry: TaskEntry | ExtensionEntry) -> Loaded:
    before, start = set(sys.modules), time.perf_counter()
    problem: str | None = None
    state = "broken"
    hooks: tuple[str, ...] = ()
    checks: list[CheckRecord] = []
    faults: list[str] = []
    remarks: tuple[str, ...] = ()
    has_raised = False
    try:
        if isinstance(entry, TaskEntry):
            task = load_entry(entry)
            hooks, remarks = task.hooks(), task.remarks
        else:
            extension = _extension(entry)
            hooks, remarks = extension.hooks(), extension.remarks
            if "envkit_checks" in hooks:
                checks, faults = _take_checks(extension)
    except EnvkitError as error:
        problem, state = error.message, str(getattr(error, "state", state))
        has_raised = error.__cause__ is not None
    milliseconds = (time.perf_counter() - start) * 1000
    return Loaded(
        problem=problem,
        state=state,
        asked=tuple(_asked(entry)),
        milliseconds=milliseconds,
        heavy=tuple(name for name in _HEAVY if name in sys.modules and name not in before),
        hooks=hooks,
        checks=tuple(checks),
        faults=tuple(faults),
        remarks=remarks,
        has_raised=has_raised,
        shared=_SHARED.add(str(entry), before=before),
    )


def _extension(entry: ExtensionEntry) -> Extension:
    """Return the extension, imported once. Raises: PluginError."""
    key = (entry.plugin, entry.name)
    if key not in _EXTENSIONS:
        _EXTENSIONS[key] = load_extension(entry)
    extension = _EXTENSIONS[key]
    if extension.fault is not None:
        raise extension.fault
    return extension


def _take_checks(extension: Extension) -> tuple[list[CheckRecord], list[str]]:
    """Return what can be run of what the extension gives, and what is wrong with the rest. Raises: PluginError."""
    taken: dict[str, CheckRecord] = {}
    faults = []
    for given in extension.checks():
        wrong = _find_wrong(given)
        if not wrong and given.id in taken:
            wrong = f"two checks with the id {given.id!r}"
        if wrong:
            faults.append(f"envkit_checks gives {wrong}")
        else:
            taken[given.id] = CheckRecord(
                id=given.id,
                summary=given.summary,
                needs=tuple(given.needs),
                cost=given.cost,
                network=given.network,
                link=given.link,
            )
    return list(taken.values()), faults


def _find_wrong(given: Any) -> str:
    """Return what keeps this from being a check; empty where nothing does."""
    if not issubclass(type(given), Check):
        return f"{type(given).__name__}, which is no Check"
    if not isinstance(given.id, str) or not _CHECK_ID.fullmatch(given.id):
        return f"a check with the id {given.id!r}, expected subject.what: letters, digits, dashes and one dot"
    if not isinstance(given.summary, str) or not given.summary.strip():
        return f"the check {given.id!r} without a summary"
    if not callable(given.run):
        return f"the check {given.id!r} whose run cannot be called"
    if isinstance(given.needs, str) or not set(given.needs) <= _PARTS:
        return f"the check {given.id!r} that needs {given.needs!r}, expected fields of MachineFacts"
    if given.cost not in ("light", "slow"):
        return f"the check {given.id!r} of the cost {given.cost!r}, expected 'light' or 'slow'"
    return ""


def _take(found: Iterable[object]) -> tuple[object, ...]:
    """Return the findings, of many the first, and one that counts the others and is as bad as the worst."""
    given = tuple(found)
    first, others = given[:_MOST_FINDINGS], given[_MOST_FINDINGS:]
    if len(others) < 2:
        return given
    told = {each.severity for each in others if isinstance(each, Finding)}
    severity: Severity = next((each for each in reversed(_SEVERITIES) if each in told), "info")
    return (*first, Finding(severity=severity, summary=f"and {len(others):,} more that this check found"))


def _run(request: RunCheck) -> Found:
    context = CheckContext(facts=request.facts, plugins=request.plugins, is_elsewhere=request.is_elsewhere)
    try:
        entry = _find(request.entry)
        assert isinstance(entry, ExtensionEntry)
        checks = [each for each in _extension(entry).checks() if getattr(each, "id", "") == request.check]
        found = _take(checks[0].run(context) or ())
    except EnvkitError as error:
        return Found(problem=error.message)
    except BaseException as error:  # noqa: BLE001 - sys.exit too: a bad check harms only itself
        return Found(problem=f"the check failed: {describe(error)}")
    try:
        # Encoding does not look at types, and a record can be made with any.
        return Found(findings=msgspec.convert(msgspec.to_builtins(found), type=tuple[Finding, ...]))
    except (msgspec.ValidationError, TypeError) as error:
        return Found(problem=f"the check gave no Finding: {error}")


def _asked(entry: Entry) -> Iterator[Asked]:
    """Yield what the distribution asks for, but for its extras."""
    for line in entry.distribution.requires or ():
        name = _NAME.match(line)
        if not _OF_EXTRA.search(line):
            yield Asked(line, _version(name[0]) if name else None)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
