"""options.md: every option of a task, with its flag, type, default, bounds and help."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from envkit.api import FileOptions, FinetuneOptions, Options, TextOptions
from envkit.option_fields import read_fields
from reference_pages.markdown import literal, page, prose, table
from reference_pages.public import PLUGINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.option_fields import Field

_INTRODUCTION = """\
An option of a task is a field of its options type. Each is at once

- a flag of `envkit run TASK`: `batch_size` is `--batch-size`, a `bool` has `--merge` and `--no-merge`;
- a key of the table `[TASK]` in `envkit.toml`, the user's `config.toml` or `[tool.envkit]` of `pyproject.toml`:
  `batch_size = 8`;
- a variable: `ENVKIT_TASK_BATCH_SIZE`.

The flag counts most, then the variable, then `envkit.toml`, `pyproject.toml` and the user's file.
`envkit config show TASK --sources` shows every value with the place that it is from.

A plugin subclasses the type that fits and adds its own; a field that it repeats gets another default:

```python
from typing import Annotated

from envkit.api import Meta, TextOptions


class MoodOptions(TextOptions, frozen=True, kw_only=True):
    epochs: Annotated[int, Meta("Times to go through the training data.", ge=1)] = 10
    window: Annotated[int, Meta("Word pieces the model reads at once.", ge=8)] | None = None
```

Types: `bool`, `int`, `float`, `str`, `Path`, `Literal` of strings, a `tuple` of these, and `| None` of each.
Checks over several fields go into `__post_init__` as `ValueError`; its text is the user's error."""
_KINDS: tuple[type[Options], ...] = (Options, FinetuneOptions, FileOptions, TextOptions)


def make() -> str:
    """Return the page."""
    return page(
        "Options",
        _INTRODUCTION,
        *(_type_section(kind) for kind in _KINDS),
        *(_task_section(module) for module in PLUGINS),
    )


def task_options(module: str) -> type[Options]:
    """Return the options type of one of envkit's own plugins."""
    options: type[Options] = import_module(f"{module}.plugin").envkit_task().options
    return options


def _type_section(kind: type[Options]) -> str:
    base = _base_of(kind)
    before = "" if base is None else f"All those of [{base.__name__}](#{base.__name__.lower()}), and:"
    text = prose((kind.__doc__ or "").replace("\n    ", "\n"))
    return "\n\n".join(filter(None, [f"## {kind.__name__}", text, before, _table(_own(kind))]))


def _task_section(module: str) -> str:
    kind = task_options(module)
    task = module.removeprefix("envkit_")
    base = next(each for each in reversed(_KINDS) if issubclass(kind, each))
    told = (
        f"All those of [{base.__name__}](#{base.__name__.lower()}), and of its own or with another default:"
    )
    return "\n\n".join([f"## envkit run {task}", told, _table(_own(kind, base=base))])


def _base_of(kind: type[Options]) -> type[Options] | None:
    return next((each for each in _KINDS if each is kind.__base__), None)


def _own(kind: type[Options], *, base: type[Options] | None = None) -> Iterator[Field]:
    """Yield the fields that a type adds to its base, or gives another default."""
    under = base or _base_of(kind)
    known = {field.name: field for field in read_fields(under)} if under is not None else {}
    for field in read_fields(kind):
        if known.get(field.name) != field:
            yield field


def _table(fields: Iterator[Field]) -> str:
    return table(
        ("flag", "value", "default", "what it is"),
        [(literal(_flag(each)), _value(each), _default(each), each.help) for each in fields],
    )


def _flag(field: Field) -> str:
    return f"--{field.name.replace('_', '-')}"


def _value(field: Field) -> str:
    if field.is_switch:
        return "yes or no"
    bounds = f", {literal(field.bounds)}" if field.bounds else ""
    if field.metavar.startswith("["):
        return ", ".join(map(literal, field.metavar.strip("[]").split("|")))
    return {"INTEGER": "integer", "NUMBER": "number", "PATH": "path", "TEXT": "text"}[field.metavar] + bounds


def _default(field: Field) -> str:
    if field.is_switch:
        return literal("yes" if field.default else "no")
    return "" if field.default is None else literal(str(field.default))
