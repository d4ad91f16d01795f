"""What a worker leaves: processes of its group, and whether the system killed for lack of memory meanwhile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# For helpers that end by themselves once their parent has: a resource tracker, say.
_LEAVING_SECONDS = 0.5
_PAUSE = 0.02
_MOST_NAMED = 3


def wait_for_members(
    group: int,
    *,
    processes: Path = Path("/proc"),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[str, ...]:
    """Return the names of the processes of a group that still live shortly after its leader has ended.

    Nothing where the system has no /proc.
    """
    deadline = clock() + _LEAVING_SECONDS
    while (found := living_members(group, processes=processes)) and clock() < deadline:
        sleep(_PAUSE)
    return found


def living_members(group: int, *, processes: Path = Path("/proc")) -> tuple[str, ...]:
    """Return the names of the processes of this group that are alive; those that only wait to be reaped are not."""
    found = []
    for file in processes.glob("[0-9]*/stat"):
        try:
            head, _, rest = file.read_text(encoding="utf-8", errors="replace").rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        state, _parent, owner = rest.split()[:3]  # proc_pid_stat(5): fields 3 to 5
        if int(owner) == group and state not in "ZX":
            found.append(head.partition("(")[2])
    return tuple(sorted(found))


def leftovers_text(plugin: str, names: tuple[str, ...]) -> str:
    """Return what is said of processes that were left and have been ended."""
    some = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    what = f"a process ({some})" if len(names) == 1 else f"{len(names)} processes ({some})"
    return f"{plugin} left {what} running when its work was over: envkit ended them."


def read_memory_kills(file: Path = Path("/proc/vmstat")) -> int | None:
    """Return how many processes Linux has killed for lack of memory, in all its limits; None where nobody counts."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
