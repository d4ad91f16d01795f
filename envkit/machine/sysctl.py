"""macOS's numbers, all from one call of sysctl."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files
    from envkit.machine.process import RunProcess

NAMES = (
    "machdep.cpu.brand_string",
    "hw.physicalcpu",
    "hw.logicalcpu",
    "hw.memsize",
    "hw.pagesize",
    "vm.page_free_count",
    "vm.page_pageable_external_count",
)
TIMEOUT_SECONDS = 2.0


class Sysctl:
    """Values by name; a missing one is None."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        """Return a value as it was printed."""
        return self._values.get(name)

    def number(self, name: str) -> int | None:
        """Return a value as a whole number."""
        value = self._values.get(name, "")
        return int(value) if value.isdecimal() else None


def read_sysctl(files: Files, *, environ: Mapping[str, str], run_process: RunProcess) -> Sysctl:
    """Ask for all names at once; those that this macOS does not know are missing from the answer."""
    try:
        output = run_process(["/usr/sbin/sysctl", *NAMES], environ=environ, timeout=TIMEOUT_SECONDS)
    except OSError as error:
        files.note("sysctl", error.strerror or str(error))
        return Sysctl({})
    if output.status is None:
        files.note("sysctl", f"did not answer in {TIMEOUT_SECONDS:g} s")
    lines = (line.partition(": ") for line in output.out.splitlines())
    return Sysctl({name: value.strip() for name, _, value in lines})
