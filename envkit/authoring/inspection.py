"""What a plugin gives when it is imported, asked of a process of its own: hooks, options, or why it fails."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.doctor.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.registry import AnyEntry

INSPECT_SECONDS = 10.0
_LAST_WORDS_SECONDS = 0.2
# On the search path of this process: the same plugins are found.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; from envkit.authoring.inspection_child import main; main()"
)


class EntryKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which entry is meant: ``kind`` is ``task`` or ``extension``, ``plugin`` its distribution."""

    kind: str
    name: str
    plugin: str


class HookFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A hook and the function behind it, as ``module:function``, with its file and line where they are known."""

    hook: str
    function: str
    file: str | None = None
    line: int | None = None


class OptionLine(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a task: ``default`` as it is written, None for one without; ``bounds`` as help shows them."""

    flag: str
    default: str | None = None
    bounds: str = ""
    help: str = ""


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. Where it cannot be used, ``problem`` says why, and ``traceback`` where its code failed.

    ``headline`` is the metric of a task; ``remarks`` are what importing did that no import should.
    """

    state: Literal["ok", "broken", "conflict", "disabled", "incompatible"] = "ok"
    problem: str | None = None
    hint: str | None = None
    traceback: str | None = None
    hooks: tuple[HookFunction, ...] = ()
    options: tuple[OptionLine, ...] = ()
    headline: str | None = None
    remarks: tuple[str, ...] = ()


def inspect_entry(
    entry: AnyEntry,
    *,
    python: str = sys.executable,
    path: Sequence[str] | None = None,
    timeout: float = INSPECT_SECONDS,
) -> Inspected:
    """Import the entry in a process of its own and return what it gives; a failure is told, never raised."""
    key = EntryKey(kind=entry.kind, name=entry.name, plugin=entry.plugin)
    try:
        child = ChildProcess([python, "-P", "-c", _PROGRAM, *map(str, sys.path if path is None else path)])
    except OSError as error:
        return Inspected(state="broken", problem=f"no process could be started: {error.strerror}")
    status: int | None = None
    try:
        line = child.exchange(msgspec.json.encode(key) + b"\n", time.monotonic() + timeout)
        return msgspec.json.decode(line, type=Inspected)
    except TimeoutError:
        return Inspected(state="broken", problem=f"it does not load in {timeout:g} s")
    except (OSError, msgspec.DecodeError):
        status = child.end(patience=_LAST_WORDS_SECONDS)
        how = "" if status is None else f" with status {status}"
        return Inspected(state="broken", problem=f"it ends the process that loads it{how}")
    finally:
        child.kill()
