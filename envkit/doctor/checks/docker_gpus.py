"""Checks of the way on which NVIDIA's GPUs come into containers.

Sources: NVIDIA Container Toolkit, "Installing", "Support for Container Device Interface" and, for GPUs that a
container loses, "Troubleshooting: Containers losing access to GPUs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import Docker, MachineFacts
    from envkit.doctor.surroundings import Surroundings

_GUIDE = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"
_INSTALL_GUIDE = "https://docs.docker.com/engine/install/"
_CDI_KIND = "nvidia.com/gpu"
_WRITE_CDI = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of GPUs in containers."""
    return (
        Check(
            id="docker.gpu-runtime",
            summary="GPUs, where there are any, get into containers",
            needs=("docker", "nvidia", "platform"),
            run=_check_runtime,
        ),
        Check(
            id="docker.cgroup-driver",
            summary="Containers keep their GPUs",
            needs=("docker", "nvidia", "platform"),
            run=_check_cgroup_driver,
        ),
    )


def not_asked(docker: Docker) -> Finding:
    """Return that nothing is known of an engine that has not answered."""
    reason = {"absent": "Docker is not installed", "not asked": "Docker was not asked"}
    return Finding(
        severity="skip", summary=f"not judged: {reason.get(docker.state, 'Docker gives no answer here')}"
    )


def _check_runtime(context: CheckContext) -> Iterator[Finding]:
    facts, docker = context.facts, context.facts.docker
    if not usable_gpus(facts):
        return
    if not _is_of_this_machine(docker):
        yield _not_here(docker)
        return
    if _has_cdi(docker) or ("nvidia" in docker.runtimes and docker.kind != "podman"):
        return
    runtimes = ", ".join(docker.runtimes) or "none are told"
    yield Finding(
        severity="warn",
        summary="This machine has GPUs, and Docker cannot give them to containers"
        if docker.kind != "podman"
        else "This machine has GPUs, and Podman cannot give them to containers",
        evidence=(f"runtimes: {runtimes}", f"no CDI device of {_CDI_KIND}"),
        fix=_give_gpus(facts),
    )


def _not_here(docker: Docker) -> Finding:
    if docker.state != "running":
        return not_asked(docker)
    return Finding(severity="skip", summary="not judged: Docker's engine is not of this machine")


def _is_of_this_machine(docker: Docker) -> bool:
    return docker.state == "running" and (docker.endpoint or "unix://").startswith("unix://")


def _has_cdi(docker: Docker) -> bool:
    return any(device.startswith(_CDI_KIND) for device in docker.cdi_devices)


def _give_gpus(facts: MachineFacts) -> str:
    docker = facts.docker
    toolkit = f"Install NVIDIA's container toolkit ({_GUIDE}), then: "
    if docker.kind == "podman":
        return toolkit + _WRITE_CDI
    if docker.is_snap:
        return (
            f"Docker from snap cannot use NVIDIA's toolkit. Take Docker's own packages: sudo snap remove docker, "
            f"{_INSTALL_GUIDE}; then the toolkit: {_GUIDE}"
        )
    if docker.is_rootless:
        return (
            f"{toolkit}nvidia-ctk runtime configure --runtime=docker --config=$HOME/.config/docker/daemon.json "
            "&& systemctl --user restart docker "
            "&& sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups --in-place"
        )
    restart = "sudo service docker restart" if facts.platform.is_wsl else "sudo systemctl restart docker"
    return f"{toolkit}sudo nvidia-ctk runtime configure --runtime=docker && {restart}"


def _check_cgroup_driver(context: CheckContext) -> Iterator[Finding]:
    facts, docker = context.facts, context.facts.docker
    if not usable_gpus(facts) or docker.is_rootless or facts.platform.is_wsl:
        return
    if not _is_of_this_machine(docker):
        yield _not_here(docker)
        return
    if docker.cgroup_driver != "systemd" or docker.kind == "podman":
        return
    if "nvidia" not in docker.runtimes or _has_cdi(docker):
        return
    yield Finding(
        severity="info",  # newer toolkits keep them: NVIDIA's own machines come set up like this
        summary="A container may lose its GPUs when the system reloads its services, as updates do",
        evidence=(
            "Docker's cgroup driver is systemd, and the GPUs come by NVIDIA's runtime",
            "in the container: Failed to initialize NVML: Unknown Error",
        ),
        fix='Put "exec-opts": ["native.cgroupdriver=cgroupfs"] into /etc/docker/daemon.json and: '
        f"sudo systemctl restart docker (or start containers by CDI: {_WRITE_CDI})",
    )
