"""Probe main memory, and the part of it that processes share."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from envkit.api.facts import Memory

if TYPE_CHECKING:
    from envkit.machine.files import Files
    from envkit.machine.sysctl import Sysctl

SHARED = "/dev/shm"


def read_linux_memory(files: Files, *, limit: int | None) -> Memory:
    """Return /proc/meminfo's numbers in bytes, and those of /dev/shm; ``limit`` is the control group's."""
    text = files.text("/proc/meminfo") or ""
    kibibytes = {name: int(value) for name, value in re.findall(r"^(\w+):\s*(\d+) kB$", text, re.MULTILINE)}
    sizes: dict[str, int | None] = {}
    for name in ("MemTotal", "MemAvailable"):
        sizes[name] = kibibytes[name] * 1024 if name in kibibytes else None
        if sizes[name] is None:
            files.note("memory", f"/proc/meminfo has no {name}")
    shared_total, shared_free = _shared_memory(files)
    return Memory(
        total=sizes["MemTotal"],
        available=sizes["MemAvailable"],
        limit=limit,
        shared_total=shared_total,
        shared_free=shared_free,
    )


def _shared_memory(files: Files) -> tuple[int | None, int | None]:
    try:
        usage = os.statvfs(files.locate(SHARED))
    except OSError as error:
        files.note(SHARED, error.strerror or str(error))
        return None, None
    return usage.f_blocks * usage.f_frsize, usage.f_bavail * usage.f_frsize


def read_macos_memory(sysctl: Sysctl) -> Memory:
    """Return macOS's numbers; available are the free pages and those of files, which it gives up."""
    pages = [sysctl.number("vm.page_free_count"), sysctl.number("vm.page_pageable_external_count")]
    size = sysctl.number("hw.pagesize")
    known = [page for page in pages if page is not None]
    return Memory(
        total=sysctl.number("hw.memsize"), available=sum(known) * size if known and size is not None else None
    )
