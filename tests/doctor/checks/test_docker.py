from __future__ import annotations

from typing import Any

import msgspec
import pytest
from doctor.finding import findings_of, shown
from doctor.machines import (
    GB,
    change,
    container,
    cpu_machine,
    device,
    docker_machine,
    gpu_machine,
    having,
    mac,
    surroundings,
    well_machines,
    with_variables,
    wsl,
)

from envkit.api.facts import DeviceFile, Docker, MachineFacts

WARNING_IDS = (
    "docker.state",
    "docker.permission",
    "docker.context",
    "docker.buildkit",
    "docker.gpu-runtime",
    "docker.cgroup-driver",
    "docker.disk",
)
USUAL = "unix:///var/run/docker.sock"


def docker(facts: MachineFacts | None = None, **fields: Any) -> MachineFacts:
    """Return a machine with Docker that is otherwise than usual."""
    usual = docker_machine().docker
    return having(facts or cpu_machine(), docker=msgspec.structs.replace(usual, **fields))


def dead(facts: MachineFacts | None = None, **fields: Any) -> MachineFacts:
    """Return a machine on which the engine does not run."""
    return docker(facts, **{"state": "stopped", "why": "nobody listens there", "version": None, **fields})


def is_skipped(check_id: str, facts: MachineFacts) -> bool:
    return [each.severity for each in findings_of("docker", check_id, facts)] == ["skip"]


@pytest.mark.parametrize("check_id", WARNING_IDS)
@pytest.mark.parametrize("name", sorted(well_machines()))
def test_docker_of_a_well_machine_is_no_warning(name: str, check_id: str) -> None:
    found = findings_of("docker", check_id, well_machines()[name])
    assert {each.severity for each in found} <= {"info", "skip"}


def test_machine_without_docker_is_told_that_it_is_optional() -> None:
    (found,) = findings_of("docker", "docker.state", having(cpu_machine(), docker=Docker()))
    assert found.severity == "info"
    assert "only images" in found.summary


@pytest.mark.parametrize(
    ("facts", "start"),
    [
        (dead(), "sudo systemctl start docker"),
        (dead(is_snap=True), "sudo snap start docker"),
        (dead(kind="podman"), "systemctl --user start podman.socket"),
        (dead(wsl(cpu_machine())), "sudo service docker start"),
        (dead(mac()), "open -a Docker"),
        (dead(endpoint="unix:///run/user/1000/docker.sock"), "systemctl --user start docker"),
        (
            dead(endpoint="unix:///home/ada/.docker/desktop/docker.sock"),
            "systemctl --user start docker-desktop",
        ),
        (dead(mac(), endpoint="unix:///Users/ada/.colima/default/docker.sock"), "colima start"),
        (dead(endpoint="tcp://build.corp:2375"), "unset DOCKER_HOST"),
        (
            dead(change(cpu_machine(), "platform", os_name="Alpine Linux v3.22", libc="musl")),
            "sudo rc-service docker start",
        ),
    ],
)
def test_engine_that_is_stopped_is_started_as_this_machine_does(facts: MachineFacts, start: str) -> None:
    (found,) = findings_of("docker", "docker.state", facts)
    assert found.severity == "warn"
    assert start in str(found.fix)
    assert "nobody listens there" in found.evidence


def test_engine_that_a_container_lacks_is_no_warning() -> None:
    (found,) = findings_of("docker", "docker.state", dead(container()))
    assert found.severity == "info"
    assert "-v /var/run/docker.sock" in str(found.fix)


@pytest.mark.parametrize(
    ("state", "why", "severity", "fix"),
    [
        ("silent", "no answer in 2 s", "warn", "sudo systemctl restart docker"),
        ("broken", "it answers nonsense", "warn", "docker version"),
        ("not asked", "it is across the network", "info", "envkit doctor --network"),
        ("not asked", "it is behind SSH", "info", "docker version"),
    ],
)
def test_engine_in_another_state_is_told(state: str, why: str, severity: str, fix: str) -> None:
    (found,) = findings_of("docker", "docker.state", docker(state=state, why=why))
    assert found.severity == severity
    assert why in shown(found) and fix in str(found.fix)


