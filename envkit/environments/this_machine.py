"""Whether what is for one machine can be installed on this one."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from envkit.api import MachineError
from envkit.torchbuild.fit import name_gpus, usable_gpus

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.machine import MachineFacts, Platform


def describe_kind(
    of: Platform | None = None, *, uname: Callable[[], platform.uname_result] = platform.uname
) -> str:
    """Return system and processor family, of this machine if None is given: ``linux on x86_64``.

    Files for one kind can be installed on all machines of that kind.
    """
    if of is None:
        host = uname()
        return f"{host.system.lower()} on {_family(host.machine)}"
    return f"{of.system} on {_family(of.machine)}"


def describe_machine(facts: MachineFacts) -> str:
    """Return which machine an environment is for: ``linux on x86_64, with NVIDIA H200``."""
    gpus = usable_gpus(facts)
    return f"{describe_kind(facts.platform)}, {f'with {name_gpus(gpus)}' if gpus else 'no NVIDIA GPU'}"


def _family(machine: str) -> str:
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(machine.lower(), machine.lower())


def check_system(platform: Platform) -> None:
    """Check that environments can be for such a machine at all. Raises: MachineError."""
    if platform.system not in ("linux", "darwin"):
        raise MachineError(
            f"environments are for Linux and macOS, and the machine's system is {platform.system!r}",
            hint="On Windows, run envkit in WSL, and read the facts there: envkit facts > FACTS",
        )
