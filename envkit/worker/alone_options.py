"""The options of a run without a host: flags and variables, checked as the host checks them."""

from __future__ import annotations

import difflib
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import ConfigError, DataError, UsageError
from envkit.models import is_model_dir
from envkit.option_fields import path_fields, read_fields
from envkit.option_values import Value, check_value, option_key
from envkit.registry import find_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envkit.api import Options
    from envkit.registry import LoadedTask

RUN_DIR_FLAG = "--run-dir"
# How a container runs as who owns the folder that is mounted.
AS_YOURSELF = 'docker run --user "$(id -u):$(id -g)" -v "$PWD:/work" IMAGE'
# Options that say the same in two ways: a flag of the one replaces a variable of the other.
_RIVALS = ((("data",), ("train", "dev", "test")), (("batch_size",), ("tokens_per_step",)))
_NEARLY = 0.85  # so alike is a slip of the fingers, and no variable of somebody else's
_HELP_WIDTH = 80
_HELP_INDENT = " " * 6


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What the command line says: options by name, as text or, of a switch, as a truth value."""

    values: Mapping[str, str | bool]
    run_dir: Path | None
    asks_for_help: bool = False


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Options with absolute paths, and where each value came from."""

    options: Options
    sources: Mapping[str, str]


def read_flags(words: Sequence[str], options: type[Options]) -> Flags:
    """Return what the words after the task say; of an option given twice, the last. Raises: UsageError."""
    fields = {flag_of(field.name): field for field in read_fields(options)}
    switches = {_no_flag_of(field.name): field for field in fields.values() if field.is_switch}
    values: dict[str, str | bool] = {}
    run_dir: Path | None = None
    rest = list(words)
    while rest:
        flag, has_value, value = rest.pop(0).partition("=")
        if flag in ("--help", "-h"):
            return Flags(values={}, run_dir=None, asks_for_help=True)
        if flag in switches or (flag in fields and fields[flag].is_switch):
            if has_value:
                raise UsageError(f"{flag} takes no value", hint=f"Give {flag} alone")
            values[(switches.get(flag) or fields[flag]).name] = flag not in switches
        elif flag in fields or flag == RUN_DIR_FLAG:
            if not has_value:
                if not rest:
                    raise UsageError(f"{flag} needs a value")
                value = rest.pop(0)
            if flag == RUN_DIR_FLAG:
                run_dir = Path(value)
            else:
                values[fields[flag].name] = value
        else:
            raise _unknown(flag, (*fields, *switches, RUN_DIR_FLAG, "--help"))
    return Flags(values=values, run_dir=run_dir)


def resolve(
    loaded: LoadedTask,
    flags: Mapping[str, str | bool],
    *,
    environ: Mapping[str, str] = os.environ,
    folder: Path,
) -> Resolved:
    """Return the options: defaults, over them variables, over them flags; paths begin at ``folder``.

    Raises: ConfigError or UsageError with the source of a wrong value, DataError for data that cannot be read.
    """
    type_ = loaded.task.options
    names = type_.__struct_fields__
    variables = _of_variables(loaded.entry.name, names, environ=environ, folder=folder)
    given = {
        name: Value(raw, flag_of(name), is_text=True, folder=folder)
        if isinstance(raw, str)
        else Value(raw, flag_of(name) if raw else _no_flag_of(name))
        for name, raw in flags.items()
    }
    strongest = {**_without_rivals(variables, given), **given}
    checked = {name: check_value(type_, name, value) for name, value in strongest.items()}
    try:
        options = type_(**checked)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(str(error), hint="--help lists the options") from error
    sources = {name: strongest[name].source if name in strongest else "default" for name in names}
    for name in path_fields(type_):
        _check_readable(getattr(options, name), source=sources[name])
    if options.model not in loaded.task.own_models:
        options = _with_whole_model(options, source=sources["model"], folder=folder)
    return Resolved(options=options, sources=sources)


def help_text(loaded: LoadedTask) -> str:
    """Return what ``--help`` prints: every option with its default."""
    lines = [
        "usage: [docker run ... IMAGE] [OPTIONS]",
        "",
        *textwrap.wrap(f"{loaded.entry.name}: {loaded.entry.summary}", _HELP_WIDTH),
        "",
        *textwrap.wrap(
            "Without data, the task's own sample data is used. Paths begin at the working folder; the run's "
            f"folder is made in runs/ there. Each option may also stand in a variable, such as "
            f"{variable_of(loaded.entry.name, 'epochs')}.",
            _HELP_WIDTH,
        ),
        "",
        "options:",
    ]
    for field in read_fields(loaded.task.options):
        flag = flag_of(field.name)
        lines.append(
            f"  {flag}/{_no_flag_of(field.name)}" if field.is_switch else f"  {flag} {field.metavar}"
        )
        lines += _indented(f"{field.help} {field.note}")
    lines.append(f"  {RUN_DIR_FLAG} DIR")
    lines += _indented("Folder of the run; it must not exist. [default: runs/<time>-<task>-<id>]")
    return "\n".join(lines)


