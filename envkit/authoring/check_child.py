"""Load one entry of a plugin and describe what is in it, in a process of its own: it may hang, exit and print."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import Options, PluginError, Task
from envkit.api.deprecation import EnvkitDeprecationWarning
from envkit.authoring.check_options import describe_options
from envkit.authoring.check_records import ArgumentRecord, HookRecord, Look
from envkit.registry import ExtensionEntry, describe, find_entries, load_entry, load_extension
from envkit.registry.guard import CodeEnded, guarded
from envkit.registry.metadata import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from envkit.registry import AnyEntry

# Below what the process has, so that one that hangs can be told where.
IMPORT_SECONDS = 10.0
_MARK = "envkit_impl"  # where pluggy keeps what @hookimpl was given


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which entry to look at: ``kind`` is ``task`` or ``extension``, ``answers`` the descriptor to answer to."""

    kind: str
    name: str
    plugin: str
    answers: int


def main() -> None:
    """Look at what the first argument asks for; the others are the search path, which is set already."""
    asked = msgspec.json.decode(sys.argv[1], type=Asked)
    answer = msgspec.json.encode(look(_find(asked)))
    while answer:
        answer = answer[os.write(asked.answers, answer) :]
    os._exit(0)  # threads and hooks of the plugin's have no say in the end


def _find(asked: Asked) -> AnyEntry:
    return next(
        entry
        for entry in find_entries()
        if (entry.kind, entry.name) == (asked.kind, asked.name)
        and canonical(entry.plugin) == canonical(asked.plugin)
    )


def look(entry: AnyEntry) -> Look:
    """Import the module of an entry and describe it; then load it as envkit does."""
    name = entry.entry_point.module
    try:
        with guarded(seconds=IMPORT_SECONDS) as noted:
            module = importlib.import_module(name)
    except (Exception, SystemExit, CodeEnded) as error:  # noqa: BLE001 - it is the author's code
        return Look(problem=_said(error), place=_place(error, name.partition(".")[0]))
    stated = getattr(module, "api_version", None)
    seen = Look(
        api_version=None if stated is None else repr(stated),
        api_place=_line_of(module, "api_version"),
        hooks=tuple(_hooks(module)),
        remarks=tuple(noted.remarks),
    )
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            seen = _load(entry, seen)
        except PluginError as error:
            place = "" if error.__cause__ is None else _place(error.__cause__, name.partition(".")[0])
            seen = msgspec.structs.replace(seen, refusal=error.message, state=error.state, place=place)
    told = [each.message for each in noted.deprecations]
    told += [each.message.message for each in heard if isinstance(each.message, EnvkitDeprecationWarning)]
    return msgspec.structs.replace(seen, deprecations=tuple(dict.fromkeys(told)))


def _load(entry: AnyEntry, seen: Look) -> Look:
    """Add what loading shows. Raises: PluginError where envkit refuses it."""
    if isinstance(entry, ExtensionEntry):
        extension = load_extension(entry)
        if extension.fault is not None:
            raise extension.fault
        given = [
            *(("backend", each) for each in extension.backends()),
            *(("check", each) for each in extension.checks()),
            *(("template", each) for each in extension.templates()),
        ]
        return msgspec.structs.replace(
            seen,
            remarks=(*seen.remarks, *extension.remarks),
            gives=tuple((kind, _name_of(each)) for kind, each in given),
        )
    options = _options_of(entry)
    try:
        described = tuple(describe_options(options)) if options is not None else ()
    except Exception as error:  # noqa: BLE001 - annotations are code of the author's
        fault = f"the options of {entry} cannot be read: {describe(error)}"
        return msgspec.structs.replace(seen, refusal=fault, state="broken")
    seen = msgspec.structs.replace(seen, options=described)
    try:
        loaded = load_entry(entry)
    except PluginError as error:
        place = (
            ""
            if error.__cause__ is None
            else _place(error.__cause__, entry.entry_point.module.partition(".")[0])
        )
        return msgspec.structs.replace(seen, refusal=error.message, state=error.state, place=place)
    return msgspec.structs.replace(seen, remarks=(*seen.remarks, *loaded.remarks))


def _options_of(entry: AnyEntry) -> type[Options] | None:
    """Return the type of a task's options, as far as the plugin gives one."""
    function = getattr(sys.modules[entry.entry_point.module], "envkit_task", None)
    try:
        with guarded():
            task: Any = function() if function is not None else None
    except (Exception, SystemExit, CodeEnded):  # noqa: BLE001 - loading says why
        return None
    options: Any = task.options if isinstance(task, Task) else None
    return options if inspect.isclass(options) and issubclass(options, Options) else None


def _name_of(given: Any) -> str:
    return str(getattr(given, "name", None) or getattr(given, "id", None) or type(given).__name__)


def _hooks(module: ModuleType) -> Iterator[HookRecord]:
    """Yield the functions that are marked as hooks, and the module's own that are named like one."""
    for name, value in sorted(vars(module).items()):
        if not inspect.isroutine(value):
            continue
        marks = getattr(value, _MARK, None)
        is_marked = isinstance(marks, dict)
        is_own = getattr(value, "__module__", None) == module.__name__
        if not (is_marked or (is_own and name.startswith("envkit_"))):
            continue
        code: Any = getattr(value, "__code__", None)
        yield HookRecord(
            function=name,
            hook=(marks or {}).get("specname") or name,
            place=f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "",
            is_marked=is_marked,
            is_async=inspect.iscoroutinefunction(value),
            arguments=tuple(
                ArgumentRecord(each.name, each.kind.name, each.default is not each.empty)
                for each in inspect.signature(value).parameters.values()
            ),
        )


def _line_of(module: ModuleType, name: str) -> str:
    """Return where a module sets this name."""
    file = getattr(module, "__file__", None) or ""
    try:
        lines = inspect.getsource(module).splitlines()
    except (OSError, TypeError):
        return file
    return next((f"{file}:{number}" for number, line in enumerate(lines, 1) if line.startswith(name)), file)


def _said(error: BaseException) -> str:
    """Return kind and message; where it was is told beside it."""
    if isinstance(error, SystemExit):
        return f"it tries to end the process with exit code {error.code!r}"
    if isinstance(error, CodeEnded):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _place(error: BaseException, package: str) -> str:
    """Return the last line of the plugin's own behind an error; of a syntax error, where that is."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package
    ]
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else ""
