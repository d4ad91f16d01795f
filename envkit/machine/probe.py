"""Take all facts of a machine once."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api.facts import Cpu, MachineFacts, Memory, Nvidia
from envkit.machine.cgroup import read_limits
from envkit.machine.cpu import read_linux_cpu, read_macos_cpu
from envkit.machine.disk import read_disks
from envkit.machine.files import Files
from envkit.machine.interpreters import find_interpreters, read_python
from envkit.machine.memory import read_linux_memory, read_macos_memory
from envkit.machine.nvidia import read_nvidia
from envkit.machine.operating_system import read_platform
from envkit.machine.process import RunProcess, run_process
from envkit.machine.sysctl import read_sysctl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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
    """Return the facts of this machine; what cannot be read is in ``unread``, with the reason.

    ``root`` is where the kernel's files are read from, ``folders`` those whose disks are wanted. Torch is
    not imported, the network not used, and no process started where there is no sign of an NVIDIA GPU.
    """
    files = Files(root)
    system = read_platform(files, environ=environ, uname=uname)
    cpu, memory, nvidia = Cpu(), Memory(), Nvidia()
    if system.system == "linux":
        limits = read_limits(files)
        cpu = read_linux_cpu(files, quota=limits.cores)
        memory = read_linux_memory(files, limit=limits.memory)
        nvidia = read_nvidia(files, environ=environ, run_process=run_process)
    elif system.system == "darwin":
        sysctl = read_sysctl(files, environ=environ, run_process=run_process)
        cpu, memory = read_macos_cpu(sysctl), read_macos_memory(sysctl)
    else:
        files.note("processor, memory, GPUs", f"envkit does not read them on {system.system}")
    disks = read_disks(files, folders=folders)
    return MachineFacts(
        taken_at=now().isoformat(timespec="seconds"),
        python=read_python(),
        interpreters=find_interpreters(environ=environ),
        platform=system,
        cpu=cpu,
        memory=memory,
        nvidia=nvidia,
        disks=disks,
        unread=files.unread,
    )
