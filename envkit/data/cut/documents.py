"""Decode the JSON of a whole file, and write parts of it again in the encoding of the file."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from envkit.api import DataError
from envkit.data.text import check_encoding

if TYPE_CHECKING:
    from pathlib import Path


def decode_json(text: str, file: Path, *, line: int | None = None) -> Any:
    """Return the value that a text is, of the file or of one line of it. Raises: DataError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError(
            "this JSON is nested too deeply to be read",
            file=file,
            line=line,
            hint="Take the value out that nests so deeply; no task reads it",
        ) from error
    except ValueError as error:
        path = shlex.quote(str(file))
        see = f"python3 -m json.tool {path} | tail" if line is None else f"sed -n {line}p {path} | tail -c 80"
        raise DataError(
            f"this is no whole JSON: {error}", file=file, line=line, hint=f"See where it breaks: {see}"
        ) from error


def encode_json(value: Any, *, encoding: str | None) -> str:
    """Return a value as JSON, escaping characters only where the encoding has one of them not."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(check_encoding(encoding))
    except UnicodeEncodeError:  # half of a pair, which JSON can hold, or what the encoding lacks
        return json.dumps(value)
    return text