@pytest.mark.parametrize(
    ("facts", "fix"),
    [
        (docker(is_snap=True), "sudo snap restart docker   #"),
        (docker(wsl(cpu_machine())), "sudo service docker restart   # containers"),
        (docker(mac()), "docker desktop restart"),
        (docker(mac(), endpoint="unix:///Users/ada/.colima/default/docker.sock"), "colima restart"),
        (docker(mac(), endpoint="unix:///Users/ada/.docker/run/docker.sock"), "docker desktop restart"),
        (docker(kind="podman"), "systemctl --user restart podman.socket   # containers"),
        (docker(endpoint="tcp://build.corp:2375"), "Restart the engine on that machine"),
    ],
)
def test_engine_that_hangs_is_started_anew(facts: MachineFacts, fix: str) -> None:
    (found,) = findings_of("docker", "docker.state", change(facts, "docker", state="silent"))
    assert fix in str(found.fix)


def test_engine_of_the_host_that_hangs_is_not_the_containers_to_restart() -> None:
    (found,) = findings_of("docker", "docker.state", docker(container(), state="silent"))
    assert "host" in str(found.fix) and "containers that run are stopped" not in str(found.fix)


@pytest.mark.parametrize("check_id", WARNING_IDS[1:])
@pytest.mark.parametrize("state", ["absent", "not asked", "stopped", "silent", "broken"])
def test_engine_that_gave_no_answer_is_not_called_well(state: str, check_id: str) -> None:
    (found,) = findings_of("docker", check_id, docker(gpu_machine(), state=state))
    assert found.severity == "skip"


@pytest.mark.parametrize(
    ("facts", "socket", "fix"),
    [
        (cpu_machine(), device("/var/run/docker.sock", group="docker"), 'sudo usermod -aG docker "$USER"'),
        (cpu_machine(), device("/var/run/docker.sock", group="dockers"), 'sudo usermod -aG dockers "$USER"'),
        (cpu_machine(), device("/var/run/docker.sock", group="root"), "sudo groupadd -f docker"),
        (
            cpu_machine(),
            device("/var/run/docker.sock", group="docker", mode="600"),
            "systemctl restart docker",
        ),
        (cpu_machine(), None, "sudo groupadd -f docker"),
        (container(), device("/var/run/docker.sock", group="998"), "--group-add 998"),
        (mac(), device("/var/run/docker.sock", group="daemon"), "Restart Docker Desktop"),
    ],
)
def test_engine_that_is_closed_names_the_group_of_its_socket(
    facts: MachineFacts, socket: DeviceFile | None, fix: str
) -> None:
    (found,) = findings_of("docker", "docker.permission", docker(facts, state="no permission", socket=socket))
    assert found.severity == "warn"
    assert fix in str(found.fix)


def test_group_counts_from_the_next_login_on() -> None:
    (found,) = findings_of("docker", "docker.permission", docker(state="no permission"))
    assert "log out and in again" in str(found.fix) and "newgrp docker" in str(found.fix)


@pytest.mark.parametrize(
    ("facts", "fix"),
    [
        (docker(state="no such context", context="gone"), "docker context use default"),
        (
            with_variables(docker(state="no such context", context="gone"), DOCKER_CONTEXT="gone"),
            "unset DOCKER_CONTEXT",
        ),
        (
            dead(endpoint="tcp://gone:2375", endpoint_source="DOCKER_HOST", others=(USUAL,)),
            "unset DOCKER_HOST",
        ),
        (
            dead(endpoint="unix:///home/ada/.docker/desktop/docker.sock", others=(USUAL,)),
            "docker context use default",
        ),
        (
            dead(contexts=("default", "colima"), others=("unix:///home/ada/.colima/default/docker.sock",)),
            "docker context use colima",
        ),
        (
            dead(
                endpoint_source="DOCKER_HOST",
                contexts=("default", "rootless"),
                others=("unix:///run/user/1000/docker.sock",),
            ),
            "unset DOCKER_HOST; docker context use rootless",
        ),
        (
            dead(others=("unix:///run/user/1000/podman/podman.sock",)),
            "export DOCKER_HOST=unix:///run/user/1000/podman/podman.sock",
        ),
        (
            docker(state="silent", others=("unix:///srv/my docker.sock",)),
            "export DOCKER_HOST='unix:///srv/my docker.sock'",
        ),
    ],
)
def test_docker_is_led_to_the_engine_that_answers(facts: MachineFacts, fix: str) -> None:
    (found,) = findings_of("docker", "docker.context", facts)
    assert found.severity == "warn"
    assert found.fix == fix


def test_engine_that_is_stopped_with_no_other_is_no_matter_of_the_context() -> None:
    assert is_skipped("docker.context", dead())


