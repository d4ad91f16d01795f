"""Probe main memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.facts import Memory

if TYPE_CHECKING:
    from envkit.machine.files import Files
    from envkit.machine.sysctl import Sysctl


def read_linux_memory(files: Files, *, limit: int | None) -> Memory:
    """Return /proc/meminfo's numbers in bytes; ``limit`` is the control group's."""
    text = files.text("/proc/meminfo") or ""
    kibibytes = {name: int(value) for name, value in re.findall(r"^(\w+):\s*(\d+) kB$", text, re.MULTILINE)}
    sizes: dict[str, int | None] = {}
    for name in ("MemTotal", "MemAvailable"):
        sizes[name] = kibibytes[name] * 1024 if name in kibibytes else None
        if sizes[name] is None:
            files.note("memory", f"/proc/meminfo has no {name}")
    return Memory(total=sizes["MemTotal"], available=sizes["MemAvailable"], limit=limit)


def read_macos_memory(sysctl: Sysctl) -> Memory:
    """Return macOS's numbers; available are the free pages and those of files, which it gives up."""
    pages = [sysctl.number("vm.page_free_count"), sysctl.number("vm.page_pageable_external_count")]
    size = sysctl.number("hw.pagesize")
    known = [page for page in pages if page is not None]
    return Memory(
        total=sysctl.number("hw.memsize"), available=sum(known) * size if known and size is not None else None
    )
