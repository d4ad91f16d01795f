"""Whether the installed plugins work: each loads, alone under its name, with what it asks for, and lightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api.checks import Check, CheckContext, Finding, PluginState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.doctor.surroundings import Surroundings

_NEEDS = ("plugins",)


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of plugins; each speaks of every plugin that it finds something wrong with."""
    made: tuple[tuple[str, str, Callable[[CheckContext], Iterator[Finding]]], ...] = (
        ("plugin.load", "Every plugin can be loaded", find_broken),
        ("plugin.conflict", "No two plugins claim one name", find_conflicts),
        ("plugin.requirements", "Every plugin has what its metadata ask for", find_unmet),
        ("plugin.heavy", "No plugin slows envkit down", find_heavy),
        ("plugin.import", "No plugin does more than it should when it is imported", find_meddling),
    )
    return tuple(Check(id=name, summary=summary, needs=_NEEDS, run=run) for name, summary, run in made)


def find_broken(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each plugin that cannot be loaded."""
    used = [each for each in context.plugins if each.state not in ("disabled", "overruled")]
    broken = [each for each in used if each.state in ("broken", "silent")]
    for state in broken:
        how = "cannot be loaded" if state.state == "broken" else "is not loaded in time"
        problem = state.problem or ""
        yield Finding(
            severity="error",
            summary=problem if _name(state) in problem else f"{_name(state)} {how}: {problem}",
            evidence=(_claim(state),),
            fix=f"{_tell(state)}, or do without it: envkit plugin remove {state.plugin}",
        )
    if not broken:
        count = len({state.plugin for state in used})
        yield Finding(
            severity="ok",
            summary=f"All {count} plugins can be loaded" if count > 1 else "Every plugin can be loaded",
            evidence=tuple(
                f"{_name(state)}: {_claim(state)}"
                + (f", {state.milliseconds:.0f} ms" if state.milliseconds else "")
                + "".join(f", without {package}: {first} came first" for package, first in state.shared)
                for state in used
            ),
        )
    for state in context.plugins:
        if state.state == "disabled":
            yield Finding(
                severity="info",
                summary=f"You do without {_name(state)}: {state.problem}",
                evidence=(_claim(state),),
                fix=f"To use it again: take {state.plugin} or {state.name} out of ENVKIT_DISABLE_PLUGINS",
            )


def find_conflicts(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each name that several claim, and for each that a setting gives to one of them."""
    conflicts: dict[str, list[PluginState]] = {}
    for state in context.plugins:
        if state.state == "conflict":
            conflicts.setdefault(state.problem or "", []).append(state)
        elif state.state == "overruled":
            yield Finding(
                severity="info",
                summary=f"{_name(state)} is not used: {state.problem}",
                evidence=(_claim(state),),
                fix=f"To take it from there: envkit config unset plugins.prefer.{state.name}",
            )
    for problem, claims in conflicts.items():
        yield Finding(
            severity="error",
            summary=problem,
            evidence=("Neither is chosen: the name cannot be used.",),
            fix=_decide(claims),
        )


def _decide(claims: Sequence[PluginState]) -> str:
    first, last = claims[0], claims[-1]
    removal = f"envkit plugin remove {last.plugin}"
    if first.kind == "extension":  # no setting gives the id of a check to one of two
        return f"Do without one: {removal}"
    return f"Say which is meant: envkit config set plugins.prefer.{first.name} {first.plugin}\nOr do without one: {removal}"


def find_unmet(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each plugin that is not made for what is installed here."""
    for state in context.plugins:
        if state.state == "incompatible":
            yield Finding(
                severity="error",
                summary=f"{_name(state)}: {state.problem}",
                evidence=(_claim(state),),
                fix=f"envkit plugin install --upgrade {state.plugin}",
            )


def find_heavy(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each plugin whose light half is not light."""
    for state in context.plugins:
        if state.heavy:
            took = f" and takes {state.milliseconds:.0f} ms" if state.milliseconds else ""
            yield Finding(
                severity="warn",
                summary=f"{_name(state)} imports {' and '.join(state.heavy)} where envkit only reads its options{took}",
                evidence=(_claim(state),),
                fix=f"{_tell(state)}: what needs {state.heavy[0]} belongs into the functions of its hooks",
            )


def find_meddling(context: CheckContext) -> Iterator[Finding]:
    """Yield a finding for each plugin whose import prints, warns or changes what is not its own."""
    for state in context.plugins:
        if state.remarks:
            yield Finding(
                severity="warn",
                summary=f"Importing {_name(state)} {' and '.join(state.remarks)}, which no import should",
                evidence=(_claim(state),),
                fix=f"{_tell(state)}: that belongs into the functions of its hooks",
            )


def _name(state: PluginState) -> str:
    return f"{state.plugin} {state.version}"


def _claim(state: PluginState) -> str:
    return f"the {state.kind} {state.name!r}"


def _tell(state: PluginState) -> str:
    if state.source_dir is not None:
        return f"Mend it in {state.source_dir}"
    return f"Tell its author ({state.tracker})" if state.tracker else "Tell its author"
