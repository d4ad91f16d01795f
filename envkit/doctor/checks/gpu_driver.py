"""Checks of NVIDIA's driver: there, new enough, of one version, and the right one for the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.doctor.gpu_state import find_cause, is_mismatched, said
from envkit.doctor.remedies import install_driver, package_manager
from envkit.doctor.torch_choice import PARTS, choose_cuda, list_openings
from envkit.torchbuild.fit import name_gpus, usable_gpus
from envkit.torchbuild.records import short_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import MachineFacts, Platform
    from envkit.doctor.surroundings import Surroundings

_RESERVED = "vfio-pci"
_WINDOWS_UPDATE = "Update NVIDIA's driver in Windows (https://www.nvidia.com/drivers), then: wsl --shutdown"


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of NVIDIA's driver."""
    return (
        Check(
            id="gpu.driver-missing",
            summary="NVIDIA's driver is loaded where there is an NVIDIA GPU",
            needs=("platform", "nvidia"),
            run=_check_missing,
        ),
        Check(
            id="gpu.nouveau",
            summary="The free driver nouveau does not hold the GPUs",
            needs=("platform", "nvidia"),
            run=_check_nouveau,
        ),
        Check(
            id="gpu.driver-mismatch",
            summary="The driver's kernel module and library are of one version",
            needs=("platform", "nvidia"),
            run=_check_mismatch,
        ),
        Check(
            id="gpu.driver-old",
            summary="The driver is new enough for torch",
            needs=PARTS,
            run=lambda context: _check_old(context, surroundings),
        ),
        Check(
            id="gpu.wsl-driver",
            summary="WSL uses the driver of Windows",
            needs=("platform", "nvidia"),
            run=_check_wsl,
        ),
    )


def _check_missing(context: CheckContext) -> Iterator[Finding]:
    facts, nvidia = context.facts, context.facts.nvidia
    if nvidia.driver_version and usable_gpus(facts):
        yield Finding(
            severity="ok", summary=f"NVIDIA driver {nvidia.driver_version}, {name_gpus(usable_gpus(facts))}"
        )
    if find_cause(facts) != "no driver":
        return
    if any(_RESERVED in line for line in said(facts)):
        yield Finding(
            severity="info",
            summary="The NVIDIA GPU is set aside for virtual machines (vfio-pci), so not for this system",
            evidence=_name_seen(facts),
        )
    else:
        yield Finding(
            severity="error",
            summary="There is an NVIDIA GPU, but no driver for it is loaded",
            evidence=(*_name_seen(facts), *said(facts)),
            fix=install_driver(facts.platform),
        )


def _name_seen(facts: MachineFacts) -> tuple[str, ...]:
    return tuple(f"NVIDIA GPU on the bus at {address}" for address in facts.nvidia.pci_devices) or tuple(
        gpu.name for gpu in facts.nvidia.gpus
    )


def _check_nouveau(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    if find_cause(facts) != "nouveau":
        return
    # Where NVIDIA's library is installed, its module is too and only kept out.
    is_installed = facts.nvidia.library_version is not None and not facts.platform.is_container
    yield Finding(
        severity="error",
        summary="The free driver nouveau holds the NVIDIA GPU; torch cannot compute through it",
        evidence=("the kernel module nouveau is loaded, nvidia is not", *_name_seen(facts)),
        fix=_ban_nouveau(facts.platform) if is_installed else install_driver(facts.platform),
    )


def _ban_nouveau(platform: Platform) -> str:
    rebuild = {"apt": "update-initramfs -u", "pacman": "mkinitcpio -P"}.get(
        package_manager(platform) or "", "dracut --force"
    )
    return (
        "printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' "
        f"| sudo tee /etc/modprobe.d/no-nouveau.conf && sudo {rebuild} && sudo reboot"
    )


def _check_mismatch(context: CheckContext) -> Iterator[Finding]:
    facts, nvidia = context.facts, context.facts.nvidia
    if facts.platform.is_wsl or not is_mismatched(facts):
        return
    halves = (
        f"kernel module {nvidia.driver_version} ({nvidia.driver_source})",
        f"library {nvidia.library_version or 'of another version'}"
        + (f" ({nvidia.library_file})" if nvidia.library_file else ""),
    )
    if usable_gpus(facts):  # a container's newer libcuda, made for older drivers
        yield Finding(
            severity="info",
            summary="libcuda is of another version than the driver, and the driver takes it",
            evidence=halves,
        )
    elif find_cause(facts) == "mismatch":
        yield Finding(
            severity="error",
            summary="NVIDIA's driver was updated and only half of it is loaded",
            evidence=(*halves, *said(facts)),
            fix="Start the container again; if that does not help, restart the host."
            if facts.platform.is_container
            else "sudo reboot",
        )


def _check_old(context: CheckContext, surroundings: Surroundings) -> Iterator[Finding]:
    facts = context.facts
    openings = list_openings(facts, surroundings) if usable_gpus(facts) else ()
    if not openings:
        return
    here = choose_cuda(facts, surroundings)
    yield Finding(
        severity="info" if here else "error",
        summary=f"A newer NVIDIA driver would allow a newer torch than {here.version}"
        if here
        else "The NVIDIA driver is too old for every torch that could use the GPU",
        evidence=(
            f"driver {facts.nvidia.driver_version}, {name_gpus(usable_gpus(facts))}",
            *(
                f"with driver {oldest} or newer: torch {short_name(build.version, build.variant)}"
                for oldest, build in openings
            ),
        ),
        fix=install_driver(facts.platform, oldest=openings[-1][0]),
    )


def _check_wsl(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    if not facts.platform.is_wsl:
        return
    library, cause = facts.nvidia.wsl_linux_driver, find_cause(facts)
    if library is not None:
        remove = {
            "apt": "sudo apt purge '^nvidia-driver-.*' '^libnvidia-compute-.*'",
            "dnf": "sudo dnf remove '*nvidia*driver*'",
        }.get(package_manager(facts.platform) or "", "sudo nvidia-uninstall")
        hides = "may hide" if cause is None else "hides"
        yield Finding(
            severity="warn" if cause is None else "error",
            summary=f"A Linux driver inside WSL {hides} NVIDIA's driver of Windows",
            evidence=(f"{library} is not of Windows's driver", *said(facts)),
            fix=f"{remove} && sudo ldconfig   # then in Windows: wsl --shutdown",
        )
    elif cause == "WSL silent":
        yield Finding(
            severity="error",
            summary="Windows shows an NVIDIA GPU to WSL, but its driver does not answer",
            evidence=said(facts) or (f"driver {facts.nvidia.driver_version}",),
            fix=_WINDOWS_UPDATE,
        )
