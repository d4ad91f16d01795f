"""The hooks of a plugin, held against those that envkit calls: each problem on its own, with the nearest name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from envkit.api import hooks
from envkit.api.checks import Finding
from envkit.registry import EXTENSION_HOOKS, EXTENSIONS_GROUP, REQUIRED_TASK_HOOKS, TASK_HOOKS, TASKS_GROUP
from envkit.registry.hook_names import argument_faults, nearest_hook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.authoring.check_records import HookRecord

# What a user does without where a task leaves a hook out.
LOST = {
    "envkit_corpus": "envkit data check cannot look at its data",
    "envkit_predictor": "envkit predict and evaluate cannot use its models",
}


def find_bad_hooks(found: Sequence[HookRecord], *, kind: str, is_both: bool = False) -> Iterator[Finding]:
    """Yield a finding for each hook that would not be called as it is meant.

    ``kind`` is ``task`` or ``extension``; with ``is_both`` the module is named in both groups.
    """
    known: tuple[str, ...] = TASK_HOOKS if kind == "task" else EXTENSION_HOOKS
    if is_both:
        known = TASK_HOOKS + EXTENSION_HOOKS
    for record in found:
        if record.hook not in TASK_HOOKS + EXTENSION_HOOKS:
            fix = f"If it is none, take @hookimpl and the name envkit_ away; the hooks are {', '.join(known)}"
            near = nearest_hook(record.hook)
            meant = f"; is {near} meant?" if near else ""
            yield _error(record, f"{record.hook} is no hook of envkit{meant}", fix=fix)
        elif record.hook not in known:
            group = EXTENSIONS_GROUP if record.hook in EXTENSION_HOOKS else TASKS_GROUP
            yield _error(
                record,
                f"{record.hook} is called only in modules of the group {group}",
                fix=f'In pyproject.toml: [project.entry-points."{group}"]',
            )
        elif not record.is_marked:
            fix = "Write @hookimpl before it: from envkit.api import hookimpl"
            yield _error(
                record,
                f"{record.function} is not marked with @hookimpl, so it would never be called",
                fix=fix,
            )
        elif record.is_async:
            fix = f"Write: {signature_text(record.hook)}"
            yield _error(record, f"{record.function} is async; hooks are plain functions", fix=fix)
        else:
            yield from _arguments(record)


def find_missing_hooks(found: Sequence[HookRecord]) -> Iterator[Finding]:
    """Yield a finding for each hook that a task has to have and that is not there."""
    there = {record.hook for record in found}
    for hook in REQUIRED_TASK_HOOKS:
        if hook not in there:
            yield Finding(
                severity="error",
                summary=f"{hook} is not there, and every task needs it",
                evidence=_files(found),
                fix=f"Write it: {signature_text(hook)}",
            )


def find_left_out_hooks(found: Sequence[HookRecord]) -> Iterator[Finding]:
    """Yield what is lost for each hook that a task may leave out and that is not there."""
    there = {record.hook for record in found}
    for hook in TASK_HOOKS:
        if hook not in REQUIRED_TASK_HOOKS and hook not in there:
            yield Finding(
                severity="info",
                summary=f"{hook} is not there: {LOST.get(hook, 'what it serves is not offered')}",
                evidence=_files(found),
                fix=f"Write it: {signature_text(hook)}",
            )


def signature_text(hook: str) -> str:
    """Return how a hook is defined, in one line without types."""
    return f"def {hook}({', '.join(inspect.signature(getattr(hooks, hook)).parameters)})"


def _arguments(record: HookRecord) -> Iterator[Finding]:
    arguments = [
        inspect.Parameter(
            each.name,
            getattr(inspect.Parameter, each.kind),
            default=None if each.has_default else inspect.Parameter.empty,
        )
        for each in record.arguments
    ]
    for fault in argument_faults(record.hook, arguments):
        yield _error(record, fault, fix=f"Write: {signature_text(record.hook)}")


def _error(record: HookRecord, summary: str, *, fix: str) -> Finding:
    return Finding(
        severity="error", summary=summary, evidence=(record.place,) if record.place else (), fix=fix
    )


def _files(found: Sequence[HookRecord]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(record.place.rpartition(":")[0] for record in found if record.place))
