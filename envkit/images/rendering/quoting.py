"""Write any text into a Dockerfile so that it stays a text, as filters of templates.

Sources: Dockerfile reference, "Environment replacement", "Escape" and "Shell and exec form". What both
builders make of it is tested.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from envkit.api import UsageError
from envkit.images.engine.references import is_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LONGEST_LINE = 65_535  # bytes; both builders refuse a longer one

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_FIELD = re.compile(r"[A-Za-z0-9._/-]+")
_WORD_SPECIAL = re.compile(r'[\\"$]')
_PATH_SPECIAL = re.compile(r"""[\\"'$]""")
_WILDCARD = re.compile(r"[*?\[]")


class Quoted(str):
    """Text that means in a Dockerfile just what it meant before it was quoted."""

    __slots__ = ()


class Unquotable(ValueError):
    """Report a text that no Dockerfile can hold, or that is no name of its kind."""


def word(text: object) -> Quoted:
    """Return a text as one word of ENV, LABEL, ARG, WORKDIR or USER, in which no variable is replaced.

    Raises: Unquotable for a newline, which has no escape there, and for what is no text.
    """
    return Quoted('"' + _WORD_SPECIAL.sub(r"\\\g<0>", _one_line(text)) + '"')


def paths(given: Iterable[object]) -> Quoted:
    """Return sources and target of COPY, ADD or VOLUME, in which no variable is replaced.

    They stand in JSON because blanks end a path in any other form; variables are replaced even there.
    Raises: Unquotable for a newline and for wildcards, which have no escape that both builders know.
    """
    escaped = []
    for each in _several(given):
        path = _one_line(each)
        if _WILDCARD.search(path):
            raise Unquotable(f"the path {path!r} holds a wildcard")
        escaped.append(_PATH_SPECIAL.sub(r"\\\g<0>", path))
    return Quoted(json.dumps(escaped, ensure_ascii=False))


def exec_form(command: Iterable[object]) -> Quoted:
    """Return a command for ENTRYPOINT, CMD, HEALTHCHECK CMD or RUN that no shell reads."""
    return Quoted(json.dumps([_text(each) for each in _several(command)]))


def shell(text: object) -> Quoted:
    """Return a text as one word of the shell in RUN; builders replace no variables there.

    Raises: Unquotable for a newline, which would end the instruction.
    """
    return Quoted(shlex.quote(_one_line(text)))


def shell_words(command: Iterable[object]) -> Quoted:
    """Return a command as words of the shell in RUN."""
    return Quoted(" ".join(shell(each) for each in _several(command)))


def reference(text: object) -> Quoted:
    """Return the reference of an image, for FROM. Raises: Unquotable for what names none."""
    given = _one_line(text)
    if not is_reference(given):
        raise Unquotable(f"{given!r} is no reference of an image, expected such as python:3.11-slim-bookworm")
    return Quoted(given)


def variable(text: object) -> Quoted:
    """Return the name of a variable, for ARG and ENV. Raises: Unquotable for what names none."""
    return _matched(text, _NAME, "is no name of a variable, expected letters, digits and _")


def label_name(text: object) -> Quoted:
    """Return the key of a label. Raises: Unquotable for what is none."""
    return _matched(text, _LABEL, "is no name of a label, expected letters, digits and . _ / -")


def field(text: object) -> Quoted:
    """Return a value within ``--mount=``, ``--from=`` and their like. Raises: Unquotable for what needs quotes."""
    return _matched(text, _FIELD, "cannot stand in a flag, expected letters, digits and . _ / -")


FILTERS: Mapping[str, Callable[..., Quoted]] = {
    "word": word,
    "paths": paths,
    "exec_form": exec_form,
    "shell": shell,
    "shell_words": shell_words,
    "reference": reference,
    "variable": variable,
    "label_name": label_name,
    "field": field,
}


def check_build_arg(name: str, value: str = "", *, option: str = "--build-arg") -> None:
    """Check a build argument, whose value is handed to the builder and never written. Raises: UsageError."""
    try:
        variable(name)
        _text(value)
    except Unquotable as error:
        raise UsageError(f"{option}: {error}", hint=f"As in {option} UV_HTTP_TIMEOUT=120") from None


def _matched(text: object, pattern: re.Pattern[str], wrong: str) -> Quoted:
    given = _one_line(text)
    if not pattern.fullmatch(given):
        raise Unquotable(f"{given!r} {wrong}")
    return Quoted(given)


def _several(given: Iterable[object]) -> Iterable[object]:
    if isinstance(given, str):
        raise Unquotable(f"{given!r} is one text, expected several")
    return given


def _one_line(given: object) -> str:
    text = _text(given)
    if "\n" in text:
        raise Unquotable(f"{text!r} holds a newline, which a Dockerfile cannot write")
    return text


def _text(given: object) -> str:
    text = str(given)  # of what a template's author misspelt, Jinja2 raises its own error here
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise Unquotable(f"{type(given).__name__} is neither text nor a whole number")
    if "\0" in text:
        raise Unquotable(f"{text!r} holds a NUL, which neither a variable nor a path can")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unquotable(f"{text!r} is no Unicode text") from None
    return text
