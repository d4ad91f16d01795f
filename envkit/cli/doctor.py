"""``envkit doctor``: the machine in a few lines, the torch build that fits it, and why."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from envkit import config
from envkit.api import MachineError
from envkit.cli import envelope
from envkit.environments.requirements import torch_range
from envkit.machine import MachineFacts, Platform, read_facts
from envkit.pip_configuration import read_pip_configuration
from envkit.torchbuild import TorchBuild, choose_torch_build, local_wheels
from envkit.torchbuild.records import masked


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor has seen. ``torch`` is None where no build fits, and ``problem`` says why."""

    facts: MachineFacts
    torch: TorchBuild | None
    problem: str | None
    hint: str | None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(as_json: bool) -> None:
    """Look at this machine and say which torch build fits it, and why.

    Ends with 1 where none fits.
    """
    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    facts = read_facts(folders=(settings.home, Path.cwd()))
    report = _examine(facts, torch_index=settings.torch_index)
    if as_json:
        envelope.write(["doctor"], data=report)
    else:
        _show(report)
    if report.torch is None:
        raise click.exceptions.Exit(1)


def _examine(facts: MachineFacts, *, torch_index: str) -> Report:
    try:
        build = choose_torch_build(
            facts,
            specifier=torch_range(),
            python=facts.python.version,
            wheels=local_wheels(read_pip_configuration().find_links),
            torch_index=torch_index,
        )
    except MachineError as error:
        return Report(facts=facts, torch=None, problem=error.message, hint=error.hint)
    return Report(facts=facts, torch=masked(build), problem=None, hint=None)


def _show(report: Report) -> None:
    from envkit.cli import render

    facts = report.facts
    render.print_pairs(_machine_lines(facts))
    click.echo()
    if report.torch is None:
        click.echo(f"error: {report.problem}")
        if report.hint:
            click.echo(f"hint: {report.hint}")
        return
    build = report.torch
    place = f" ({build.location})" if build.location else ""
    pairs = [
        ("torch", f"{build.version} ({build.variant}) for Python {build.python}"),
        ("from", f"{build.source}{place}"),
        ("why", build.reason),
    ]
    for rejected in build.rejected:
        unlock = f" (to change that: {rejected.unlock})" if rejected.unlock else ""
        pairs.append(("not", f"{rejected.version} ({rejected.variant}): {rejected.why}{unlock}"))
    render.print_pairs(pairs)


def _machine_lines(facts: MachineFacts) -> list[tuple[str, str]]:
    from envkit.cli.render import size_text

    system, cpu, memory = facts.platform, facts.cpu, facts.memory
    libc = f", {system.libc} {system.libc_version or ''}".rstrip() if system.libc else ""
    inside = " in WSL" if system.is_wsl else " in a container" if system.is_container else ""
    cores = f"{cpu.logical_cores or '?'} cores" + (f", held to {cpu.quota:g}" if cpu.quota else "")
    limit = f", held to {size_text(memory.limit)}" if memory.limit else ""
    lines = [
        ("Python", f"{facts.python.version} ({facts.python.path})"),
        ("system", f"{_system_name(system)} {system.machine}{libc}{inside}"),
        ("processor", f"{cpu.model or 'unknown'}, {cores}"),
        ("memory", (size_text(memory.total) if memory.total else "unknown") + limit),
        *_gpu_lines(facts),
    ]
    lines += [
        ("disk", f"{size_text(disk.free)} free of {size_text(disk.total)} at {disk.path}")
        for disk in facts.disks
    ]
    lines += [("not read", f"{unread.what}: {unread.why}") for unread in facts.unread]
    return lines


def _system_name(system: Platform) -> str:
    name = system.os_name or system.system
    is_told = system.os_version is None or system.os_version in name
    return name if is_told else f"{name} {system.os_version}"


def _gpu_lines(facts: MachineFacts) -> list[tuple[str, str]]:
    from envkit.cli.render import size_text

    nvidia = facts.nvidia
    if not nvidia.gpus and nvidia.driver_version is None:
        return [("GPU", "none by NVIDIA")]
    lines = [
        ("driver", f"NVIDIA {nvidia.driver_version}" if nvidia.driver_version else "none for NVIDIA GPUs")
    ]
    for gpu in nvidia.gpus:
        capability = f"compute capability {gpu.compute_capability or 'unknown'}"
        memory = f", {size_text(gpu.memory)}" if gpu.memory else ""
        lines.append((f"GPU {gpu.index}", f"{gpu.name}, {capability}{memory}"))
    return lines
