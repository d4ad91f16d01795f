"""Ask nvidia-smi, where NVML itself did not answer."""

from __future__ import annotations

import csv
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api.facts import Gpu
from envkit.machine.libraries import WSL_LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files
    from envkit.machine.process import RunProcess

# Longer than NVML's: it prints only when it has asked for everything, of every GPU.
TIMEOUT_SECONDS = 10.0
# None is newer than compute_cap: an nvidia-smi that does not know a field answers nothing at all.
_FIELDS = (
    "index",
    "name",
    "compute_cap",
    "memory.total",
    "driver_version",
    "uuid",
    "mig.mode.current",
    "compute_mode",
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the driver's own library or program told; the last three are the library's alone."""

    driver_version: str | None = None
    gpus: tuple[Gpu, ...] = ()
    cuda_version: str | None = None
    library_version: str | None = None
    library_file: str | None = None


def ask_nvidia_smi(files: Files, *, environ: Mapping[str, str], run_process: RunProcess) -> Answer | None:
    """Return driver and GPUs, or None where there is no such program or no answer."""
    path = os.pathsep.join((environ.get("PATH", os.defpath), WSL_LIBRARIES))
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
    index, name, capability, mebibytes, _, uuid, mig, mode = (cell.strip() for cell in row)
    return Gpu(
        index=int(index) if _is_number(index) else 0,
        name=name,
        compute_capability=_version(capability),
        memory=int(mebibytes) << 20 if _is_number(mebibytes) else None,
        uuid=uuid if uuid.startswith("GPU-") else None,
        # "[N/A]" is a GPU that cannot be cut.
        mig=mig.lower() == "enabled",
        compute_mode=_compute_mode(mode),
    )


def _compute_mode(text: str) -> str | None:
    # As in "Exclusive_Process", "Exclusive_Thread".
    word = text.lower().partition("_")[0]
    return word if word in ("default", "exclusive", "prohibited") else None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,12}", text) is not None


def _version(text: str) -> str | None:
    # Anything else is "[N/A]" or "[Not Supported]".
    return text.strip() if re.fullmatch(r"[0-9]+(\.[0-9]+)+", text.strip()) else None
