"""Read the machine's facts: no judgement, no torch, and no network unless it is asked for."""

from envkit.api.facts import (
    Cpu,
    Disk,
    FoundInterpreter,
    Gpu,
    Interpreter,
    MachineFacts,
    Memory,
    Nvidia,
    Platform,
    Unread,
)
from envkit.machine.probe import read_facts
from envkit.machine.process import ProcessOutput, RunProcess, run_process

__all__ = [
    "Cpu",
    "Disk",
    "FoundInterpreter",
    "Gpu",
    "Interpreter",
    "MachineFacts",
    "Memory",
    "Nvidia",
    "Platform",
    "ProcessOutput",
    "RunProcess",
    "Unread",
    "read_facts",
    "run_process",
]
