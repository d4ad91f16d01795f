"""What others build on stays: every public name, argument, field, hook, event and JSON field is in public_names.txt.

A new one is added to the list by ``ENVKIT_RENEW_PUBLIC=1 pytest tests/test_public_names.py``. What is gone is not
taken off it that way: whoever means it takes the line out by hand.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from json_surface import COMMANDS, WITHOUT_RECORD, json_lines, printing_modules
from public_surface import ROOT, PublicName, api_lines, lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping

LIST = Path(__file__).with_name("public_names.txt")
RENEW = "ENVKIT_RENEW_PUBLIC"
HEAD = """\
# What others build on, a line each: what it is, its name, its type, default or position. See tests/test_public_names.py.
# New lines come by: ENVKIT_RENEW_PUBLIC=1 pytest tests/test_public_names.py
"""
KEEP = (
    "Plugins and scripts of others use them. Bring them back; what has to go is first deprecated for a version\n"
    "(envkit.api.deprecated), then gone with a new major of API_VERSION in envkit/api/versions.py, and its\n"
    "line is taken out of tests/public_names.txt by hand."
)
EASE = "Give it a default, so that what others have written goes on to work."
ADD = f"To take them up: {RENEW}=1 pytest tests/test_public_names.py"
# What may be asked for anew only with a default: others call it or make it.
ASKED = ("argument ", "field envkit.api.")


def read_list(text: str) -> dict[str, str]:
    """Return the type of each name in the list."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = (line.rpartition(" -> ") for line in lines)
    return {name: kind for name, _, kind in pairs}


def write_list(lines: Mapping[str, str]) -> str:
    """Return the list as it is kept."""
    return HEAD + "".join(f"{name} -> {lines[name]}\n" for name in sorted(lines))


