"""What a machine has that packages may ask for, as conda's virtual packages: from its facts alone.

So an environment can be solved on a laptop for the GPU server whose facts were sent.
Source: conda's documentation, "Managing virtual packages"; CEP 30.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine import MachineFacts

# The newest CUDA that each branch of NVIDIA's driver runs; Windows' numbers (inside WSL) fall into the same
# branches. Source: CUDA Toolkit release notes, table "CUDA Toolkit and Corresponding Driver Versions".
_CUDA_OF_DRIVER = (
    ("595", "13.2"),
    ("590", "13.1"),
    ("580", "13.0"),
    ("575", "12.9"),
    ("570", "12.8"),
    ("565", "12.7"),
    ("560", "12.6"),
    ("555", "12.5"),
    ("550", "12.4"),
    ("545", "12.3"),
    ("535", "12.2"),
    ("530", "12.1"),
    ("525", "12.0"),
    ("520", "11.8"),
    ("515", "11.7"),
    ("510", "11.6"),
    ("495", "11.5"),
    ("470", "11.4"),
    ("465", "11.3"),
    ("460", "11.2"),
    ("455", "11.1"),
    ("450", "11.0"),
    ("440", "10.2"),
)
# Of the features that facts name, those that no processor of a lower level has. avx512f alone would not do: Xeon
# Phi has it without the rest of the fourth level; too low a level costs speed only.
# Source: x86-64 psABI, microarchitecture levels.
_LEVELS = (("x86_64_v4", "avx512_bf16"), ("x86_64_v3", "avx2"))
_OVERRIDES = {
    "CONDA_OVERRIDE_CUDA": "__cuda",
    "CONDA_OVERRIDE_GLIBC": "__glibc",
    "CONDA_OVERRIDE_LINUX": "__linux",
    "CONDA_OVERRIDE_OSX": "__osx",
    "CONDA_OVERRIDE_ARCHSPEC": "__archspec",
}


def virtual_packages(facts: MachineFacts, *, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return them as ``name=version``, or ``name=version=build``, sorted.

    ``CONDA_OVERRIDE_CUDA`` and its like in ``environ`` go before the facts; an empty one takes a package away.
    """
    found = _of_system(facts) | _of_driver(facts) | {"__archspec": f"1={_archspec(facts)}"}
    for variable, name in _OVERRIDES.items():
        text = environ.get(variable)
        if text is not None:
            text = text.strip()
            found[name] = f"1={text}" if name == "__archspec" and text else text
    return tuple(f"{name}={version}" for name, version in sorted(found.items()) if version)


def cuda_of_driver(driver: str) -> str | None:
    """Return the newest CUDA that a driver of this version runs, None for one older than CUDA 10.2's."""
    try:
        version = Version(driver)
    except InvalidVersion:
        return None
    return next((cuda for oldest, cuda in _CUDA_OF_DRIVER if version >= Version(oldest)), None)


def _of_system(facts: MachineFacts) -> dict[str, str]:
    platform = facts.platform
    if platform.system == "windows":
        return {"__win": "0"}
    found = {"__unix": "0"}
    if platform.system == "darwin":
        return found | {"__osx": platform.os_version or "0"}
    kernel = re.match(r"\d+(\.\d+)*", platform.kernel)
    found["__linux"] = kernel[0] if kernel else "0"
    if platform.libc == "glibc" and platform.libc_version:
        found["__glibc"] = platform.libc_version
    return found


def _of_driver(facts: MachineFacts) -> dict[str, str]:
    cuda = cuda_of_driver(facts.nvidia.driver_version or "")
    return {"__cuda": cuda} if cuda else {}


def _archspec(facts: MachineFacts) -> str:
    machine = facts.platform.machine.lower()
    if machine in ("x86_64", "amd64"):
        return next((level for level, needed in _LEVELS if needed in facts.cpu.features), "x86_64")
    # The oldest processor of its kind, whose code all others run.
    return {"arm64": "m1"}.get(machine, machine)
