"""Whether a machine is ready for a task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from doctor.machines import GB, change, cpu_machine, gpu_machine, having, surroundings
from environments.stored import build_for, wanted
from small_distributions import small_task

from envkit.config import Settings
from envkit.doctor.readiness import task_findings
from envkit.environments.generations import in_use_file
from envkit.environments.store import change_environment, list_environments, python_of
from envkit.registry import load_task

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.api.checks import Finding
    from envkit.api.facts import MachineFacts

GOOD = "".join(f"Ada{number}\tB-PER\nsleeps\tO\n\n" for number in range(20))
IDS = ["task.environment", "task.torch", "task.disk", "task.memory", "task.time", "task.data"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("ENVKIT_NER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.conll").write_text(GOOD)
    return tmp_path


def bare_environ(**more: str) -> dict[str, str]:
    """Return variables by which no wheels of this very machine are offered."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, **more}


def ready(
    folder: Path, facts: MachineFacts, *, task: str = "ner", env: str = "auto", **arguments: Any
) -> dict[str, Finding]:
    arguments = {"environ": bare_environ(), "is_elsewhere": True} | arguments
    found = task_findings(
        task,
        train=arguments.pop("train", folder / "train.conll"),
        facts=facts,
        surroundings=surroundings(home=folder / "home"),
        settings=Settings(home=folder / "home", env=env),
        **arguments,
    )
    return {finding.id: finding for finding in found}


def full(facts: MachineFacts, free: int) -> MachineFacts:
    disks = tuple(msgspec.structs.replace(disk, free=free) for disk in facts.disks)
    return having(facts, disks=disks)


def test_task_on_a_machine_that_is_ready_has_no_error(folder: Path) -> None:
    found = ready(folder, cpu_machine())

    assert list(found) == IDS
    assert {found[each].severity for each in IDS} <= {"ok", "info", "skip"}
    assert "would be made" in found["task.environment"].summary
    assert "on the CPU" in found["task.torch"].summary


def test_task_on_another_machine_is_not_promised_the_wheels_that_lie_here(folder: Path) -> None:
    found = ready(folder, cpu_machine())
    for python in ("cp311", "cp312", "cp313", "cp314"):
        (folder / f"torch-2.6.0+cpu-{python}-{python}-linux_x86_64.whl").touch()

    beside = ready(folder, cpu_machine(), environ=bare_environ(PIP_FIND_LINKS=str(folder)))

    assert beside["task.torch"] == found["task.torch"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("facts", "check", "severity", "words"),
    [
        (full(cpu_machine(), 1 * GB), "task.disk", "error", "too little"),
        pytest.param(
            change(cpu_machine(), "memory", available=1 * GB),
            "task.memory",
            "warn",
            "1.0 GB of it free",
            marks=pytest.mark.slow,
        ),
        (change(cpu_machine(), "memory", total=1 * GB, available=None), "task.memory", "error", "1.0 GB"),
        pytest.param(
            change(cpu_machine(), "memory", limit=1 * GB),
            "task.memory",
            "error",
            "1.0 GB",
            marks=pytest.mark.slow,
        ),
        (change(cpu_machine(), "platform", libc="musl", libc_version="1.2.5"), "task.torch", "error", ""),
        pytest.param(
            gpu_machine("K80", driver="418.40"),
            "task.torch",
            "warn",
            "though there is a GPU",
            marks=pytest.mark.slow,
        ),
        (gpu_machine("A100"), "task.torch", "ok", "on the GPU"),
    ],
    ids=["disk", "memory taken", "memory small", "memory held", "no build", "an old driver", "a GPU"],
)
def test_task_on_a_machine_that_lacks_something_says_what(
    folder: Path, facts: MachineFacts, check: str, severity: str, words: str
) -> None:
    finding = ready(folder, facts)[check]

    assert finding.severity == severity
    assert words in finding.summary
    assert severity == "ok" or finding.fix


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        (GOOD, "ok", "sound"),
        ("Ada\tFOO-PER-X\n", "error", ""),
        (None, "error", "no such file"),
    ],
    ids=["good", "odd tags", "no file"],
)
def test_task_with_data_that_would_end_the_run_is_an_error(
    folder: Path, text: str | None, severity: str, words: str
) -> None:
    file = folder / "data.conll"
    if text is not None:
        file.write_text(text)

    finding = ready(folder, cpu_machine(), train=file)["task.data"]

    assert finding.severity == severity
    assert words in finding.summary


