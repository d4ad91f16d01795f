"""`envkit run` from its options to its last line, with the task `echo` in this interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def envkit(tmp_path: Path, echo_environ: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in an empty folder."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "envkit", *words],
            cwd=tmp_path,
            env={**echo_environ, "ENVKIT_HOME": str(tmp_path / "home"), "NO_COLOR": "1", **environ},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


@pytest.fixture
def envkit_beside_echo(
    envkit_here: Any, echo_environ: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in this process, which finds the task; a worker is a process of its own all the same."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = envkit_here(
            *words, **{"PYTHONPATH": echo_environ["PYTHONPATH"], **environ}
        )
        return done

    return run


def test_run_help_shows_every_option_with_its_type_and_default(envkit_beside_echo: Any) -> None:
    done = envkit_beside_echo("run", "echo", "--help")

    assert done.returncode == 0
    for words in (
        "--steps INTEGER",
        "[default: 5; x>=0]",
        "--noise / --no-noise",
        "--train PATH",
        "--seed INTEGER",
        "--env NAME",
    ):
        assert words in done.stdout
    assert "[none|raise|data" in done.stdout


@pytest.mark.slow
def test_run_without_a_terminal_shows_plain_lines_and_leaves_a_record(
    envkit: Any, envkit_beside_echo: Any, tmp_path: Path
) -> None:
    (tmp_path / "envkit.toml").write_text("[echo]\nsteps = 2\nbatch-size = 4\n")

    done = envkit("run", "echo", "--steps", "3", ENVKIT_ECHO_SEED="7")

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "dev/echo_score  1.0000" in done.stdout
    (run_dir,) = (tmp_path / "runs").iterdir()
    request = json.loads((run_dir / "request.json").read_bytes())
    assert (request["options"]["steps"], request["sources"]["steps"]) == (3, "--steps")
    assert (request["options"]["seed"], request["sources"]["seed"]) == (7, "ENVKIT_ECHO_SEED")
    assert request["options"]["batch_size"] == 4
    assert request["sources"]["batch_size"] == str(tmp_path / "envkit.toml")
    assert request["environment"]["kind"] == "current"

    listed = envkit_beside_echo("runs", "list")
    shown = envkit_beside_echo("runs", "show", run_dir.name[-4:])

    assert run_dir.name in listed.stdout
    assert "finished" in listed.stdout
    assert "batch_size" in shown.stdout
    assert "envkit.toml" in shown.stdout


@pytest.mark.slow
def test_run_as_json_prints_the_envelope_alone(envkit: Any) -> None:
    done = envkit("run", "echo", "--json")

    body = json.loads(done.stdout)
    assert (body["ok"], body["command"]) == (True, "run echo")
    assert body["data"]["result"]["status"] == "finished"


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["--epochs", "0"], 2, "--epochs: '0'", "epochs: "),
        (["--train", "nowhere.txt"], 2, "nowhere.txt: no such file", "--train"),
        (["--train", "empty.txt"], 2, "empty.txt: the file is empty", "--train"),
        (["--train", "trian.txt"], 2, "trian.txt: no such file", "train.txt"),
        (["--model", "./nothing"], 2, "'./nothing' is no folder with a model", "--model"),
        (["--run-dir", "."], 2, "exists already", "--run-dir"),
        (["--env", "no-such"], 6, "'no-such'", "Known: none yet"),
    ],
)
def test_run_with_what_cannot_work_ends_with_error_hint_and_code(
    envkit_beside_echo: Any, tmp_path: Path, words: list[str], code: int, message: str, hint: str
) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "train.txt").write_text("x\n")

    done = envkit_beside_echo("run", "echo", *words)

    assert_one_error(done, code=code, message=message, hint=hint)
    assert not (tmp_path / "home" / "envs").exists()


@pytest.mark.slow
def test_model_of_the_plugins_own_is_taken_though_a_folder_is_called_so(
    envkit_beside_echo: Any, tmp_path: Path
) -> None:
    for name in ("parrot", "magpie"):
        (tmp_path / name).mkdir()

    own = envkit_beside_echo("run", "echo", "--model", "parrot", "--run-dir", "run")
    other = envkit_beside_echo("run", "echo", "--model", "magpie")

    assert own.returncode == 0, own.stderr
    request = json.loads((tmp_path / "run/request.json").read_bytes())
    assert request["options"]["model"] == "parrot"
    assert_one_error(other, code=2, message="'magpie' is no folder with a model", hint="--model")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "code", "message", "hint"),
    [
        ("raise", 5, "envkit-echo 0.1.0", "https://example.org/envkit-echo/issues"),
        ("data", 2, "echo.txt:3", "Write something"),
    ],
)
def test_run_that_fails_in_its_worker_ends_with_error_hint_and_code(
    envkit_beside_echo: Any, fault: str, code: int, message: str, hint: str
) -> None:
    done = envkit_beside_echo("run", "echo", "--fault", fault)

    assert_one_error(done, code=code, message=message, hint=hint)


@pytest.mark.slow
def test_run_whose_worker_is_killed_ends_with_error_hint_and_code(envkit: Any) -> None:
    done = envkit("run", "echo", "--fault", "kill")

    assert_one_error(done, code=1, message="SIGKILL", hint="worker.log")


def assert_one_error(done: subprocess.CompletedProcess[str], *, code: int, message: str, hint: str) -> None:
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    hints = [line for line in done.stderr.splitlines() if line.startswith("hint: ")]
    assert done.returncode == code, done.stderr
    assert len(errors) == 1
    assert message in errors[0]
    assert hint in hints[0]


@pytest.mark.slow
def test_run_that_fails_under_json_carries_the_error_in_the_envelope(envkit_beside_echo: Any) -> None:
    done = envkit_beside_echo("run", "echo", "--fault", "data", "--json")

    body = json.loads(done.stdout)
    assert done.returncode == 2
    assert "echo.txt:3" in body["error"]["message"]


@pytest.mark.slow
def test_broken_plugin_harms_its_own_task_alone(
    envkit_beside_echo: Any, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    info = tmp_path / "broken" / "envkit_bad-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: envkit-bad\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[envkit.tasks]\nbad = envkit_bad\n")
    (tmp_path / "broken" / "envkit_bad.py").write_text("1 / 0\n")
    path = {"PYTHONPATH": f"{tmp_path / 'broken'}:{echo_environ['PYTHONPATH']}"}

    used = envkit_beside_echo("run", "bad", **path)
    listed = envkit_beside_echo("plugin", "list", **path)
    other = envkit_beside_echo("run", "echo", **path)

    assert used.returncode == 5
    assert "envkit-bad 1.0" in used.stderr
    assert "ZeroDivisionError" in used.stderr
    assert "broken" in listed.stdout
    assert other.returncode == 0


def test_two_plugins_of_one_name_are_both_named_and_neither_is_chosen(
    envkit_beside_echo: Any, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    info = tmp_path / "other" / "envkit_echoes-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: envkit-echoes\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[envkit.tasks]\necho = nothing\n")

    path = f"{tmp_path / 'other'}:{echo_environ['PYTHONPATH']}"
    done = envkit_beside_echo("run", "echo", PYTHONPATH=path)

    assert done.returncode == 5
    assert "envkit-echoes 2.0" in done.stderr
    assert "envkit-echo 0.1.0" in done.stderr


def test_plugin_with_an_option_of_envkits_own_is_refused_by_name(
    envkit_beside_echo: Any, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    info = tmp_path / "greedy" / "envkit_greedy-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: envkit-greedy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[envkit.tasks]\ngreedy = envkit_greedy\n")
    (tmp_path / "greedy" / "envkit_greedy.py").write_text(
        "from envkit.api import Options, Task, hookimpl\n"
        "class GreedyOptions(Options):\n    run_dir: str = ''\n"
        "@hookimpl\ndef envkit_task(): return Task(options=GreedyOptions, headline='x')\n"
        "@hookimpl\ndef envkit_read(request): return None\n"
        "@hookimpl\ndef envkit_finetune(run): return None\n"
    )

    path = f"{tmp_path / 'greedy'}:{echo_environ['PYTHONPATH']}"
    done = envkit_beside_echo("run", "greedy", "--help", PYTHONPATH=path)

    assert done.returncode == 5
    assert "envkit-greedy 1.0" in done.stderr
    assert "run_dir" in done.stderr
