"""commands.md: the tree of `envkit --help`, and every command with its arguments and flags."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING

import click

from envkit.cli import LazyGroup, command
from reference_pages.markdown import code, fill, literal, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INTRODUCTION = """\
`envkit COMMAND --help` says the same. The flags of `envkit run TASK` and `envkit data check TASK` are the task's
[options](options.md), and those that stand here. `--json` prints the [envelope](json.md); how commands end is in
[Exit codes](exit-codes.md)."""
# Commands that have one for each task: shown once, with the flags that are not options of the task.
_PER_TASK = (("run",), ("data", "check"))
_ONE_TASK = "ner"

Path = tuple[str, ...]


def make() -> str:
    """Return the page."""
    commands = dict(all_commands())
    return page(
        "Commands",
        _INTRODUCTION,
        "## The tree\n\n```text\n" + "\n".join(_tree(commands)) + "\n```",
        "## envkit\n\n" + _flags(command.params),
        *(_describe(path, each) for path, each in commands.items() if not isinstance(each, click.Group)),
    )


def all_commands() -> Iterator[tuple[Path, click.Command]]:
    """Yield every command and group by its words; of those that there is one a task of, one."""
    yield from _below(command, ())


def _below(group: click.Group, path: Path) -> Iterator[tuple[Path, click.Command]]:
    context = click.Context(group, info_name="envkit")
    names = [_ONE_TASK] if path in _PER_TASK else group.list_commands(context)
    for name in names:
        found = group.get_command(context, name)
        assert found is not None
        here = (*path, "TASK") if path in _PER_TASK else (*path, name)
        yield here, found
        if isinstance(found, click.Group):
            yield from _below(found, here)


def has_json(found: click.Command) -> bool:
    """Tell whether a command prints the envelope."""
    return any("--json" in each.opts for each in found.params)


def _tree(commands: dict[Path, click.Command]) -> Iterator[str]:
    yield "envkit"
    width = max(4 * len(path) + len(path[-1]) for path in commands) + 2
    for path in commands:
        head = "    " * len(path) + path[-1]
        yield f"{head:<{width}}{_summary(path, commands)}".rstrip()


def _summary(path: Path, commands: dict[Path, click.Command]) -> str:
    """Return the line that the help of the group above has."""
    group = commands.get(path[:-1], command)
    if isinstance(group, LazyGroup):
        return group.table[path[-1]][1]
    return "" if path[-1] == "TASK" else commands[path].get_short_help_str(limit=70)


def _describe(path: Path, found: click.Command) -> str:
    arguments = [
        each.make_metavar(click.Context(found)) for each in found.params if isinstance(each, click.Argument)
    ]
    shown = " ".join(["envkit", *path, *(["[OPTIONS]"] if _options(found.params) else []), *arguments])
    text = "" if path[-1] == "TASK" else found.help or ""
    return "\n\n".join(
        filter(
            None,
            [
                f"## envkit {' '.join(path)}",
                f"```text\n{shown}\n```",
                _flowing(text),
                _flags(found.params),
            ],
        )
    )


def _flowing(text: str) -> str:
    """Return a help text as Markdown: paragraphs flow; one that click is told to leave as it is becomes a block."""
    parts = []
    # Before Python 3.13, docstrings have the indent of their function.
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            parts.append(code(textwrap.dedent(paragraph.removeprefix("\b\n")), language="text"))
        else:
            parts.append(fill(" ".join(paragraph.split()).replace("<", "&lt;").replace("*", "\\*")))
    return "\n\n".join(parts)


def _options(params: Sequence[click.Parameter]) -> list[click.Option]:
    return [each for each in params if isinstance(each, click.Option) and not each.hidden]


def _flags(params: Sequence[click.Parameter]) -> str:
    rows = [(_names(each), _value(each), (each.help or "").replace("<", "&lt;")) for each in _options(params)]
    return table(("flag", "value", "what it does"), rows)


def _names(option: click.Option) -> str:
    return ", ".join(literal(name) for name in (*option.opts, *option.secondary_opts))


def _value(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    several = ", several times" if option.multiple else ""
    if isinstance(option.type, click.Choice):
        return ", ".join(literal(str(each)) for each in option.type.choices) + several
    return literal(option.make_metavar(click.Context(command)).strip("[]")) + several
