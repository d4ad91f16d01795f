"""Names that are no text: Linux allows any bytes in paths and variables, JSON and screens do not."""

from __future__ import annotations

from typing import TypeVar

import msgspec

Value = TypeVar("Value")


def spelled_out(value: Value) -> Value:
    """Return a record, or records, with bytes that are no text written as ``\\udcff``."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _spelled(value)
    return value


def _spelled(value: Value) -> Value:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_spelled(each) for each in value)  # type: ignore[return-value]
    if isinstance(value, msgspec.Struct):
        changes = {name: _spelled(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **changes)
    return value
