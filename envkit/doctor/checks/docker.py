"""Checks of Docker, which only images and containers need: a machine without it is well."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.doctor.checks import docker_gpus, docker_starts
from envkit.doctor.remedies import install_packages
from envkit.environments.records import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import Docker, MachineFacts
    from envkit.doctor.surroundings import Surroundings

_DEFAULT_SOCKET = "unix:///var/run/docker.sock"
_INSTALL_GUIDE = "https://docs.docker.com/engine/install/"
# What an image takes besides the environment in it: its base, and layers while they are built.
_IMAGE_EXTRA = 2_000_000_000


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of Docker."""
    needs = ("docker", "platform")
    return (
        Check(id="docker.state", summary="Docker runs", needs=needs, run=_check_state),
        Check(
            id="docker.permission",
            summary="This user may speak to Docker",
            needs=needs,
            run=_check_permission,
        ),
        Check(
            id="docker.context",
            summary="docker speaks to an engine that answers",
            needs=(*needs, "variables"),
            run=_check_context,
        ),
        Check(id="docker.buildkit", summary="BuildKit can build", needs=needs, run=_check_buildkit),
        *docker_gpus.checks(surroundings),
        Check(
            id="docker.disk",
            summary="Docker has room for an image",
            needs=("docker",),
            run=lambda context: _check_disk(context, surroundings.disk_needed + _IMAGE_EXTRA),
        ),
    )


def _check_state(context: CheckContext) -> Iterator[Finding]:
    facts, docker = context.facts, context.facts.docker
    evidence = tuple(_evidence(docker))
    if docker.state == "absent":
        yield Finding(
            severity="info",
            summary="Docker is not installed; only images and containers need it",
            fix=f"To build images: {_INSTALL_GUIDE}",
        )
    elif docker.state == "not asked":
        yield Finding(
            severity="info",
            summary=f"Docker was not asked: {docker.why or 'it is across the network'}",
            evidence=evidence,
            fix="envkit doctor --network --only docker"
            if docker.why == "it is across the network"
            else "docker version",
        )
    elif docker.state == "stopped":
        yield Finding(
            severity="info" if facts.platform.is_container else "warn",
            summary="Docker does not run",
            evidence=evidence,
            fix=docker_starts.start(facts),
        )
    elif docker.state == "silent":
        yield Finding(
            severity="warn",
            summary="Docker takes calls and gives no answer",
            evidence=evidence,
            fix=docker_starts.restart(facts),
        )
    elif docker.state == "broken":
        yield Finding(
            severity="warn",
            summary="Docker cannot be asked",
            evidence=evidence,
            fix="See what docker itself says: docker version",
        )


def _evidence(docker: Docker) -> Iterator[str]:
    if docker.why:
        yield docker.why
    if docker.endpoint:
        yield (
            f"{docker.endpoint}, from {docker.endpoint_source}" if docker.endpoint_source else docker.endpoint
        )


def _check_permission(context: CheckContext) -> Iterator[Finding]:
    docker = context.facts.docker
    if docker.state not in ("running", "no permission"):
        yield docker_gpus.not_asked(docker)
    if docker.state != "no permission":
        return
    socket = docker.socket
    evidence = [docker.why] if docker.why else []
    if socket is not None:
        evidence.append(f"{socket.path} is {socket.owner}:{socket.group}, mode {socket.mode}")
    yield Finding(
        severity="warn",
        summary="Docker runs, and this user may not speak to it",
        evidence=tuple(evidence),
        fix=_permit(context.facts),
    )


def _permit(facts: MachineFacts) -> str:
    socket = facts.docker.socket
    group = socket.group if socket is not None else None
    mode = socket.mode if socket is not None else None
    has_group_right = mode is None or len(mode) < 3 or mode[-2] in "67"
    if facts.platform.is_container:
        number = group if group and group.isdecimal() else "GID"
        return f"Start the container with the group of the socket: --group-add {number}"
    if facts.platform.system == "darwin":
        return "Restart Docker Desktop, which gives its socket to who is logged in"
    again = "then log out and in again (a group counts from the next login on), or: newgrp"
    if group in (None, "root") or not has_group_right:
        start = "sudo snap restart docker" if facts.docker.is_snap else "sudo systemctl restart docker"
        return f'sudo groupadd -f docker && sudo usermod -aG docker "$USER" && {start}; {again} docker'
    return f'sudo usermod -aG {shlex.quote(str(group))} "$USER"; {again} {shlex.quote(str(group))}'


