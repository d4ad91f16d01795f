"""Load one entry of a plugin and describe what is in it, in a process of its own: it may hang, exit and print."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import Options, PluginError, Task
from envkit.api.deprecation import EnvkitDeprecationWarning
from envkit.authoring.blame import place_in, said_by
from envkit.authoring.check_options import describe_options, unreadable_option
from envkit.authoring.check_records import ArgumentRecord, HookRecord, Look, RemarkRecord
from envkit.authoring.overheard import Overheard
from envkit.registry import ExtensionEntry, describe, find_entries, load_entry, load_extension
from envkit.registry.guard import CodeEnded, guarded
from envkit.registry.hook_names import functions_of, hook_of
from envkit.registry.metadata import canonical, printable, shorten
from envkit.registry.output_aside import MOST_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from envkit.registry import AnyEntry

# Below what the process has, so that one that hangs can be told where.
IMPORT_SECONDS = 10.0


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
    errors = Overheard(entry.entry_point.module.partition(".")[0])
    with contextlib.redirect_stderr(errors):
        seen = _look(entry)
    if not errors.beginning.strip():
        return seen
    told = RemarkRecord(f"writes {_shown(errors.beginning)} to standard error", errors.place)
    return msgspec.structs.replace(seen, remarks=(*seen.remarks, told))


def _look(entry: AnyEntry) -> Look:
    name = entry.entry_point.module
    package = name.partition(".")[0]
    try:
        with guarded(seconds=IMPORT_SECONDS, package=package) as noted:
            module = importlib.import_module(name)
    except (Exception, SystemExit, CodeEnded) as error:  # noqa: BLE001 - it is the author's code
        missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
        return Look(problem=said_by(error), place=place_in(error, package), missing=missing.partition(".")[0])
    stated = getattr(module, "api_version", None)
    seen = Look(
        api_version=None if stated is None else repr(stated),
        api_place=_line_of(module, "api_version"),
        hooks=tuple(_hooks(module)),
        remarks=_placed(noted.remarks, noted.places),
    )
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            seen = _load(entry, seen)
        except PluginError as error:
            place = "" if error.__cause__ is None else place_in(error.__cause__, package)
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
            remarks=(*seen.remarks, *_placed(extension.remarks, {})),
            gives=tuple((kind, _name_of(each)) for kind, each in given),
        )
    options, places = _options_of(entry)
    try:
        described = tuple(describe_options(options)) if options is not None else ()
    except Exception as error:  # noqa: BLE001 - annotations are code of the author's
        assert options is not None
        fault, place = unreadable_option(options)
        fault = fault or f"the options of {entry} cannot be read: {describe(error)}"
        return msgspec.structs.replace(seen, refusal=fault, state="broken", place=place)
    seen = msgspec.structs.replace(seen, options=described)
    try:
        loaded = load_entry(entry)
    except PluginError as error:
        place = (
            ""
            if error.__cause__ is None
            else place_in(error.__cause__, entry.entry_point.module.partition(".")[0])
        )
        return msgspec.structs.replace(seen, refusal=error.message, state=error.state, place=place)
    return msgspec.structs.replace(seen, remarks=(*seen.remarks, *_placed(loaded.remarks, places)))


def _options_of(entry: AnyEntry) -> tuple[type[Options] | None, dict[str, str]]:
    """Return the type of a task's options, as far as the plugin gives one, and the lines of what it does besides."""
    module = entry.entry_point.module
    function = getattr(sys.modules[module], "envkit_task", None)
    try:
        with guarded(package=module.partition(".")[0]) as noted:
            task: Any = function() if function is not None else None
    except (Exception, SystemExit, CodeEnded):  # noqa: BLE001 - loading says why
        return None, {}
    options: Any = task.options if isinstance(task, Task) else None
    is_one = inspect.isclass(options) and issubclass(options, Options)
    return (options if is_one else None), noted.places


def _placed(remarks: Iterable[str], places: Mapping[str, str]) -> tuple[RemarkRecord, ...]:
    return tuple(RemarkRecord(text, places.get(text, "")) for text in remarks)


def _shown(text: str) -> str:
    return repr(shorten(printable(text))[:MOST_KEPT])


def _name_of(given: Any) -> str:
    return str(getattr(given, "name", None) or getattr(given, "id", None) or type(given).__name__)


def _hooks(module: ModuleType) -> Iterator[HookRecord]:
    """Yield what implements a hook, or looks as if it were meant to."""
    for name, function, is_marked in functions_of(module):
        code: Any = getattr(function, "__code__", None)
        yield HookRecord(
            function=name,
            hook=hook_of(name, function),
            place=f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "",
            is_marked=is_marked,
            is_async=inspect.iscoroutinefunction(function),
            arguments=tuple(
                ArgumentRecord(each.name, each.kind.name, each.default is not each.empty)
                for each in inspect.signature(function).parameters.values()
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
