"""The options of a server of a model, as its image takes them behind its name."""

from __future__ import annotations

import dataclasses
import difflib
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from envkit.api import UsageError
from envkit.api.data_options import Format
from envkit.api.options import Meta
from envkit.option_fields import read_fields
from envkit.option_values import Value, check_value, option_key
from envkit.worker.use_request import RowFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.option_fields import Field

_WIDTH = 80
_INDENT = " " * 6
_SECTIONS = {
    "standard input": ("format", "encoding", "text_column", "to"),
    "HTTP": ("host", "port", "max_bytes", "queue", "timeout"),
}
_HELP_FLAGS = ("--help", "-h")
_ABOUT = (
    "Answers with a saved model: stdin reads texts or rows from standard input (docker run -i) and writes a "
    "row for each, http answers POST /predict and GET /health. Without either word, standard input is "
    "answered where it is a pipe or a file, else HTTP."
)


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve, and how; ``how`` is None where that depends on what standard input is."""

    model: Annotated[Path, Meta("Folder of the model.")]
    how: Literal["stdin", "http"] | None = None
    device: Annotated[
        str,
        Meta(
            "Device to compute on: auto, cpu, cuda, cuda:N or mps.", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$"
        ),
    ] = "auto"
    format: Annotated[Format, Meta("Format of what is read; auto tells it by its content.")] = "auto"
    encoding: Annotated[str, Meta("Its encoding, such as latin-1. Default: UTF-8.")] | None = None
    text_column: (
        Annotated[str, Meta("Column of the texts. Default: as in training, else guessed.")] | None
    ) = None
    to: Annotated[RowFormat, Meta("Format of the rows that are written.")] = "jsonl"
    host: Annotated[str, Meta("Address to listen on.")] = "0.0.0.0"
    port: Annotated[int, Meta("Port to listen on; 0 for any that is free.", ge=0, le=65535)] = 8000
    max_bytes: Annotated[int, Meta("Largest body of a request, in bytes.", ge=0)] = 2**20
    queue: Annotated[int, Meta("Requests that may wait for their turn.", ge=0)] = 16
    timeout: Annotated[float, Meta("Seconds that a client may take to send a request.", gt=0, lt=1e6)] = 10.0


_FIELDS = {f"--{option_key(field.name)}": field for field in read_fields(ServeOptions) if field.name != "how"}


def read_serve_options(words: Sequence[str]) -> ServeOptions | str:
    """Return the options, or the help where that is asked; of an option given twice, the last.

    Raises: UsageError or ConfigError, naming the option that cannot be.
    """
    given: dict[str, Any] = {}
    rest = list(words)
    while rest:
        flag, has_value, value = rest.pop(0).partition("=")
        if flag in _HELP_FLAGS:
            return _help_text(given)
        if flag in ("stdin", "http") and not has_value and given.get("how", flag) == flag:
            given["how"] = flag
            continue
        if flag not in _FIELDS:
            raise _unknown(flag)
        if not has_value:
            if not rest:
                raise UsageError(f"{flag} needs a value", hint=f"{flag}: {_FIELDS[flag].help}")
            value = rest.pop(0)
        name = _FIELDS[flag].name
        given[name] = check_value(ServeOptions, name, Value(value, flag, is_text=True))
    if "model" not in given:
        raise UsageError("no model is named", hint="Name the folder of a run's model: --model DIR")
    return ServeOptions(**given)


def _help_text(given: Mapping[str, Any]) -> str:
    """Return what ``--help`` prints. What was given before it, as an image gives model and port, are the defaults."""
    start = "docker run ... IMAGE" if "model" in given else "python -m envkit.worker.serve --model DIR"
    lines = [
        f"usage: {start} [stdin|http] [OPTIONS]",
        "",
        *textwrap.wrap(_ABOUT, _WIDTH, break_on_hyphens=False),
        "",
        "options:",
    ]
    if "model" not in given:
        lines += _option("--model", given)
    lines += _option("--device", given)
    for section, names in _SECTIONS.items():
        lines += ["", f"{section}:"]
        for name in names:
            lines += _option(f"--{option_key(name)}", given)
    return "\n".join(lines)


def _option(flag: str, given: Mapping[str, Any]) -> list[str]:
    field = _with_default(_FIELDS[flag], given)
    text = f"{field.help} {field.note}".strip()
    return [
        f"  {flag} {field.metavar}",
        *textwrap.wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT),
    ]


def _with_default(field: Field, given: Mapping[str, Any]) -> Field:
    return dataclasses.replace(field, default=given[field.name]) if field.name in given else field


def _unknown(word: str) -> UsageError:
    if word in ("stdin", "http"):
        return UsageError("stdin and http were both given", hint="Give one, or neither")
    known = [*_FIELDS, "--help"] if word.startswith("-") else ["stdin", "http"]
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "--help lists the options"
    if word.startswith("-"):
        return UsageError(f"there is no option {word}", hint=hint)
    return UsageError(f"{word!r} is neither stdin nor http", hint=hint)
