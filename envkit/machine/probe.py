"""Take the facts that a torch build is chosen by, one after the other: no thread, and most often no process."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import Cpu, MachineFacts, Memory, Nvidia
from envkit.machine.amd import read_amd
from envkit.machine.apple import read_apple
from envkit.machine.cgroup import read_limits
from envkit.machine.cpu import read_linux_cpu, read_macos_cpu
from envkit.machine.disk import read_disks
from envkit.machine.files import Files
from envkit.machine.intel import read_intel
from envkit.machine.interpreters import find_interpreters, read_python
from envkit.machine.memory import read_linux_memory, read_macos_memory
from envkit.machine.nvidia import read_nvidia
from envkit.machine.operating_system import read_platform
from envkit.machine.process import RunProcess, run_process
from envkit.machine.sysctl import read_sysctl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# What is looked at here, as MachineFacts names it.
_PARTS = ("python", "interpreters", "platform", "cpu", "memory", "nvidia", "amd", "intel", "apple", "disks")


def _now() -> datetime:
    return datetime.now(UTC)


def read_facts(
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    folders: Sequence[Path] = (),
    run_process: RunProcess = run_process,
    uname: Callable[[], platform.uname_result] = platform.uname,
    now: Callable[[], datetime] = _now,
) -> MachineFacts:
    """Return the facts that choose a torch build; what cannot be read is in ``unread``, with the reason.

    ``root`` is where the kernel's files are read from, ``folders`` those whose disks are wanted. Torch is
    not imported, the network not used, and no process started where there is no sign of an NVIDIA GPU.
    """
    parts = {part: Files(root, part=part) for part in _PARTS}
    system = read_platform(parts["platform"], environ=environ, uname=uname)
    cpu, memory, nvidia = Cpu(), Memory(), Nvidia()
    if system.system == "linux":
        limits = read_limits(parts["cpu"])
        cpu = read_linux_cpu(parts["cpu"], quota=limits.cores)
        memory = read_linux_memory(parts["memory"], limit=limits.memory)
        nvidia = read_nvidia(parts["nvidia"], environ=environ, run_process=run_process)
    elif system.system == "darwin":
        sysctl = read_sysctl(parts["cpu"], environ=environ, run_process=run_process)
        cpu, memory = read_macos_cpu(sysctl), read_macos_memory(sysctl)
    else:
        parts["cpu"].note("processor, memory, GPUs", f"envkit does not read them on {system.system}")
    return MachineFacts(
        taken_at=now().isoformat(timespec="seconds"),
        python=read_python(environ=environ),
        interpreters=find_interpreters(environ=environ, files=parts["interpreters"]),
        platform=system,
        cpu=cpu,
        memory=memory,
        nvidia=nvidia,
        amd=read_amd(parts["amd"], environ=environ),
        intel=read_intel(parts["intel"]),
        apple=read_apple(system),
        disks=read_disks(parts["disks"], folders=folders),
        unread=tuple(each for files in parts.values() for each in files.unread),
        parts=_PARTS,
    )
