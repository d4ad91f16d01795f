"""How a worker is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api.records import EnvironmentUse
from envkit.runs.launch import worker_command, worker_environ
from envkit.worker.folder import RunFolder


@pytest.mark.parametrize(("kind", "isolation"), [("venv", "-I"), ("current", "-P")])
def test_worker_command_isolates_as_far_as_the_environment_is_ours(kind: str, isolation: str) -> None:
    environment = EnvironmentUse(kind=kind, name="echo-env", python="/env/bin/python", reason="")

    command = worker_command(RunFolder(Path("/runs/a b")), environment=environment, host=7, grace=20.0)

    assert command[:2] == ["/env/bin/python", isolation]
    assert " ".join(command[2:]) == "-u -m envkit.worker --host 7 --grace 20 /runs/a b"


def test_worker_command_with_a_log_names_it_before_the_folder() -> None:
    environment = EnvironmentUse(kind="docker", name="docker:x", python="/env/bin/python", reason="")

    command = worker_command(
        RunFolder(Path("/runs/a")),
        environment=environment,
        host=1,
        grace=20.0,
        log=Path("/runs/a/worker.log"),
    )

    assert " ".join(command[1:]) == (
        "-I -u -m envkit.worker --host 1 --grace 20 --log /runs/a/worker.log /runs/a"
    )


@pytest.mark.parametrize(("kind", "kept"), [("venv", False), ("current", True)])
def test_worker_environ_drops_what_would_slow_it_or_lead_it_astray(kind: str, kept: bool) -> None:
    host = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/mine", "HF_HOME": "/cache", "PATH": "/bin"}

    environ = worker_environ(host, kind=kind)

    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert ("PYTHONPATH" in environ) == kept
    assert environ["HF_HOME"] == "/cache"
    assert environ["PYTHONUNBUFFERED"] == "1"
