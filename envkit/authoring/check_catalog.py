"""All checks of a plugin: what each is called, what it looks at, and in which order they are run."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.checks import Finding
from envkit.authoring import (
    hook_checks,
    import_checks,
    metadata_checks,
    module_checks,
    name_checks,
    requirement_checks,
)
from envkit.authoring.check_children import HEAVY, look_at_entry, weigh_entry
from envkit.registry import EXTENSIONS_GROUP, TaskEntry, find_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from envkit.authoring.check_records import Look, OptionRecord, Weight
    from envkit.authoring.check_subject import Subject
    from envkit.registry import AnyEntry


class Examination:
    """A plugin under examination: its modules are loaded once, by processes of their own, when first asked for."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @functools.cached_property
    def others(self) -> list[AnyEntry]:
        """Return what is installed here."""
        return find_entries()

    @property
    def entries(self) -> list[AnyEntry]:
        """Return the entries whose lines can be read."""
        return [entry for entry in self.subject.entries if entry.line_fault is None]

    @functools.cached_property
    def weights(self) -> list[tuple[AnyEntry, Weight]]:
        """Return what importing each entry's module costs."""
        path = self.subject.search_path
        return [(entry, weigh_entry(entry, search_path=path)) for entry in self.entries]

    @functools.cached_property
    def looks(self) -> list[tuple[AnyEntry, Look]]:
        """Return what is in each entry's module."""
        path = self.subject.search_path
        return [(entry, look_at_entry(entry, search_path=path)) for entry in self.entries]

    @property
    def looks_so_far(self) -> list[tuple[AnyEntry, Look]]:
        """Return the same without looking: nothing where nobody has asked yet."""
        return self.looks if "looks" in vars(self) else []

    @property
    def options(self) -> list[OptionRecord]:
        """Return the options of all its tasks, those of envkit's own left out: they are the same in each."""
        return [option for _, look in self.looks for option in look.options]

    def shown(self, place: str) -> str:
        """Return a file and a line as the author knows them."""
        file, mark, line = place.rpartition(":")
        return f"{self.subject.shown(file)}{mark}{line}" if mark else place

    def reworded(self, text: str) -> str:
        """Return a text with the plugin's files as the author knows them, wherever in it they stand."""
        site = self.subject.site
        if site is None:
            return text
        return re.sub(rf"{re.escape(str(site))}/[^\s:'\"(),]+", lambda m: str(self.subject.shown(m[0])), text)

    def is_both(self, entry: AnyEntry) -> bool:
        """Tell whether the entry's module is named in the other group as well."""
        return any(
            type(other) is not type(entry) and other.entry_point.value == entry.entry_point.value
            for other in self.entries
        )


@dataclass(frozen=True, kw_only=True)
class PluginCheck:
    """A check: ``run`` yields what it finds, nothing where all is as ``summary`` says."""

    id: str
    group: str
    summary: str
    run: Callable[[Examination], Iterable[Finding]]


def _of_subject(
    what: str, group: str, summary: str, check: Callable[[Subject], Iterable[Finding]]
) -> PluginCheck:
    return PluginCheck(
        id=f"check.{what}", group=group, summary=summary, run=lambda examination: check(examination.subject)
    )


def _taken(examination: Examination) -> Iterable[Finding]:
    return name_checks.check_taken(examination.subject, examination.others)


def _weight(examination: Examination) -> Iterator[Finding]:
    for entry, weight in examination.weights:
        yield from module_checks.judge_weight(entry, weight, shown=examination.shown)


def _time(examination: Examination) -> Iterator[Finding]:
    found = [finding for each in examination.weights for finding in module_checks.judge_time(*each)]
    yield from found
    if not found:
        evidence = tuple(
            f"{entry.entry_point.module}: {module_checks.weight_text(weight)}"
            for entry, weight in examination.weights
            if weight.problem is None
        )
        yield Finding(severity="ok", summary="its import is quick", evidence=evidence)


def _api_version(examination: Examination) -> Iterator[Finding]:
    for _, look in examination.looks:
        yield from module_checks.judge_api_version(look, shown=examination.shown)


def _loading(examination: Examination) -> Iterator[Finding]:
    for entry, look in examination.looks:
        is_said = any(_bad_hooks_of(examination, entry, look)) or any(
            module_checks.judge_api_version(look, shown=examination.shown)
        )
        is_said = is_said or (
            isinstance(entry, TaskEntry) and any(hook_checks.find_missing_hooks(look.hooks))
        )
        if look.missing in HEAVY:  # its weight says what to do
            summary = f"{entry.entry_point.module} was not looked at: it imports {look.missing}, not here"
            yield Finding(severity="skip", summary=summary)
            continue
        yield from module_checks.judge_loading(
            entry,
            look,
            shown=examination.shown,
            is_said=is_said,
            declared=examination.subject.place(entry.name, "Name"),
            meant=examination.subject.meant_module(entry.entry_point.module),
        )


def _deprecations(examination: Examination) -> Iterator[Finding]:
    for _, look in examination.looks:
        yield from module_checks.judge_deprecations(look)


def _of_options(
    judge: Callable[..., Iterator[Finding]],
) -> Callable[[Examination], Iterable[Finding]]:
    def run(examination: Examination) -> Iterator[Finding]:
        yield from judge(examination.options, shown=examination.shown)
        for entry, look in examination.looks:
            if isinstance(entry, TaskEntry) and not look.options:
                yield from _unseen(entry, look)

    return run


