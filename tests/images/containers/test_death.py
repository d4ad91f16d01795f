"""What is said of a container that ended, or did not start."""

from __future__ import annotations

import signal

import pytest
from docker.errors import APIError
from echo import echo_request

from envkit.api import ImageError
from envkit.images.containers.death import ContainerEnd, explain_end, explain_start, process_code

SOCKET = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("told", "expected"),
    [(0, 0), (3, 3), (137, -9), (143, -15), (139, -11), (130, 130), (127, 127), (255, 255), (None, -9)],
)
def test_process_code_reads_a_containers_exit_as_a_parent_would(told: int | None, expected: int) -> None:
    assert process_code(ContainerEnd(exit_code=told)) == expected


@pytest.mark.parametrize(
    ("end", "message", "hint", "code"),
    [
        (ContainerEnd(exit_code=137, is_out_of_memory=True), "memory ran out", "--batch-size 4", 1),
        (ContainerEnd(exit_code=137, signals=(15, 9)), "killed by somebody else", "docker events", 1),
        (ContainerEnd(exit_code=127), "ner:1 has no Python at /opt/envkit/bin/python", "envkit build", 7),
        (ContainerEnd(exit_code=126), "the Python of ner:1 does not start", "envkit build", 7),
        (ContainerEnd(exit_code=130, is_engine_lost=True), "the Docker daemon stopped", "Start it", 7),
        (ContainerEnd(exit_code=None, is_engine_lost=True), SOCKET, "Start it", 7),
    ],
)
def test_explain_end_tells_apart_what_an_exit_code_does_not(
    end: ContainerEnd, message: str, hint: str, code: int
) -> None:
    death = explain_end(end, reference="ner:1", endpoint=SOCKET, request=echo_request())

    assert death is not None
    assert message in death.message
    assert hint in death.hint
    assert death.exit_code == code


@pytest.mark.parametrize(
    "end",
    [
        ContainerEnd(exit_code=0),
        ContainerEnd(exit_code=1, is_out_of_memory=True),
        ContainerEnd(exit_code=137),
        ContainerEnd(exit_code=130, signals=(signal.SIGTERM,)),
    ],
)
def test_explain_end_of_what_the_code_says_already_adds_nothing(end: ContainerEnd) -> None:
    assert explain_end(end, reference="ner:1", endpoint=SOCKET, request=echo_request()) is None


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("No such image: sha256:123", "there is no image ner:1 on this machine", "docker pull ner:1"),
        (
            'invalid mount config for type "bind": bind source path does not exist: /srv/runs/one',
            "does not see /srv/runs/one",
            "Share the folder",
        ),
        (
            'could not select device driver "nvidia" with capabilities: [[gpu]]',
            "does not give the GPUs",
            "nvidia-ctk runtime configure",
        ),
        (
            "exec /sbin/docker-init: exec format error",
            "for another processor",
            "envkit build task --task echo",
        ),
        ("no space left on device", "the disk is full", "docker system df"),
        ("something odd", "could not start a container of ner:1: something odd", "journalctl"),
    ],
)
def test_explain_start_says_what_kept_a_container_from_starting(said: str, message: str, hint: str) -> None:
    refused = APIError("400 Client Error", explanation=said)

    error = explain_start(refused, reference="ner:1", endpoint=SOCKET, task="echo")

    assert isinstance(error, ImageError)
    assert message in error.message
    assert hint in (error.hint or "")


def test_explain_start_of_an_engine_that_has_gone_names_it() -> None:
    error = explain_start(
        ConnectionRefusedError(111, "Connection refused"), reference="ner:1", endpoint=SOCKET, task="echo"
    )

    assert "the Docker daemon stopped" in error.message
    assert SOCKET in error.message
