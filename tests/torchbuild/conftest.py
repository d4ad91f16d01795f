from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api.facts import Amd, AmdGpu, Intel, IntelGpu
from envkit.machine import Cpu, Gpu, Interpreter, MachineFacts, Memory, Nvidia, Platform, Unread

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def make_facts() -> Callable[..., MachineFacts]:
    """Make the facts of a machine from what decides about torch."""

    def make(
        *capabilities: str | None,
        driver: str | None = None,
        system: str = "linux",
        machine: str = "x86_64",
        os_version: str = "12",
        libc: str | None = "glibc",
        libc_version: str | None = "2.36",
        is_wsl: bool = False,
        is_container: bool = False,
        is_jetson: bool = False,
        implementation: str = "cpython",
        is_64bit: bool = True,
        amd: tuple[AmdGpu, ...] = (),
        intel: tuple[IntelGpu, ...] = (),
        unread: tuple[Unread, ...] = (),
    ) -> MachineFacts:
        gpus = tuple(
            Gpu(index=index, name=f"GPU {index}", compute_capability=capability)
            for index, capability in enumerate(capabilities)
        )
        return MachineFacts(
            taken_at="2026-01-02T03:04:05+00:00",
            python=Interpreter(
                path="/usr/bin/python3.11",
                version="3.11.9",
                implementation=implementation,
                is_64bit=is_64bit,
            ),
            platform=Platform(
                system=system,
                machine=machine,
                kernel="6.1",
                os_version=os_version,
                libc=libc if system == "linux" else None,
                libc_version=libc_version if system == "linux" else None,
                is_wsl=is_wsl,
                is_container=is_container,
                is_jetson=is_jetson,
            ),
            cpu=Cpu(),
            memory=Memory(),
            nvidia=Nvidia(driver_version=driver, gpus=gpus),
            amd=Amd(gpus=amd),
            intel=Intel(gpus=intel),
            unread=unread,
        )

    return make
