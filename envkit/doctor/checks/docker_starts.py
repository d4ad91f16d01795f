"""How Docker's engine is started here, and started anew where it hangs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.api.facts import MachineFacts

# Who listens behind a socket of a home folder, by a word of its path, and how that is started on a terminal, and
# how it is started anew: a start leaves one that runs as it is, though it gives no answer.
_STARTERS = (
    (".docker/desktop/", "systemctl --user start docker-desktop", "systemctl --user restart docker-desktop"),
    (".docker/run/", "open -a Docker", "docker desktop restart"),
    ("colima/", "colima start", "colima restart"),
    (".orbstack/", "orb start", "orb stop && orb start"),
    (".rd/", "rdctl start", "rdctl shutdown && rdctl start"),
    (".lima/", "limactl start docker", "limactl stop --force docker && limactl start docker"),
    ("podman/machine/", "podman machine start", "podman machine stop && podman machine start"),
    (
        "podman/podman.sock",
        "systemctl --user start podman.socket",
        "systemctl --user restart podman.socket podman.service",
    ),
)


def start(facts: MachineFacts) -> str:
    """Return how the engine is started that was asked."""
    docker, platform = facts.docker, facts.platform
    endpoint = docker.endpoint or ""
    for word, command, _ in _STARTERS:
        if word in endpoint:
            return command
    if re.search(r"/run/user/\d+/docker\.sock$", endpoint):
        return "systemctl --user start docker"
    if endpoint.startswith("tcp://"):
        return "Start the engine on that machine, or take that of this one: unset DOCKER_HOST"
    if platform.is_container:
        return "Start the container with its host's engine: -v /var/run/docker.sock:/var/run/docker.sock"
    if platform.system == "darwin":
        return "open -a Docker"
    if docker.is_snap:
        return "sudo snap start docker"
    if docker.kind == "podman":
        return "systemctl --user start podman.socket"
    if platform.is_wsl:
        return "sudo service docker start   # or start Docker Desktop in Windows"
    if "alpine" in (platform.os_name or "").lower():
        return "sudo rc-service docker start"
    return "sudo systemctl start docker"


def restart(facts: MachineFacts) -> str:
    """Return how an engine is started anew that listens and hangs."""
    endpoint = facts.docker.endpoint or ""
    stops = "   # containers that run are stopped"
    for word, _, command in _STARTERS:
        if word in endpoint:
            return command + stops
    if endpoint.startswith("tcp://"):
        return "Restart the engine on that machine, or take that of this one: unset DOCKER_HOST"
    if facts.platform.is_container:
        return "Restart the engine on the container's host, whose socket this is"
    if facts.platform.system == "darwin":
        return "docker desktop restart" + stops
    return start(facts).partition("   #")[0].replace(" start", " restart", 1) + stops
