"""exit-codes.md: what each exit code means, and the errors behind it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from envkit.api import errors
from reference_pages.markdown import code, literal, page, prose, table
from reference_pages.source import read_module

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """\
Every command ends with one of these. Its last words stand on standard error: `error:` says what is wrong, `hint:` what
to do. With `--json` both are in the [envelope](json.md) on standard output, and the code is the same."""
_EXAMPLE = 'raise DataError("the row has 2 columns, expected 3", file=path, line=12, hint="Use tabs")'
_MEANINGS = {
    0: "Done",
    1: "A check or a run failed: `envkit doctor` found an error, a worker ended without a model, `envkit data check` "
    "found what would end a run, `envkit explain` found nothing that it knows. Also a bug in envkit, with its traceback",
    2: "The command line, the configuration or the user's data are wrong",
    4: "This machine cannot do it",
    5: "A plugin is missing, broken or in conflict with another",
    6: "An environment could not be made, or does not fit",
    7: "An image could not be built, or a container not run",
    130: "Stopped by the user (Ctrl-C, SIGTERM, a terminal that closed)",
}


def make() -> str:
    """Return the page."""
    by_code: dict[int, list[str]] = defaultdict(list)
    for kind in _kinds():
        by_code[kind.exit_code].append(kind.__name__)
    rows = [
        (literal(str(number)), text, ", ".join(map(literal, by_code[number])))
        for number, text in _MEANINGS.items()
    ]
    described = [
        name
        for name in read_module("envkit.api.errors").values()
        if name.name in {k.__name__ for k in _kinds()}
    ]
    return page(
        "Exit codes",
        _INTRODUCTION,
        table(("code", "means", "errors"), rows),
        "3 is not used. A command that `envkit env run` starts ends with its own code.",
        "## Errors that plugins raise\n\nAll of `envkit.api`. The message says what is wrong, where, and what was "
        "expected; the hint what to do, best a command that can be pasted.",
        code(_EXAMPLE),
        table(
            ("error", "code", "for"),
            [
                (literal(each.name), _code_of(each.name), prose(each.text).split("\n\n")[0])
                for each in described
            ],
        ),
    )


def codes() -> dict[int, str]:
    """Return the exit codes with their meanings."""
    return dict(_MEANINGS)


def _kinds() -> Iterator[type[errors.EnvkitError]]:
    """Yield the errors of envkit, from the general to the special."""
    waiting = [errors.EnvkitError]
    while waiting:
        kind = waiting.pop(0)
        if kind.__module__ == errors.__name__:
            yield kind
        waiting += sorted(kind.__subclasses__(), key=lambda each: each.__name__)


def _code_of(name: str) -> str:
    kind: type[errors.EnvkitError] = getattr(errors, name)
    return str(kind.exit_code)
