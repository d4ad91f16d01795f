"""Import one plugin in this process and say what it gives; what it prints goes nowhere."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import envkit
from envkit.api import PluginError
from envkit.authoring.inspection import EntryKey, HookFunction, Inspected, OptionLine
from envkit.option_fields import read_fields
from envkit.registry import ExtensionEntry, find_entries, load_entry, load_extension

if TYPE_CHECKING:
    from types import TracebackType

    import pluggy

    from envkit.api import Options
    from envkit.registry import AnyEntry

_LIFE_SECONDS = 60  # the end of a process that hangs and that nobody waits for
_ENVKIT = str(Path(envkit.__file__).parent)


def main() -> None:
    """Answer the one request."""
    answers = os.dup(1)  # not inherited by what the plugin starts
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    signal.alarm(_LIFE_SECONDS)
    key = msgspec.json.decode(sys.stdin.buffer.readline(), type=EntryKey)
    text = msgspec.json.encode(inspect_key(key)) + b"\n"
    while text:
        text = text[os.write(answers, text) :]
    os._exit(0)  # threads of the plugin's may wait for ever


def inspect_key(key: EntryKey) -> Inspected:
    """Return what the entry gives, or why it cannot be used."""
    for entry in find_entries():
        if EntryKey(kind=entry.kind, name=entry.name, plugin=entry.plugin) == key:
            try:
                return _inspect(entry)
            except PluginError as error:
                return Inspected(
                    state=error.state,
                    problem=error.message,
                    hint=error.hint,
                    traceback=_plugin_traceback(error.__cause__),
                )
    return Inspected(state="broken", problem=f"{key.plugin} has gone meanwhile")


def _inspect(entry: AnyEntry) -> Inspected:
    if isinstance(entry, ExtensionEntry):
        extension = load_extension(entry)
        if extension.fault is not None:
            raise extension.fault
        assert extension.manager is not None
        return Inspected(hooks=_functions(extension.manager), remarks=extension.remarks)
    loaded = load_entry(entry)
    return Inspected(
        hooks=_functions(loaded.manager),
        options=_options(loaded.task.options),
        headline=loaded.task.headline,
        remarks=loaded.remarks,
    )


def _functions(manager: pluggy.PluginManager) -> tuple[HookFunction, ...]:
    found = []
    for name in sorted(vars(manager.hook)):
        if name.startswith("envkit_"):
            found += [_function(name, each.function) for each in getattr(manager.hook, name).get_hookimpls()]
    return tuple(found)


def _function(hook: str, function: Any) -> HookFunction:
    code = getattr(function, "__code__", None)  # a decorated or compiled one may have none
    return HookFunction(
        hook=hook,
        function=f"{function.__module__}:{getattr(function, '__qualname__', hook)}",
        file=code and code.co_filename,
        line=code and code.co_firstlineno,
    )


def _options(options: type[Options]) -> tuple[OptionLine, ...]:
    return tuple(
        OptionLine(
            flag="--" + field.name.replace("_", "-"),
            default=_default_text(field.default),
            bounds=field.bounds,
            help=field.help,
        )
        for field in read_fields(options)
    )


def _default_text(default: Any) -> str | None:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return None if default is None else str(default)


def _plugin_traceback(error: BaseException | None) -> str | None:
    """Return the traceback from the plugin's own first line on: how envkit got there is no news to its author."""
    if error is None:
        return None
    return "".join(traceback.format_exception(type(error), error, _first_foreign(error.__traceback__)))


def _first_foreign(trace: TracebackType | None) -> TracebackType | None:
    own = (_ENVKIT, "<frozen importlib", str(Path(os.__file__).parent / "importlib"))
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(own):
        trace = trace.tb_next
    return trace
