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


@pytest.mark.parametrize(("kind", "kept"), [("venv", False), ("current", True)])
def test_worker_environ_drops_what_would_slow_it_or_lead_it_astray(kind: str, kept: bool) -> None:
    host = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/mine", "HF_HOME": "/cache", "PATH": "/bin"}

    environ = worker_environ(host, kind=kind)

    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert ("PYTHONPATH" in environ) == kept
    assert environ["HF_HOME"] == "/cache"
    assert environ["PYTHONUNBUFFERED"] == "1"
