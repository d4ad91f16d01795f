"""The fields of an options type as help shows them: names, help, defaults and bounds, from the types alone."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec.inspect

from envkit.option_values import literal_values

if TYPE_CHECKING:
    from envkit.api import Options


@dataclass(frozen=True)
class Field:
    """What help says of one option."""

    name: str
    help: str
    default: Any
    metavar: str
    bounds: str
    is_switch: bool

    @property
    def note(self) -> str:
        """Return default and bounds as help ends with them: ``[default: 16; x>=1]``, empty for neither."""
        parts = []
        if self.is_switch and self.default is not None:
            parts.append(f"default: {'yes' if self.default else 'no'}")
        elif self.default is not None:
            parts.append(f"default: {self.default}")
        if self.bounds:
            parts.append(self.bounds)
        return f"[{'; '.join(parts)}]" if parts else ""


def read_fields(options: type[msgspec.Struct]) -> list[Field]:
    """Describe the fields of an options type, in their order."""
    info = msgspec.inspect.type_info(options)
    assert isinstance(info, msgspec.inspect.StructType)
    hints = typing.get_type_hints(options)
    found = []
    for field in info.fields:
        kind, help_text = _unwrap(field.type)
        default = None if field.default is msgspec.NODEFAULT else field.default
        found.append(
            Field(
                name=field.name,
                help=help_text,
                default=default,
                metavar=_metavar(kind, hints[field.name]),
                bounds=_bounds(kind),
                is_switch=isinstance(kind, msgspec.inspect.BoolType),
            )
        )
    return found


def path_fields(options: type[Options]) -> list[str]:
    """Return the names of the options that are files or folders to read."""
    return [field.name for field in read_fields(options) if field.metavar == "PATH"]


def _bounds(kind: msgspec.inspect.Type) -> str:
    if not isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        return ""
    low = kind.gt if kind.ge is None else kind.ge
    high = kind.lt if kind.le is None else kind.le
    from_low, to_high = ("<" if kind.ge is None else "<="), ("<" if kind.le is None else "<=")
    if low is not None and high is not None:
        return f"{low:.10g}{from_low}x{to_high}{high:.10g}"
    if low is not None:
        return f"x{from_low.replace('<', '>')}{low:.10g}"
    return "" if high is None else f"x{to_high}{high:.10g}"


def _unwrap(kind: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, str]:
    # Annotations wrap the type, and so does `| None`: Annotated[int, Meta(…)] | None.
    help_text = ""
    while True:
        if isinstance(kind, msgspec.inspect.Metadata):
            help_text = (kind.extra_json_schema or {}).get("description", help_text)
            kind = kind.type
        elif isinstance(kind, msgspec.inspect.UnionType):
            inner = [part for part in kind.types if not isinstance(part, msgspec.inspect.NoneType)]
            kind = inner[0]
        else:
            return kind, help_text


def _metavar(kind: msgspec.inspect.Type, hint: Any) -> str:
    if isinstance(kind, msgspec.inspect.IntType):
        return "INTEGER"
    if isinstance(kind, msgspec.inspect.FloatType):
        return "NUMBER"
    if isinstance(kind, msgspec.inspect.LiteralType):
        return "[" + "|".join(map(str, literal_values(hint))) + "]"
    if isinstance(kind, msgspec.inspect.CustomType) and kind.cls is Path:
        return "PATH"
    return "TEXT"
