"""The grid of machines that the solver is held to, and what is held there against the second statement of the rules."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from torch_rules import Cell, best, find, has_wheels, numbers, suits

from envkit.api import MachineError
from envkit.machine import Cpu, Gpu, Interpreter, MachineFacts, Memory, Nvidia, Platform
from envkit.torchbuild import TorchBuild, choose_torch_build

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVERS = (
    *(
        "450.36.06",
        "450.80.02",
        "452.39",
        "455.45",
        "460.106",
        "465.31",
        "470.256.02",
        "495.46",
        "510.108.03",
    ),
    *(
        "515.105.01",
        "520.61.05",
        "525.53",
        "525.60.13",
        "528.33",
        "530.41.03",
        "535.288",
        "545.29.06",
        "550.163",
    ),
    *(
        "555.58.02",
        "560.35.05",
        "565.77",
        "570.211",
        "575.64.05",
        "579.99",
        "580",
        "580.126",
        "590.48",
        "600",
    ),
)
CAPABILITIES = (
    *("5.0", "5.2", "5.3", "6.0", "6.1", "6.2", "7.0", "7.2", "7.5", "8.0", "8.6", "8.7", "8.9", "9.0"),
    *("10.0", "10.3", "11.0", "12.0", "12.1"),
)
SYSTEMS = tuple(product(("linux", "windows", "darwin"), ("x86_64", "aarch64")))
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
RANGE = SpecifierSet(">=2.6,<3")
_WORDS = {("windows", "x86_64"): "AMD64", ("windows", "aarch64"): "ARM64", ("darwin", "aarch64"): "arm64"}


def cells() -> Iterator[Cell]:
    """Yield every machine: each GPU alone and with each other kind, with each driver, on each system and Python."""
    gpus = [(each,) for each in CAPABILITIES] + list(combinations(CAPABILITIES, 2))
    for (system, machine), python, driver, capabilities in product(SYSTEMS, PYTHONS, DRIVERS, gpus):
        yield Cell(capabilities, driver, system, machine, python)


def facts_of(cell: Cell) -> MachineFacts:
    """Return the facts of a machine of the grid. Macs have no driver of NVIDIA's, whatever the cell says."""
    is_linux, is_mac = cell.system == "linux", cell.system == "darwin"
    gpus = tuple(
        Gpu(index=index, name=f"GPU {index}", compute_capability=capability)
        for index, capability in enumerate(cell.capabilities)
    )
    return MachineFacts(
        taken_at="2026-01-02T03:04:05+00:00",
        python=Interpreter(
            path="/python", version=f"{cell.python}.1", implementation="cpython", is_64bit=True
        ),
        platform=Platform(
            system=cell.system,
            machine=_WORDS.get((cell.system, cell.machine), cell.machine),
            kernel="6.1",
            os_version="15.5" if is_mac else None,
            libc="glibc" if is_linux else None,
            libc_version="2.36" if is_linux else None,
        ),
        cpu=Cpu(),
        memory=Memory(),
        nvidia=Nvidia() if is_mac else Nvidia(driver_version=cell.driver, gpus=gpus),
    )


def choose(cell: Cell) -> TorchBuild | None:
    """Return envkit's choice, None where it says that nothing fits."""
    try:
        return choose_torch_build(facts_of(cell), specifier=RANGE, python=cell.python)
    except MachineError:
        return None


def breach(cell: Cell, choice: TorchBuild | None) -> str | None:
    """Return which rule a choice breaks, None if it keeps them all."""
    if choice is None:
        return "nothing chosen, and there are wheels" if has_wheels(cell) else None
    build = find(cell, choice.version, choice.variant)
    if build is None:
        return f"there is no wheel {choice.version} ({choice.variant})"
    if cell.system == "darwin":
        return None if choice.variant == "mps" else "not the build for Macs"
    if not suits(build, cell):
        return "driver or kernels do not suit"
    top = best(cell)
    if top is None:
        return None if choice.variant == "cpu" else "a GPU build, and none suits"
    chosen = numbers(choice.version.partition("+")[0]), build.cuda
    return None if chosen == (top.torch, top.cuda) else f"{top.torch} {top.variant} is newer"