def flag_of(name: str) -> str:
    """Return the flag of an option: ``--learning-rate`` for ``learning_rate``."""
    return f"--{option_key(name)}"


def variable_of(task: str, name: str = "") -> str:
    """Return the variable of a task's option: ``ENVKIT_NER_EPOCHS``; without one, how they all begin."""
    return f"ENVKIT_{task}_{name}".upper().replace("-", "_")


def _no_flag_of(name: str) -> str:
    return f"--no-{option_key(name)}"


def _indented(text: str) -> list[str]:
    return textwrap.wrap(
        text.strip(), _HELP_WIDTH, initial_indent=_HELP_INDENT, subsequent_indent=_HELP_INDENT
    )


def _unknown(word: str, flags: Iterable[str]) -> UsageError:
    if not word.startswith("-"):
        return UsageError(f"{word!r} is no option", hint="Options begin with --; --help lists them")
    near = difflib.get_close_matches(word, list(flags), n=1)
    hint = f"Did you mean {near[0]}?" if near else "--help lists the options"
    return UsageError(f"there is no option {word}", hint=hint)


def _of_variables(
    task: str, names: Sequence[str], *, environ: Mapping[str, str], folder: Path
) -> dict[str, Value]:
    """Return what variables state. Raises: ConfigError for one that is nearly an option's: a silent loss."""
    found = {}
    known = {variable_of(task, name): name for name in names}
    for variable, text in sorted(environ.items()):
        if variable in known and text:
            found[known[variable]] = Value(text, variable, is_text=True, folder=folder)
        elif variable.startswith("ENVKIT_") and variable not in known:
            is_ours = variable.startswith(variable_of(task))
            if not is_ours and any(variable.startswith(variable_of(other)) for other in find_tasks()):
                continue
            cutoff = 0.6 if is_ours else _NEARLY
            near = difflib.get_close_matches(variable, list(known), n=1, cutoff=cutoff)
            if near or is_ours:
                hint = f"Did you mean {near[0]}?" if near else "--help lists the options"
                raise ConfigError(f"there is no variable {variable}", hint=hint)
    return found


def _without_rivals(weaker: Mapping[str, Value], stronger: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values without those that a stronger source says in another way."""
    replaced = {
        name
        for pair in _RIVALS
        for side, other in (pair, pair[::-1])
        if any(name in stronger for name in other)
        for name in side
    }
    return {name: value for name, value in weaker.items() if name not in replaced}


def _check_readable(path: Path | None, *, source: str) -> None:
    """Raises: DataError where there is nothing that can be read."""
    if path is None:
        return
    if path == Path("-"):
        raise DataError(
            "standard input is not read here", hint="Mount the file: docker run -v FILE:/work/FILE"
        )
    mounted = f"The path is from {source}; in a container only what is mounted is there"
    if _is_barred(path):
        raise DataError("may not be looked at by this user", file=path, hint=f"Be yourself: {AS_YOURSELF}")
    if not path.exists():
        siblings = _names_in(path.parent)
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"Did you mean {path.parent / near[0]}?" if near else mounted
        raise DataError("no such file or folder", file=path, hint=hint)
    if not path.is_file() and not path.is_dir():
        raise DataError("neither a file nor a folder", file=path, hint="Write the data into a file first")
    if not os.access(path, os.R_OK):
        raise DataError("may not be read", file=path, hint=f"chmod a+r {path}")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError("the file is empty", file=path, hint=f"The path is from {source}")


def _with_whole_model(options: Options, *, source: str, folder: Path) -> Options:
    """Return the options, a folder of a model with its whole path. Raises: UsageError for a folder without one."""
    model = options.model
    path = folder / Path(os.path.expanduser(model))  # noqa: PTH111  # leaves "~unknown" as it is
    if is_model_dir(path):
        return msgspec.structs.replace(options, model=str(path.absolute()))
    is_path = model.startswith((".", "~", "/")) or model.count("/") > 1
    if _is_barred(path / "config.json"):
        if not is_path:  # a model of the hub; the run's folder says what is wrong, if it is to be made there
            return options
        raise UsageError(
            f"{source}: {model!r} may not be looked at by this user", hint=f"Be yourself: {AS_YOURSELF}"
        )
    if is_path or path.exists():
        raise UsageError(
            f"{source}: {model!r} is no folder with a model in it (config.json and weights)",
            hint="--model takes a folder that is mounted, or a name on the model hub such as bert-base-cased",
        )
    return options


def _is_barred(path: Path) -> bool:
    """Tell whether this user may not enter the folder that a path is in."""
    try:
        path.stat()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _names_in(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir()]
    except OSError:
        return []
