"""findings.md: the ids of findings, with how grave they can be."""

from __future__ import annotations

import ast
import tomllib
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from envkit.authoring.check import known_checks
from envkit.authoring.check_catalog import CHECKS
from envkit.cli.doctor_look import TASK_IDS
from envkit.doctor.catalog import builtin_checks
from envkit.doctor.deep import deep_checks
from envkit.doctor.surroundings import Surroundings
from reference_pages.markdown import literal, page, table
from reference_pages.source import ROOT, find_file, read_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.api import Check

_INTRODUCTION = """\
A finding has an id, `subject.what`, and a severity. Ids stay: scripts can rely on them, and `--only` and `--skip` of
`envkit doctor` take them, or a subject alone. What each means and what to do stands in [The doctor](../doctor.md).

Every check can also say `ok`, `skip` (not judged, and why) and `crash` (the check itself failed)."""
_GRAVE = ("error", "warn", "info")
_ROOMS = ("authoring", "doctor")
_Place = tuple[str, str]


def make() -> str:
    """Return the page."""
    sections = [
        page_section("Of envkit doctor", _rows(builtin_checks(_surroundings()))),
        page_section("Under --deep", _rows(deep_checks(_surroundings(), timeout=1.0))),
        page_section("Under --task", [(literal(each), "", _severities_of_task(each)) for each in TASK_IDS]),
        page_section("Of envkit plugin check", _plugin_check_rows()),
        page_section(
            "Known troubles, of envkit explain", _explained(), head=("id", "what it is", "severity")
        ),
    ]
    return page("Findings", _INTRODUCTION, *sections)


def page_section(
    title: str,
    rows: Sequence[tuple[str, str, str]],
    *,
    head: tuple[str, str, str] = ("id", "what is made sure of", "severity"),
) -> str:
    """Return a section with a table; empty for no rows."""
    return f"## {title}\n\n{table(head, rows)}" if rows else ""


def check_ids() -> list[str]:
    """Return the ids of all checks of the doctor."""
    checks = (*builtin_checks(_surroundings()), *deep_checks(_surroundings(), timeout=1.0))
    return [*(check.id for check in checks), *TASK_IDS]


def _surroundings() -> Surroundings:
    nothing = SpecifierSet()
    return Surroundings(
        home=Path("/nowhere"),
        torch_index="",
        wheels=(),
        torch_range=nothing,
        wanted_python=nothing,
        disk_needed=0,
    )


def _rows(checks: Sequence[Check]) -> list[tuple[str, str, str]]:
    return [(_linked(check.id), _summary(check), _severities(check.run)) for check in checks]


def _linked(check: str) -> str:
    return f"[{literal(check)}](../doctor.md#{check.replace('.', '-')})"


def _summary(check: Check) -> str:
    return check.summary + (" (`--network`)" if check.network else "")


def _severities(run: Callable[..., object]) -> str:
    """Return how grave what a check finds can be, by the findings that its functions make."""
    functions = _functions()
    found: set[str] = set()
    for start in _starts(run):
        found |= {each for reached in _reached(start) for each in _said(functions[reached])}
    return _shown(found)


def _shown(found: set[str]) -> str:
    return ", ".join(literal(each) for each in _GRAVE if each in found) or "none of these"


@cache
def _functions() -> dict[_Place, ast.stmt]:
    """Return the functions of the doctor and of the check of plugins, and tables of severities, by module and name."""
    found: dict[_Place, ast.stmt] = {}
    for room in _ROOMS:
        for file in sorted((ROOT / "envkit" / room).rglob("*.py")):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef):
                    found[module, node.name] = node
                elif isinstance(node, ast.AnnAssign) and "Severity" in ast.unparse(node.annotation):
                    found[module, ast.unparse(node.target)] = node
    return found


def _starts(run: Callable[..., object]) -> Iterator[_Place]:
    """Yield the functions of a module that a check calls first: itself, or those behind a lambda, a closure or a partial."""
    if isinstance(run, partial):
        yield from _starts(run.func)
        return
    module, outer = run.__module__, run.__qualname__.partition(".")[0]
    code = getattr(run, "__code__", None)
    if code is None or run.__name__ != "<lambda>":
        yield module, outer
    if code is None or "<" not in run.__qualname__:  # neither <lambda> nor <locals>
        return
    yield from ((module, name) for name in code.co_names if (module, name) in _functions())
    for cell in getattr(run, "__closure__", None) or ():
        if callable(cell.cell_contents) and hasattr(cell.cell_contents, "__qualname__"):
            yield from _starts(cell.cell_contents)


def _reached(start: _Place) -> set[_Place]:
    """Return a function and those that it names, directly or not."""
    functions = _functions()
    seen: set[_Place] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here in seen or here not in functions:
            continue
        seen.add(here)
        imports = read_imports(here[0])
        for each in ast.walk(functions[here]):
            if isinstance(each, ast.Name):
                waiting.append(imports.get(each.id, (here[0], each.id)))
            elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
                package, module = imports.get(each.value.id, ("", ""))
                waiting.append((f"{package}.{module}", each.attr))
    return seen


def _said(node: ast.AST) -> set[str]:
    """Return the severities that stand in the findings which a function makes."""
    returns = node.returns if isinstance(node, ast.FunctionDef) else None
    is_table = isinstance(node, ast.AnnAssign)
    if is_table or (returns is not None and "Literal" in ast.unparse(returns)):
        return {
            each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and each.value in _GRAVE
        }
    values = [
        word.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg == "severity"
    ]
    values += [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Assign)
        and "severity" in [name.id for name in each.targets if isinstance(name, ast.Name)]
    ]
    values += [
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.AnnAssign)
        and each.value is not None
        and ast.unparse(each.target) == "severity"
    ]
    constants = (each for value in values for each in ast.walk(value) if isinstance(each, ast.Constant))
    return {str(each.value) for each in constants if each.value in _GRAVE}


def _severities_of_task(finding: str) -> str:
    found = set()
    for name in ("readiness", "readiness_size"):
        for call in ast.walk(ast.parse(find_file(f"envkit.doctor.{name}").read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            constants = {each.value for each in ast.walk(call) if isinstance(each, ast.Constant)}
            if finding in constants:
                found |= _said(call) | ({"error"} if ast.unparse(call.func) == "_failed" else set())
    return _shown(found)


def _plugin_check_rows() -> list[tuple[str, str, str]]:
    """Return the checks of a plugin; a promise of its contract that is not kept is an error."""
    runs = {check.id: check.run for check in CHECKS}
    return [
        (literal(each), promise, _severities(runs[each]) if each in runs else literal("error"))
        for each, _, promise in known_checks()
    ]


def _explained() -> list[tuple[str, str, str]]:
    rules = tomllib.loads((ROOT / "envkit" / "explain" / "rules.toml").read_text(encoding="utf-8"))["rule"]
    return [(literal(each["id"]), each["title"], literal(each.get("level", "error"))) for each in rules]
