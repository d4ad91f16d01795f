from __future__ import annotations

from envkit.machine.files import Files
from envkit.machine.memory import read_linux_memory, read_macos_memory
from envkit.machine.sysctl import Sysctl


def test_memory_linux_is_in_bytes(make_root):
    meminfo = "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\n"
    files = Files(make_root({"/proc/meminfo": meminfo, "/dev/shm/any": ""}))
    memory = read_linux_memory(files, limit=512)
    assert (memory.total, memory.available, memory.limit) == (2 << 20, 1 << 20, 512)
    assert memory.shared_total
    assert memory.shared_total >= (memory.shared_free or 0)
    assert files.unread == ()


def test_memory_linux_without_meminfo_is_noted(make_root):
    files = Files(make_root({}))
    memory = read_linux_memory(files, limit=None)
    assert (memory.total, memory.available) == (None, None)
    assert (memory.shared_total, memory.shared_free) == (None, None)
    assert [each.what for each in files.unread] == ["memory", "memory", "/dev/shm"]


def test_memory_macos_counts_free_and_file_pages():
    values = {
        "hw.memsize": "17179869184",
        "hw.pagesize": "16384",
        "vm.page_free_count": "10",
        "vm.page_pageable_external_count": "5",
    }
    memory = read_macos_memory(Sysctl(values))
    assert (memory.total, memory.available) == (16 << 30, 15 * 16384)


def test_memory_macos_unknown_names_are_none():
    memory = read_macos_memory(Sysctl({}))
    assert (memory.total, memory.available) == (None, None)