def _check_context(context: CheckContext) -> Iterator[Finding]:
    facts, docker = context.facts, context.facts.docker
    if docker.state == "no such context":
        yield Finding(
            severity="warn",
            summary=f"docker's context {docker.context!r} does not exist",
            evidence=tuple(
                filter(
                    None, (docker.why, f"contexts: {', '.join(docker.contexts)}" if docker.contexts else None)
                )
            )
            + tuple(f"an engine answers at {each}" for each in docker.others),
            fix=_leave_context(facts),
        )
    elif docker.state in ("stopped", "silent", "broken", "no permission") and docker.others:
        yield Finding(
            severity="warn",
            summary=f"docker speaks to an engine that does not answer, and another one does: {docker.others[0]}",
            evidence=(
                *_evidence(docker),
                *(f"an engine answers at {each}" for each in docker.others),
            ),
            fix=_leave_context(facts),
        )
    elif docker.state != "running":
        yield docker_gpus.not_asked(docker)


def _leave_context(facts: MachineFacts) -> str:
    """Return how docker is led to an engine that answers."""
    docker = facts.docker
    other = next(iter(docker.others), None)
    if docker.endpoint_source == "DOCKER_HOST" and _DEFAULT_SOCKET in docker.others:
        return "unset DOCKER_HOST"
    if other in (None, _DEFAULT_SOCKET) or _DEFAULT_SOCKET in docker.others:
        variable = facts.variable("DOCKER_CONTEXT")
        return "unset DOCKER_CONTEXT" if variable else "docker context use default"
    if name := _context_of(str(other), docker.contexts):
        unset = "unset DOCKER_HOST; " if docker.endpoint_source == "DOCKER_HOST" else ""
        return f"{unset}docker context use {shlex.quote(name)}"
    return f"export DOCKER_HOST={shlex.quote(str(other))}"


def _context_of(socket: str, contexts: tuple[str, ...]) -> str | None:
    """Return the context that its maker gave this socket, where there is one of that name."""
    names = {
        ".docker/desktop/": "desktop-linux",
        ".docker/run/": "desktop-linux",
        "colima/": "colima",
        ".orbstack/": "orbstack",
        ".rd/": "rancher-desktop",
        "/run/user/": "rootless",
    }
    named = next((name for word, name in names.items() if word in socket and "podman" not in socket), None)
    return named if named in contexts else None


def _check_buildkit(context: CheckContext) -> Iterator[Finding]:
    facts, docker = context.facts, context.facts.docker
    if docker.state != "running":
        yield docker_gpus.not_asked(docker)
        return
    if docker.kind == "podman" or docker.has_buildkit is None:
        why = (
            "Podman builds without it"
            if docker.kind == "podman"
            else "nothing tells whether BuildKit is there"
        )
        yield Finding(severity="skip", summary=f"not judged: {why}")
        return
    if docker.has_buildkit:
        return
    if docker.command is None:
        summary, fix = "BuildKit cannot be used: docker's command is not here", f"See {_INSTALL_GUIDE}"
    else:
        summary = "BuildKit cannot be used: docker's plugin buildx is not installed"
        fix = install_packages(
            facts.platform,
            otherwise="Install docker's plugin buildx: https://github.com/docker/buildx#installing",
            apt="docker-buildx   # docker-buildx-plugin, where Docker's own packages are installed",
            dnf="docker-buildx-plugin   # docker-buildx, where Docker is Fedora's own",
            zypper="docker-buildx",
            pacman="docker-buildx",
            apk="docker-cli-buildx",
        )
    yield Finding(
        severity="warn",
        summary=summary,
        evidence=(
            f"docker: {docker.command or 'no command'}, engine {docker.version or 'of unknown version'}",
            "images are built by the classic builder, which keeps no caches of packages",
        ),
        fix=fix,
    )


def _check_disk(context: CheckContext, needed: int) -> Iterator[Finding]:
    docker = context.facts.docker
    if docker.state != "running":
        yield docker_gpus.not_asked(docker)
        return
    free = docker.root_free
    if free is None:
        yield Finding(severity="skip", summary="not judged: Docker's folder does not lie on this machine")
        return
    if free >= needed:
        return
    yield Finding(
        severity="warn",
        summary=f"Docker has {format_size(free)} free: an image with torch takes about {format_size(needed)}",
        evidence=(f"its folder: {docker.root_dir}",) if docker.root_dir else (),
        fix="See what can go: docker system df; take it away: docker builder prune, docker image prune "
        "(or `data-root` of daemon.json on a larger disk)",
    )
