"""`envkit run TASK --env docker:IMAGE` from its options to its end, and `envkit runs resume` of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo import wait_until
from echo_image import containers_of, echo_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.images.engine.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.docker]
__all__ = ["echo_image"]


@pytest.fixture
def start(tmp_path: Path, echo_environ: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start a command in an empty folder."""

    def begin(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "envkit", *words],
            cwd=tmp_path,
            env={**echo_environ, "ENVKIT_HOME": str(tmp_path / "home"), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def envkit(start: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        process = start(*words)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run


def read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def test_run_in_an_image_leaves_the_record_of_any_run_and_names_the_image(
    envkit: Any, echo_image: str, docker_engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "train.txt").write_text("a\nb\n")
    train = str(tmp_path / "inner" / ".." / "train.txt")

    done = envkit(
        "run", "echo", "--env", f"docker:{echo_image}", "--train", train, "--run-dir", "inner/../one"
    )

    assert done.returncode == 0, done.stderr
    assert f"docker:{echo_image}, asked for" in done.stderr
    assert "dev/echo_score  1.0000" in done.stdout
    request = read(tmp_path / "one" / "request.json")
    assert request["environment"]["kind"] == "docker"
    assert request["environment"]["image"] == docker_engine.image_id(echo_image)
    assert request["options"]["train"] == str((tmp_path / "train.txt").resolve())
    assert read(tmp_path / "one" / "metrics.json")["data"][0]["path"] == request["options"]["train"]
    assert read(tmp_path / "one" / "model" / "envkit.json")["environment"] == request["environment"]


def test_run_in_an_image_stopped_by_ctrl_c_is_resumed_in_the_same_image(
    start: Any, envkit: Any, echo_image: str, docker_engine: Engine, tmp_path: Path
) -> None:
    process = start(
        *("run", "echo", "--env", f"docker:{echo_image}", "--run-dir", "one"),
        *("--steps", "60", "--pause", "0.1", "--checkpoint-every", "5"),
    )
    events = tmp_path / "one" / "events.jsonl"
    wait_until(lambda: events.exists() and b'"step":7' in events.read_bytes())
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert "envkit runs resume one" in err
    assert read(tmp_path / "one" / "result.json")["status"] == "cancelled"
    before = read(tmp_path / "one" / "request.json")

    done = envkit("runs", "resume", "one")

    assert done.returncode == 0, done.stderr
    assert "the image in which the run began" in done.stderr
    assert read(tmp_path / "one" / "result.json")["metrics"]["dev/support"] == 60
    assert read(tmp_path / "one" / "request.json")["environment"] == before["environment"]
    assert containers_of(docker_engine, before["id"]) == []


def test_run_in_an_image_of_another_task_is_refused_before_a_run_is_made(
    envkit: Any, echo_image: str, tmp_path: Path
) -> None:
    done = envkit("run", "ner", "--env", f"docker:{echo_image}")

    assert done.returncode == 7
    assert "has no plugin for 'ner': it holds echo" in done.stderr
    assert not (tmp_path / "runs").exists()
