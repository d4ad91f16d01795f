"""Describe the options of a task: help, what flags can take, and whether the defaults fit."""

from __future__ import annotations

import inspect
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api.options import from_builtins, to_builtins
from envkit.authoring.check_records import OptionRecord
from envkit.option_fields import read_fields
from envkit.option_values import wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api import Options

_SIMPLE = (bool, int, float, str, Path)
_OF_THE_HOST = ("env", "run_dir", "track", "json", "help")  # flags of `envkit run` itself
_TAKEN = "bool, int, float, str, Path, a Literal of texts, a tuple of these, or one of them | None"


def describe_options(options: type[Options]) -> Iterator[OptionRecord]:
    """Yield a record an option, in their order."""
    hints = typing.get_type_hints(options, include_extras=True)
    texts = {field.name: field.help for field in read_fields(options)}
    defaults = {each.name: each for each in msgspec.structs.fields(options)}
    for name in options.__struct_fields__:
        problem = type_problem(hints[name])
        if name in _OF_THE_HOST:
            problem = f"--{name.replace('_', '-')} is a flag of `envkit run` itself"
        yield OptionRecord(
            name=name,
            help=texts.get(name, ""),
            type=_written(hints[name]),
            place=_place(options, name),
            type_problem=problem,
            default_problem="" if problem else default_problem(defaults[name], hints[name]),
        )


def unreadable_option(options: type[Options]) -> tuple[str, str]:
    """Return of a type that cannot be described which option is to blame and why, and its line; empty for none."""
    try:
        hints = typing.get_type_hints(options, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is code of the author's; what it raises says its name
        return "", ""
    for name in options.__struct_fields__:
        try:
            msgspec.inspect.type_info(hints[name])
        except Exception as error:  # noqa: BLE001 - likewise
            said = str(error).partition(" - type ")[0].replace("`", "")
            return f"the option {name} is of no type that an option may have: {said}", _place(options, name)
    return "", ""


def type_problem(hint: Any) -> str:
    """Return why text from a flag cannot become a value of this type, empty where it can."""
    bare = _bare(hint)
    origin = typing.get_origin(bare)
    if bare in _SIMPLE:
        return ""
    if origin is typing.Literal:
        others = [value for value in typing.get_args(bare) if not isinstance(value, str)]
        return f"a Literal of {others[0]!r}, which is no text" if others else ""
    if origin in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(bare) if part is not type(None)]
        return type_problem(parts[0]) if len(parts) == 1 else f"several types in one; a flag takes {_TAKEN}"
    if origin is tuple:
        parts = [part for part in typing.get_args(bare) if part is not ...]
        return next((problem for part in parts if (problem := type_problem(part))), "")
    return f"of the type {_written(bare)}; a flag takes {_TAKEN}"


def default_problem(field: msgspec.structs.FieldInfo, hint: Any) -> str:
    """Return what is wrong with the default of a field, empty for nothing."""
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    elif field.default is not msgspec.NODEFAULT:
        default = field.default
    else:
        return "it has no default, so no run could leave it out"
    try:
        from_builtins(to_builtins(default), hint)
    except msgspec.ValidationError as error:
        return f"its default {default!r} does not fit: {wanted(error, hint)}"
    except (TypeError, ValueError) as error:
        return f"its default {default!r} does not fit: {error}"
    return ""


def _bare(hint: Any) -> Any:
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return hint


def _written(hint: Any) -> str:
    bare = _bare(hint)
    return bare.__name__ if inspect.isclass(bare) and not typing.get_args(bare) else str(bare)


def _place(options: type[Options], name: str) -> str:
    """Return file and line where a field is declared, by the class nearest to the options."""
    for owner in options.__mro__:
        if name not in vars(owner).get("__annotations__", {}):
            continue
        try:
            lines, first = inspect.getsourcelines(owner)
            file = inspect.getsourcefile(owner)
        except (OSError, TypeError):
            return ""
        for number, line in enumerate(lines, first):
            if line.strip().startswith(f"{name}:"):
                return f"{file}:{number}"
    return ""