def _unseen(entry: AnyEntry, look: Look) -> Iterator[Finding]:
    """Yield that something was not looked at, where the module cannot be loaded; why is told by another check."""
    if look.problem is not None or look.refusal is not None:
        yield Finding(severity="skip", summary=f"not checked, {entry.entry_point.value} cannot be loaded")


def _bad_hooks_of(examination: Examination, entry: AnyEntry, look: Look) -> Iterator[Finding]:
    return hook_checks.find_bad_hooks(look.hooks, kind=entry.kind, is_both=examination.is_both(entry))


def _bad_hooks(examination: Examination) -> Iterator[Finding]:
    for entry, look in examination.looks:
        yield from _bad_hooks_of(examination, entry, look)
        if look.problem is not None:
            yield from _unseen(entry, look)


def _missing_hooks(examination: Examination) -> Iterator[Finding]:
    for entry, look in examination.looks:
        if look.problem is None and isinstance(entry, TaskEntry):
            yield from hook_checks.find_missing_hooks(look.hooks)
        elif isinstance(entry, TaskEntry):
            yield from _unseen(entry, look)


def _left_out_hooks(examination: Examination) -> Iterator[Finding]:
    for entry, look in examination.looks:
        if look.problem is None and isinstance(entry, TaskEntry):
            yield from hook_checks.find_left_out_hooks(look.hooks)
        elif isinstance(entry, TaskEntry):
            yield from _unseen(entry, look)


def _given(examination: Examination) -> Iterator[Finding]:
    for entry, look in examination.looks:
        if entry.entry_point.group == EXTENSIONS_GROUP and look.problem is None and look.refusal is None:
            if look.gives:
                given = ", ".join(f"{kind} {name}" for kind, name in look.gives)
                yield Finding(severity="ok", summary=f"it hands in: {given}")
            else:
                yield Finding(
                    severity="warn",
                    summary=f"the extension {entry.name} hands in nothing",
                    fix="Implement one of envkit_backends, envkit_checks and envkit_templates",
                )


CHECKS: tuple[PluginCheck, ...] = (
    _of_subject("name", "metadata", "the distribution is called envkit-…", metadata_checks.check_name),
    _of_subject("version", "metadata", "the version can be compared", metadata_checks.check_version),
    _of_subject("summary", "metadata", "a summary tells what it is for", metadata_checks.check_summary),
    _of_subject("licence", "metadata", "a licence is named", metadata_checks.check_licence),
    _of_subject(
        "licence-file", "metadata", "the licence's text is there", metadata_checks.check_licence_file
    ),
    _of_subject(
        "requires-python", "metadata", "the Pythons are named", metadata_checks.check_requires_python
    ),
    _of_subject(
        "requirement", "metadata", "envkit-ml is asked for, with bounds", requirement_checks.check_requirement
    ),
    _of_subject("train-extra", "metadata", "the extra train is there", requirement_checks.check_train_extra),
    _of_subject("entry-points", "metadata", "envkit finds it", metadata_checks.check_entry_points),
    _of_subject("tracker", "metadata", "users know where to report", metadata_checks.check_tracker),
    _of_subject("typed", "metadata", "its types are seen: py.typed", metadata_checks.check_typed),
    _of_subject("readme", "metadata", "a README describes it", metadata_checks.check_readme),
    _of_subject("module", "names", "the module is called as the package", name_checks.check_module),
    _of_subject("task-name", "names", "tasks have good names", name_checks.check_task_names),
    PluginCheck(id="check.name-taken", group="names", summary="nobody else has its names", run=_taken),
    _of_subject("private-imports", "code", "it imports what is public", import_checks.check_imports),
    PluginCheck(
        id="check.import-weight", group="code", summary="nothing heavy loads on the host", run=_weight
    ),
    PluginCheck(id="check.import-time", group="code", summary="its import is quick", run=_time),
    PluginCheck(
        id="check.api-version", group="code", summary="its API version is this one's", run=_api_version
    ),
    PluginCheck(id="check.loads", group="code", summary="its entry points load", run=_loading),
    PluginCheck(
        id="check.deprecations", group="code", summary="it uses nothing that goes away", run=_deprecations
    ),
    PluginCheck(
        id="check.option-help",
        group="options",
        summary="every option has help",
        run=_of_options(module_checks.judge_option_help),
    ),
    PluginCheck(
        id="check.option-types",
        group="options",
        summary="every option can be a flag",
        run=_of_options(module_checks.judge_option_types),
    ),
    PluginCheck(
        id="check.option-defaults",
        group="options",
        summary="every default fits",
        run=_of_options(module_checks.judge_option_defaults),
    ),
    PluginCheck(id="check.hooks", group="hooks", summary="hooks are as envkit calls them", run=_bad_hooks),
    PluginCheck(
        id="check.missing-hooks",
        group="hooks",
        summary="the hooks that it needs are there",
        run=_missing_hooks,
    ),
    PluginCheck(
        id="check.optional-hooks", group="hooks", summary="it has all other hooks too", run=_left_out_hooks
    ),
    PluginCheck(id="check.given", group="extension", summary="extensions hand something in", run=_given),
)