def test_task_for_a_gpu_that_is_not_there_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {**os.environ, "ENVKIT_NER_DEVICE": "cuda"}

    finding = ready(folder, cpu_machine(), environ=environ)["task.torch"]

    assert finding.severity == "error"
    assert "--device cuda" in finding.summary


def test_task_with_an_option_that_cannot_be_is_an_error(folder: Path) -> None:
    (folder / "envkit.toml").write_text("[ner]\nepochs = -1\n")

    found = ready(folder, cpu_machine())

    assert [(each.id, each.severity) for each in found.values()] == [("task.environment", "error")]


def test_task_in_a_container_says_which_image(folder: Path) -> None:
    found = ready(folder, cpu_machine(), env="docker:team/ner:1")

    assert "team/ner:1" in found["task.environment"].summary
    assert found["task.data"].severity == "ok"


def test_task_whose_environment_lost_its_python_is_told_and_the_environment_left_as_it_is(
    folder: Path,
) -> None:
    home, want = folder / "home", wanted(name="mine")
    build, prefix = build_for(want), home / "envs/.made/mine-1"
    change_environment(
        home, "mine", is_fit=lambda prefix, record: None, build=build, say=lambda text: None
    ).release()
    python_of(prefix).unlink()
    os.utime(in_use_file(prefix), (0, 0))

    finding = ready(folder, cpu_machine(), env="mine", is_elsewhere=False)["task.data"]

    assert finding.severity == "skip"
    assert "the environment mine does not start" in finding.summary
    assert [each.last_used for each in list_environments(home)] == [0]


def test_task_without_data_tells_of_the_sample(folder: Path) -> None:
    finding = ready(folder, cpu_machine(), train=None)["task.data"]

    assert (finding.severity, "sample" in finding.summary) == ("info", True)


@pytest.mark.slow
def test_task_whose_files_do_not_answer_is_told_in_its_own_time_and_not_waited_for(folder: Path) -> None:
    silent = folder / "pip.conf"
    os.mkfifo(silent)  # nobody writes: who reads it waits, as on a server that is gone
    end = os.open(silent, os.O_RDWR)
    load_task("ner")  # what that takes is none of theirs

    try:
        found = ready(
            folder,
            cpu_machine(),
            environ=bare_environ(PIP_CONFIG_FILE=str(silent)),
            seconds=0.5,
        )
    finally:
        os.close(end)

    assert list(found) == ["task.environment"]
    assert found["task.environment"].severity == "error"
    assert "do not answer" in found["task.environment"].summary
    assert "HOME" in str(found["task.environment"].fix)


@pytest.mark.slow
def test_doctor_of_a_task_whose_plugin_hangs_when_it_is_imported_names_it_in_whole_json(folder: Path) -> None:
    module = "import subprocess, time\nsubprocess.run(['echo', 'printed by a program'])\ntime.sleep(60)\n"
    small_task("sleepy", module=module).install(folder / "site")
    environ = bare_environ(PYTHONPATH=str(folder / "site"), ENVKIT_HOME=str(folder / "home"))

    done = subprocess.run(
        [sys.executable, "-m", "envkit", "doctor", "--task", "sleepy", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )

    assert "printed by a program" in done.stderr
    assert "the plugin of sleepy cannot be imported here" in json.dumps(json.loads(done.stdout)["data"])
    assert done.returncode == 1
