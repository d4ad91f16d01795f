"""Ask nvidia-smi, where NVML itself did not answer."""

from __future__ import annotations

import csv
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.facts import Gpu

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files
    from envkit.machine.process import RunProcess

# Longer than NVML's: it prints only when it has asked for everything, of every GPU.
TIMEOUT_SECONDS = 10.0
_FIELDS = ("index", "name", "compute_cap", "memory.total", "driver_version")
_WSL_FOLDER = "/usr/lib/wsl/lib"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the driver's own library or program told."""

    driver_version: str | None = None
    gpus: tuple[Gpu, ...] = ()


def ask_nvidia_smi(files: Files, *, environ: Mapping[str, str], run_process: RunProcess) -> Answer | None:
    """Return driver and GPUs, or None where there is no such program or no answer."""
    path = os.pathsep.join((environ.get("PATH", os.defpath), _WSL_FOLDER))
    program = shutil.which("nvidia-smi", path=path)
    if program is None:
        files.note("nvidia-smi", "it is not on PATH")
        return None
    cmd = [program, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        output = run_process(cmd, environ=environ, timeout=TIMEOUT_SECONDS)
    except OSError as error:
        files.note("nvidia-smi", error.strerror or str(error))
        return None
    if output.status is None:
        files.note("nvidia-smi", f"did not answer in {TIMEOUT_SECONDS:g} s")
        return None
    rows = [row for row in csv.reader(output.out.splitlines(), skipinitialspace=True) if row]
    if output.status != 0 or not rows or any(len(row) != len(_FIELDS) for row in rows):
        said = (output.err.strip() or output.out.strip()).partition("\n")[0]
        files.note("nvidia-smi", f"ended with status {output.status}: {said or 'no message'}")
        return None
    return Answer(driver_version=_version(rows[0][4]), gpus=tuple(_gpu(row) for row in rows))


def _gpu(row: list[str]) -> Gpu:
    index, name, capability, mebibytes, _ = (cell.strip() for cell in row)
    return Gpu(
        index=int(index) if index.isdecimal() else 0,
        name=name,
        compute_capability=_version(capability),
        memory=int(mebibytes) << 20 if mebibytes.isdecimal() else None,
    )


def _version(text: str) -> str | None:
    # Anything else is "[N/A]" or "[Not Supported]".
    return text.strip() if re.fullmatch(r"\d+(\.\d+)+", text.strip()) else None