@pytest.mark.parametrize(
    ("facts", "fix"),
    [
        (docker(buildx=None, has_buildkit=False), "sudo apt install docker-buildx"),
        (docker(mac(), buildx=None, has_buildkit=False), "github.com/docker/buildx"),
        (docker(command=None, buildx=None, has_buildkit=False), "docs.docker.com"),
    ],
)
def test_engine_without_buildkit_is_told_what_brings_it(facts: MachineFacts, fix: str) -> None:
    (found,) = findings_of("docker", "docker.buildkit", facts)
    assert found.severity == "warn"
    assert fix in str(found.fix)


@pytest.mark.parametrize(
    "fields", [{"has_buildkit": None}, {"kind": "podman", "has_buildkit": False}, {"state": "stopped"}]
)
def test_buildkit_that_nobody_knows_of_is_not_judged(fields: dict[str, Any]) -> None:
    assert is_skipped("docker.buildkit", docker(**fields))


@pytest.mark.parametrize(
    ("fields", "fix"),
    [
        ({}, "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"),
        ({"is_rootless": True}, "--config=$HOME/.config/docker/daemon.json"),
        ({"is_snap": True}, "sudo snap remove docker"),
        ({"kind": "podman"}, "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"),
        ({"kind": "podman", "runtimes": ("nvidia",)}, "sudo nvidia-ctk cdi generate"),
        ({"cdi_devices": ("amd.com/gpu=0",)}, "nvidia-ctk"),
    ],
)
def test_engine_of_a_gpu_machine_without_a_way_for_gpus_is_told(fields: dict[str, Any], fix: str) -> None:
    (found,) = findings_of("docker", "docker.gpu-runtime", docker(gpu_machine(), **fields))
    assert found.severity == "warn"
    assert fix in str(found.fix)


@pytest.mark.parametrize(
    "facts",
    [
        docker(gpu_machine(), runtimes=("nvidia", "runc")),
        docker(gpu_machine(), cdi_devices=("nvidia.com/gpu=all",)),
        docker(gpu_machine(), kind="podman", cdi_devices=("nvidia.com/gpu=0",)),
        docker(cpu_machine()),
        docker(gpu_machine(driver=None)),
    ],
)
def test_engine_that_needs_no_way_for_gpus_or_has_one_is_well(facts: MachineFacts) -> None:
    assert findings_of("docker", "docker.gpu-runtime", facts) == ()


@pytest.mark.parametrize(
    "facts", [dead(gpu_machine()), docker(gpu_machine(), endpoint="tcp://build.corp:2375")]
)
@pytest.mark.parametrize("check_id", ["docker.gpu-runtime", "docker.cgroup-driver"])
def test_way_for_gpus_of_an_engine_elsewhere_is_not_judged(facts: MachineFacts, check_id: str) -> None:
    assert is_skipped(check_id, facts)


def test_cgroup_driver_that_loses_gpus_is_told_with_what_keeps_them() -> None:
    facts = docker(gpu_machine(), runtimes=("nvidia", "runc"), cgroup_driver="systemd")
    (found,) = findings_of("docker", "docker.cgroup-driver", facts)
    assert found.severity == "info"
    assert "native.cgroupdriver=cgroupfs" in str(found.fix)


@pytest.mark.parametrize(
    "facts",
    [
        docker(gpu_machine(), runtimes=("nvidia",), cgroup_driver="cgroupfs"),
        docker(gpu_machine(), runtimes=("nvidia",), cdi_devices=("nvidia.com/gpu=all",)),
        docker(gpu_machine(), runtimes=("nvidia",), is_rootless=True),
        docker(wsl(), runtimes=("nvidia",)),
        docker(cpu_machine(), runtimes=("nvidia",)),
    ],
)
def test_cgroup_driver_that_loses_nothing_is_well(facts: MachineFacts) -> None:
    assert findings_of("docker", "docker.cgroup-driver", facts) == ()


def test_engine_without_room_for_an_image_is_told() -> None:
    facts = docker(root_free=5 * GB)
    (found,) = findings_of("docker", "docker.disk", facts)
    assert found.severity == "warn"
    assert "5.0 GB" in found.summary and "docker system df" in str(found.fix)
    small = surroundings(disk_needed=GB)
    assert findings_of("docker", "docker.disk", facts, surroundings=small) == ()


@pytest.mark.parametrize("fields", [{"root_free": None}, {"state": "stopped", "root_free": 0}])
def test_room_that_nobody_knows_of_is_not_judged(fields: dict[str, Any]) -> None:
    assert is_skipped("docker.disk", docker(**fields))
