"""The machine of a run, in a few lines."""

from __future__ import annotations

import msgspec
from echo import echo_request

from envkit.machine import Cpu, Gpu, Interpreter, MachineFacts, Memory, Nvidia, Platform
from envkit.runs.report.machine import show_machine


def facts(**fields: object) -> MachineFacts:
    base = MachineFacts(
        taken_at="2026-11-22T14:15:03+00:00",
        python=Interpreter(
            path="/usr/bin/python3", version="3.11.7", implementation="cpython", is_64bit=True
        ),
        platform=Platform(
            system="linux",
            machine="x86_64",
            kernel="6.1",
            os_name="Debian GNU/Linux 12 (bookworm)",
            os_version="12",
            is_container=True,
        ),
        cpu=Cpu(model="A Processor", logical_cores=8, quota=2.0),
        memory=Memory(total=16_000_000_000, limit=8_000_000_000),
        nvidia=Nvidia(),
    )
    return msgspec.structs.replace(base, **fields)


def lines(facts: MachineFacts | None) -> dict[str, str]:
    return {fact.name: f"{fact.value} | {fact.note}" for fact in show_machine(facts, echo_request(), None)}


def test_show_machine_says_what_of_it_may_be_used() -> None:
    shown = lines(facts())

    assert shown["processor"] == "A Processor | 8 cores, of which 2 may be used"
    assert shown["memory"].startswith("16.0 GB, of which 8.0 GB may be used")
    assert shown["GPU"].startswith("no NVIDIA GPU")


def test_show_machine_names_the_system_once() -> None:
    assert lines(facts())["system"] == "Debian GNU/Linux 12 (bookworm), x86_64, in a container | kernel 6.1"


def test_show_machine_numbers_several_gpus() -> None:
    gpus = tuple(
        Gpu(index=n, name="NVIDIA X", compute_capability="9.0", memory=48_000_000_000) for n in (0, 1)
    )

    shown = lines(facts(nvidia=Nvidia(driver_version="560.35", gpus=gpus)))

    assert shown["GPU 1"] == "NVIDIA X | 48.0 GB, compute capability 9.0, driver 560.35"


def test_show_machine_of_which_little_was_read_does_without() -> None:
    shown = lines(
        facts(cpu=Cpu(), memory=Memory(), platform=Platform(system="darwin", machine="arm64", kernel="23.1"))
    )

    assert shown["processor"] == "arm64 | "
    assert "memory" not in shown
    assert shown["system"].startswith("darwin, arm64 | ")


def test_show_machine_without_facts_has_the_environment_alone() -> None:
    assert lines(None) == {"environment": "echo-env | the test says so"}
