"""The light half of a plugin: what importing it costs, whether it loads, and how its options are described."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.checks import Finding
from envkit.api.versions import API_VERSION, version_text
from envkit.owner import upgrade_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.authoring.check_records import HeavyImport, Look, OptionRecord, Weight
    from envkit.registry import AnyEntry

    Shown = Callable[[str], str]

# Every command that names the task pays it. Counted against `import envkit.api`, which each of them pays anyway, so
# that the same plugin is judged the same on a slow machine.
TIME_SHARE = 1.0
LEAST_SECONDS = 0.02
MOST_MODULES = 80
_FORM = re.compile(r"(['\"])(\d{1,9}\.\d{1,9})\1")
_MOST_SHOWN = 10


def judge_weight(entry: AnyEntry, weight: Weight, *, shown: Shown) -> Iterator[Finding]:
    """Yield a finding for each heavy module that the import of the entry's module brings along."""
    for heavy in _outermost(weight):
        module = entry.entry_point.module
        why = (
            "which is for tests alone"
            if _is_for_tests(heavy.name, module)
            else "which only the worker should load"
        )
        yield Finding(
            severity="error",
            summary=f"importing {module} imports {heavy.name}, {why}",
            evidence=(shown(heavy.place),) if heavy.place else (),
            fix="Import it in the body of the hook that needs it, or in a module that only such bodies import",
        )


def _outermost(weight: Weight) -> Iterator[HeavyImport]:
    """Yield what the plugin itself imports; where that cannot be told, the first."""
    named = [each for each in weight.heavy if each.place]
    yield from named or weight.heavy[:1]


def judge_time(entry: AnyEntry, weight: Weight) -> Iterator[Finding]:
    """Yield a finding where an import that brings nothing heavy still takes long, or brings much."""
    if weight.problem is not None or weight.heavy:
        return  # that is said already, and weighs more
    budget = max(LEAST_SECONDS, TIME_SHARE * weight.bare_seconds)
    roots = sorted({name.partition(".")[0] for name in weight.modules})
    evidence = (
        weight_text(weight),
        f"modules: {', '.join(roots[:_MOST_SHOWN])}{' …' if len(roots) > _MOST_SHOWN else ''}",
    )
    fix = (
        "Import late what only the worker needs: python -X importtime -c 'import "
        + entry.entry_point.module
        + "'"
    )
    if weight.seconds > budget:
        yield Finding(
            severity="warn",
            summary=f"importing {entry.entry_point.module} takes {weight.seconds * 1000:.0f} ms, "
            f"more than the {budget * 1000:.0f} ms that it may",
            evidence=evidence,
            fix=fix,
        )
    elif len(weight.modules) > MOST_MODULES:
        yield Finding(
            severity="warn",
            summary=f"importing {entry.entry_point.module} loads {len(weight.modules)} modules, "
            f"more than the {MOST_MODULES} that it may",
            evidence=evidence,
            fix=fix,
        )


def weight_text(weight: Weight) -> str:
    """Return in one line what an import costs."""
    return (
        f"{weight.seconds * 1000:.1f} ms and {len(weight.modules)} modules, beside "
        f"{weight.bare_seconds * 1000:.0f} ms of envkit.api itself"
    )


def judge_api_version(look: Look, *, shown: Shown) -> Iterator[Finding]:
    """Yield a finding where the version of the API that the module states is none, or not this envkit's."""
    if look.problem is not None or look.api_version is None:
        return  # one that states none is taken as it is
    place = (shown(look.api_place),) if look.api_place else ()
    here = version_text(API_VERSION)
    found = _FORM.fullmatch(look.api_version)
    if found is None:
        yield Finding(
            severity="error",
            summary=f"api_version is {look.api_version}, expected a text such as {here!r}",
            evidence=place,
            fix=f'Write: api_version = "{here}"',
        )
        return
    wanted = tuple(int(part) for part in found[2].split("."))
    if wanted > API_VERSION or wanted[0] != API_VERSION[0]:
        yield Finding(
            severity="error",
            summary=f"it is made for version {found[2]} of envkit's API, here is {here}",
            evidence=place,
            fix=f"Upgrade envkit: {upgrade_command()}"
            if wanted > API_VERSION
            else f'Move to the newer API, then write: api_version = "{here}"',
        )


def judge_loading(
    entry: AnyEntry, look: Look, *, shown: Shown, is_said: bool, declared: str, meant: str
) -> Iterator[Finding]:
    """Yield why the entry cannot be loaded, and what loading it did that it should not.

    With ``is_said`` its hooks or its API version are said to be wrong already, which is why envkit refuses it.
    ``declared`` is the line that names the module, which is to blame where no line of the module's is; ``meant`` the
    module that it may mean.
    """
    if look.problem is not None:
        if look.place:
            fix = "Mend that line: every command that names it imports it"
        elif look.missing:
            fix = f'Name a module that is there: {entry.name} = "{meant}"'
        else:
            fix = f"To see where it ends, import it alone: python -X faulthandler -c 'import {entry.entry_point.module}'"
        yield Finding(
            severity="error",
            summary=f"{entry.entry_point.value} cannot be imported: {look.problem}",
            evidence=(shown(look.place) if look.place else declared,),
            fix=fix,
        )
    elif look.refusal is not None and not is_said:
        yield Finding(
            severity="error",
            summary=look.refusal,
            evidence=(shown(look.place),) if look.place else (),
            fix=f"Mend {'that line' if look.place else f'what {entry.entry_point.module} gives'}: what hooks return is "
            "in envkit.api.hooks, which types options have in envkit.api.Options",
        )
    for remark in look.remarks:
        yield Finding(
            severity="warn",
            summary=f"importing {entry.entry_point.module} {remark.text}, which no import should",
            evidence=(shown(remark.place),) if remark.place else (),
            fix="Do it in the hook that needs it",
        )


def judge_deprecations(look: Look) -> Iterator[Finding]:
    """Yield a finding for each thing that it uses and that goes away."""
    for text in look.deprecations:
        yield Finding(
            severity="warn", summary=text, fix="Change it before that version; users see it already"
        )


def judge_option_help(options: Sequence[OptionRecord], *, shown: Shown) -> Iterator[Finding]:
    """Yield a finding for each option without help."""
    for option in options:
        if not option.help.strip():
            yield Finding(
                severity="error",
                summary=f"the option {option.name} has no help",
                evidence=(shown(option.place),) if option.place else (),
                fix=f'Write: {option.name}: Annotated[{option.type}, Meta("What it is for.")]',
            )


def judge_option_types(options: Sequence[OptionRecord], *, shown: Shown) -> Iterator[Finding]:
    """Yield a finding for each option that no flag could set."""
    for option in options:
        if option.type_problem:
            yield Finding(
                severity="error",
                summary=f"the option {option.name} cannot be a flag: {option.type_problem}",
                evidence=(shown(option.place),) if option.place else (),
                fix="Give it another name or a type that text can be read as",
            )


def judge_option_defaults(options: Sequence[OptionRecord], *, shown: Shown) -> Iterator[Finding]:
    """Yield a finding for each default that envkit would refuse from a user."""
    for option in options:
        if option.default_problem:
            yield Finding(
                severity="error",
                summary=f"the option {option.name}: {option.default_problem}",
                evidence=(shown(option.place),) if option.place else (),
                fix="Give a default inside its bounds and of its type, or | None with None",
            )


def _is_for_tests(name: str, module: str) -> bool:
    return name == "envkit.testing" or name == f"{module.partition('.')[0]}.contract"