def find_faults(kept: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what others would stumble over, with what to do; empty where nothing is."""
    gone = [name for name in kept if name not in now]
    changed = [
        f"{name}: was {kept[name]}, is {now[name]}"
        for name in kept
        if name in now and now[name] not in (kept[name], f"{kept[name]}, optional")
    ]
    asked = [name for name in now if name not in kept and _is_asked_anew(name, kept, now)]
    faults = []
    if gone:
        faults.append(_listed("gone", gone, KEEP))
    if changed:
        faults.append(_listed("changed", changed, KEEP))
    if asked:
        faults.append(_listed("asked for anew of all who call or make it", asked, EASE))
    return faults


def find_news(kept: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return what is not on the list yet, with what to do; empty where nothing is."""
    new = [name for name in now if name not in kept or kept[name] != now[name]]
    return _listed("new", new, ADD) if new else ""


def _is_asked_anew(name: str, kept: Mapping[str, str], now: Mapping[str, str]) -> bool:
    if not name.startswith(ASKED) or now[name].endswith((", optional", ", computed")):
        return False
    owner = name.partition(" ")[2]
    owner = owner.partition("(")[0] + "()" if "(" in owner else owner.rpartition(".")[0]
    return f"call {owner}" in kept or f"name {owner}" in kept


def _listed(what: str, names: list[str], advice: str) -> str:
    return "\n".join(
        [f"Public names that are {what} ({len(names)}):", *(f"  {name}" for name in sorted(names)), advice]
    )


def test_public_names_are_those_that_others_know() -> None:
    now = api_lines() | json_lines()
    kept = read_list(LIST.read_text(encoding="utf-8")) if LIST.exists() else {}
    faults = find_faults(kept, now)
    if os.environ.get(RENEW) and not faults:
        kept |= now
        LIST.write_text(write_list(kept), encoding="utf-8")
    assert not faults, "\n\n".join(faults)
    assert not find_news(kept, now), find_news(kept, now)


def test_commands_that_print_json_are_all_looked_at() -> None:
    known = {module for module, _ in COMMANDS.values()} | {*WITHOUT_RECORD}
    assert printing_modules() <= known, "add them to COMMANDS in tests/json_surface.py"
    assert known <= printing_modules(), "they print no JSON: take them out of tests/json_surface.py"


KEPT = {
    "name a.f": "function",
    "call a.f()": "int",
    "argument a.f(x)": "positional int",
    "name envkit.api.R": "class(Struct)",
    "argument a.f(w)": "positional str, optional",
    "default a.f(w)": "'fast'",
    "position a.f(x)": "1",
    "position a.f(w)": "2",
    "field envkit.api.R.a": "str",
    "event step": "Step",
    "json doctor: data.findings": "list[Finding]",
}
CHANGES: list[tuple[str, dict[str, str | None], str]] = [
    ("nothing", {}, ""),
    ("a name is gone", {"name a.f": None}, "that are gone (1):\n  name a.f\nPlugins and scripts"),
    ("an event is gone", {"event step": None}, "that are gone (1):\n  event step"),
    (
        "a JSON field is gone",
        {"json doctor: data.findings": None},
        "that are gone (1):\n  json doctor: data.findings",
    ),
    ("an argument is gone", {"argument a.f(x)": None}, "that are gone (1):\n  argument a.f(x)"),
    ("a default", {"default a.f(w)": "'slow'"}, "default a.f(w): was 'fast', is 'slow'"),
    (
        "the order of two arguments",
        {"position a.f(x)": "2", "position a.f(w)": "1"},
        "position a.f(w): was 2, is 1\n  position a.f(x): was 1, is 2",
    ),
    ("a type", {"field envkit.api.R.a": "int"}, "field envkit.api.R.a: was str, is int"),
    ("a class is a function", {"name envkit.api.R": "function"}, "was class(Struct), is function"),
    (
        "one more thing to give",
        {"argument a.f(y)": "keyword int"},
        "asked for anew of all who call or make it",
    ),
    ("one more field to give", {"field envkit.api.R.b": "int"}, "asked for anew of all who call or make it"),
    (
        "what is optional now",
        {"argument a.f(x)": "positional int, optional", "default a.f(x)": "0"},
        "",
    ),
    ("one more that need not be given", {"argument a.f(y)": "keyword int, optional"}, ""),
    (
        "a new function",
        {"name a.g": "function", "argument a.g(x)": "positional int", "call a.g()": "int"},
        "",
    ),
    ("a new JSON field", {"json doctor: data.seconds": "float"}, ""),
]


@pytest.mark.parametrize(("change", "said"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_change_that_others_would_stumble_over_is_told_and_no_other(
    change: dict[str, str | None], said: str
) -> None:
    now = {name: kind for name, kind in (KEPT | change).items() if kind is not None}

    told = "\n".join(find_faults(KEPT, now))

    assert said in told
    assert bool(said) == bool(told)
    assert bool(find_news(KEPT, now)) == any(kind is not None for kind in change.values())


def test_lines_have_the_default_of_what_is_given_and_the_position_of_what_needs_no_name() -> None:
    source = """
    @dataclass(frozen=True)
    class Row:
        name: str
        texts: tuple[str, ...] = ()
        def read(self, file, size: int = 3, /, *more: str, strict: bool = True) -> str: ...

    class Record(Struct, frozen=True, kw_only=True):
        name: str = "a"
    """
    found: dict[str, str] = {}
    for node in ast.parse(textwrap.dedent(source)).body:
        assert isinstance(node, ast.ClassDef)
        found |= lines_of(PublicName(name=f"m.{node.name}", module="m", node=node, kind="class"))

    assert {name: text for name, text in found.items() if name.startswith(("default", "position"))} == {
        "position m.Row.name": "1",
        "position m.Row.texts": "2",
        "default m.Row.texts": "()",
        "position m.Row.read(file)": "1",
        "position m.Row.read(size)": "2",
        "default m.Row.read(size)": "3",
        "default m.Row.read(strict)": "True",
        "default m.Record.name": "'a'",
    }


def test_list_that_is_written_is_read_again() -> None:
    assert read_list(write_list(KEPT)) == KEPT


@pytest.mark.slow
def test_list_needs_neither_torch_nor_envkit_to_be_made() -> None:
    code = "import sys; from json_surface import json_lines; from public_surface import api_lines\n"
    code += "assert api_lines() and json_lines()\n"
    code += "print(*({'torch', 'numpy', 'transformers', 'envkit'} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "tests"
    )

    assert done.stdout.strip() == ""
