"""Check an option's value against its type, and say in plain words what was wanted."""

from __future__ import annotations

import difflib
import re
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import ConfigError
from envkit.api.options import from_builtins

if TYPE_CHECKING:
    from collections.abc import Mapping

_STANDARD_INPUT = Path("-")
# How msgspec ends what it says of a part of a record, and what it says of a part that should not be there.
_AT = re.compile(r" - at `\$(\.(?P<name>\w+))?[^`]*`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]+)`")


@dataclass(frozen=True)
class Value:
    """A value before it is checked: where it came from, and whether it is text to be read as its type."""

    raw: Any
    source: str
    is_text: bool = False
    folder: Path | None = None


def check_value(type_: type[Any], name: str, value: Value) -> Any:
    """Return the value of this field as its type has it, paths made absolute. Raises: ConfigError."""
    hint_type = typing.get_type_hints(type_, include_extras=True)[name]
    raw = value.raw
    if typing.get_origin(hint_type) is tuple and isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",")]
    try:
        checked = from_builtins(raw, hint_type, strict=not value.is_text)
    except msgspec.ValidationError as error:
        shown = repr(value.raw) if value.is_text else f"{option_key(name)} = {value.raw!r}"
        help_text = _help_of(hint_type)
        raise ConfigError(
            f"{value.source}: {shown} does not fit: {_wanted(error, hint_type, help_text)}",
            hint=_option_hint(name, value.raw, hint_type, help_text),
        ) from error
    if isinstance(checked, Path) and checked != _STANDARD_INPUT:
        try:
            return ((value.folder or Path.cwd()) / checked.expanduser()).absolute()
        except RuntimeError as error:  # ~somebody who is not there
            raise ConfigError(
                f"{value.source}: {str(checked)!r}: there is no such user", hint="Write the path in full"
            ) from error
    return checked


def in_words(error: Exception, type_: type[Any], plain: Mapping[str, Any]) -> str:
    """Return what is wrong with a whole record of options: ``epochs = '3' does not fit: expected a whole number``.

    ``plain`` is what ``from_builtins`` was given for ``type_``, and ``error`` what it raised.
    """
    text = str(error)
    if unknown := _UNKNOWN.match(text):
        near = difflib.get_close_matches(unknown["name"], type_.__struct_fields__, n=1)
        return f"there is no option {unknown['name']}" + (f"; is {near[0]} meant?" if near else "")
    hints = typing.get_type_hints(type_, include_extras=True)
    at = _AT.search(text)
    name = at["name"] if at else ""
    if name not in hints:
        return _AT.sub("", text)  # what several options say together, in the words of the task
    return f"{name} = {plain.get(name)!r} does not fit: {wanted(error, hints[name])}"


def wanted(error: Exception, hint: Any) -> str:
    """Return in plain words what a type wants, of the error that says that a value is none of it."""
    return _wanted(error, hint, _help_of(hint))


def _option_hint(name: str, raw: Any, hint: Any, help_text: str) -> str | None:
    near = difflib.get_close_matches(str(raw), [str(known) for known in literal_values(hint)], n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"{option_key(name)}: {help_text}" if help_text else None


_KINDS = (
    (r" \| null\b", ""),
    (r"\bint\b", "a whole number"),
    (r"\bfloat\b", "a number"),
    (r"\bbool\b", "true or false"),
    (r"\bstr\b", "text"),
    (r"\barray\b", "a list, or text with commas"),
    (r"(\d)\.0\b", r"\1"),
)


def _wanted(error: Exception, hint: Any, help_text: str) -> str:
    """Return msgspec's words without its marks; for a pattern, what the help says after its colon."""
    text = str(error).replace("`", "").split(" - at ")[0].split(", got ")[0]
    if text.startswith("Invalid enum value"):
        text = f"expected one of {', '.join(map(str, literal_values(hint)))}"
    for type_, words in _KINDS:
        text = re.sub(type_, words, text)
    if " matching regex" in text:
        text = f"expected {help_text.partition(': ')[2] or 'another form'}".rstrip(".")
    return text[0].lower() + text[1:]


def literal_values(hint: Any) -> tuple[Any, ...]:
    """Return the values of a Literal, wrapped or not, in the order in which they were written."""
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    return next((found for part in typing.get_args(hint) if (found := literal_values(part))), ())


def _help_of(hint: Any) -> str:
    """Return the help text in an annotation, wrapped in ``| None`` or not."""
    for part in (*getattr(hint, "__metadata__", ()), *typing.get_args(hint)):
        found = part.description if isinstance(part, msgspec.Meta) else _help_of(part)
        if found:
            return str(found)
    return ""


def option_key(name: str) -> str:
    """Return an option's name as files and flags have it."""
    return name.replace("_", "-")
