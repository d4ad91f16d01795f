"""Turn whatever a plugin raised into the record of a failed run: what is wrong, and whose turn it is."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

import envkit
from envkit.api import EnvkitError, PluginError
from envkit.api.records import ErrorRecord, RunRequest
from envkit.registry import TaskEntry, describe
from envkit.worker.reporter import plain_text

if TYPE_CHECKING:
    from types import TracebackType

_FAILED = 1
# What torch says where it has no class for it: its CPU allocator, MPS and older CUDA allocators.
_MEMORY_WORDS = ("out of memory", "can't allocate memory")
_NOT_THE_PLUGIN = tuple(str(Path(module.__file__ or "").parent) for module in (envkit, pluggy))


def record_failure(
    error: BaseException, *, entry: TaskEntry | None, request: RunRequest, run_dir: Path
) -> ErrorRecord:
    """Return the record of the error that ended a run; ``entry`` is the plugin if its code was running.

    An error that the user can mend has no traceback; one that only an author can mend has.
    """
    plugin = None if entry is None else str(entry)
    if isinstance(error, EnvkitError):
        cause = error.__cause__ if isinstance(error, PluginError) else None
        return _record(error.message, error.exit_code, hint=error.hint, cause=cause, plugin=plugin)
    if is_out_of_memory(error):
        message = f"the memory is too small for this run: {_first_line(error)}"
        return _record(message, _FAILED, hint=hint_for_memory(request), plugin=plugin)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _record(
            f"the disk is full: {error.filename or run_dir}: {error.strerror}",
            _FAILED,
            hint=f"Free some space, or put the run on another disk with --run-dir. To look: df -h {run_dir}",
            plugin=plugin,
        )
    if entry is None:
        return _record(f"the worker failed: {describe(error)}", _FAILED, cause=error)
    if isinstance(error, SystemExit):
        message = f"{entry} tried to end the process (exit code {error.code!r}) instead of returning a Result"
    else:
        message = f"{entry} failed: {describe(error)}"
    where = entry.tracker or f"the author of {entry.plugin}"
    hint = f"This is a fault of the plugin. Send the traceback to {where}"
    return _record(message, PluginError.exit_code, hint=hint, cause=error, plugin=plugin)


def hint_for_memory(request: RunRequest) -> str:
    """Return what to do where memory ran out."""
    for option in ("batch_size", "tokens_per_step"):
        size = request.options.get(option)
        if isinstance(size, int) and size > 1:
            return f"Use smaller steps: --{option.replace('_', '-')} {size // 2}"
    return "Use a smaller model (--model), or another device (--device cpu)"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, the machine's or a GPU's, without importing torch to ask."""
    if isinstance(error, MemoryError):
        return True
    if any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


def _record(
    message: str,
    exit_code: int,
    *,
    hint: str | None = None,
    cause: BaseException | None = None,
    plugin: str | None = None,
) -> ErrorRecord:
    return ErrorRecord(
        message=plain_text(message),
        exit_code=exit_code,
        hint=None if hint is None else plain_text(hint),
        traceback=None if cause is None else plain_text(_format(cause)),
        plugin=None if plugin is None else plain_text(plugin),
    )


def _format(error: BaseException) -> str:
    """Return the traceback from the first line that is the plugin's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and _is_ours(trace):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _is_ours(trace: TracebackType) -> bool:
    return trace.tb_frame.f_code.co_filename.startswith(_NOT_THE_PLUGIN)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
