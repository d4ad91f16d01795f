"""The checks that compute: judged by what the child says, and by the child itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doctor.machines import cpu_machine, gpu_machine, having, intel_gpu_machine, surroundings, with_torch

from envkit.api.checks import CheckContext, Finding
from envkit.doctor import deep
from envkit.doctor.deep import deep_checks, find_torch_python
from envkit.machine.process import ProcessOutput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api.facts import MachineFacts

CHILD = Path(deep.__file__).with_name("deep_child.py")
TORCH = {"torch": "2.15.0+cu132", "built_for": "cuda 13.2", "kernels": ["sm_75", "sm_80", "sm_90", "sm_120"]}


class Child:
    """Stands for the process: says these lines, whatever it is asked."""

    def __init__(self, *lines: dict[str, Any], status: int | None = 0, err: str = "") -> None:
        self.output = ProcessOutput(status=status, out="\n".join(map(json.dumps, lines)), err=err)
        self.cmd: list[str] = []

    def __call__(self, cmd: Sequence[str], *, environ: Mapping[str, str], timeout: float) -> ProcessOutput:
        self.cmd = list(cmd)
        return self.output


def run(subject: str, child: Child, facts: MachineFacts, *, is_elsewhere: bool = False) -> Finding:
    checks = deep_checks(surroundings(), environ={}, run_process=child)
    check = next(check for check in checks if check.id == f"deep.{subject}")
    (finding,) = check.run(CheckContext(facts=facts, is_elsewhere=is_elsewhere))
    return finding


def begun(device: str, capability: str | None = None) -> dict[str, Any]:
    return {"device": device, "state": "begun", "name": capability and "NVIDIA", "capability": capability}


def right(device: str) -> dict[str, Any]:
    return {"device": device, "state": "right", "difference": 1e-6, "seconds": 0.1}


GPUS = with_torch(gpu_machine("A100", "A100"), "2.15.0", "cu132")
CPU = with_torch(cpu_machine(), "2.15.0+cpu", "cpu")
CASES = {
    "a processor that computes": ("cpu", CPU, Child(TORCH, begun("cpu"), right("cpu")), "ok", "on cpu"),
    "two GPUs that compute": (
        "gpu",
        GPUS,
        Child(TORCH, begun("cuda:0", "8.0"), right("cuda:0"), begun("cuda:1", "8.0"), right("cuda:1")),
        "ok",
        "cuda:0, cuda:1",
    ),
    "one GPU of two": ("gpu", GPUS, Child(TORCH, begun("cuda:0", "8.0"), right("cuda:0")), "error", "1 of 2"),
    "no GPU seen": ("gpu", GPUS, Child(TORCH), "error", "sees no GPU"),
    "a GPU without kernels": (
        "gpu",
        GPUS,
        Child(
            TORCH,
            begun("cuda:0", "7.0"),
            {"device": "cuda:0", "state": "failed", "error": "RuntimeError: no kernel image is available"},
        ),
        "error",
        "no kernel image",
    ),
    "a GPU that computes wrongly": (
        "gpu",
        GPUS,
        Child(TORCH, begun("cuda:0"), {"device": "cuda:0", "state": "wrong", "difference": 0.5}),
        "error",
        "off by 50 %",
    ),
    "a GPU that gives no numbers": (
        "gpu",
        GPUS,
        Child(TORCH, begun("cuda:0"), {"device": "cuda:0", "state": "wrong", "difference": None}),
        "error",
        "no numbers",
    ),
    "a GPU that hangs": (
        "gpu",
        GPUS,
        Child(TORCH, begun("cuda:0"), status=1, err="Timeout (0:00:55)!\nThread 0x1\n"),
        "error",
        "did not answer within 60 s on cuda:0",
    ),
    "a child that is killed": ("gpu", GPUS, Child(status=None), "error", "did not answer within 60 s"),
    "an illegal instruction": ("cpu", CPU, Child(TORCH, begun("cpu"), status=-4), "error", "signal 4 on cpu"),
    "a torch that cannot be imported": (
        "cpu",
        CPU,
        Child(status=1, err="ImportError: libcudnn.so.9"),
        "error",
        "cannot be imported",
    ),
    "no bfloat16": (
        "bfloat16",
        CPU,
        Child(TORCH, begun("cpu"), {"device": "cpu", "state": "failed", "error": "RuntimeError: no"}),
        "warn",
        "no bfloat16",
    ),
    "a processor alone": ("gpu", CPU, Child(), "skip", "no GPU"),
    "a GPU of Intel's beside a usual torch": (
        "gpu",
        with_torch(intel_gpu_machine(), "2.15.0", "cu132"),
        Child(TORCH),
        "skip",
        "not built for",
    ),
    "no torch anywhere": ("cpu", cpu_machine(), Child(), "skip", "no Python here has torch"),
    "nonsense and half a line": (
        "cpu",
        CPU,
        Child({"odd": 1}, TORCH, begun("cpu"), right("cpu"), {"device": "cpu", "state": "huh"}),
        "ok",
        "on cpu",
    ),
}


@pytest.mark.parametrize(("subject", "facts", "child", "severity", "summary"), CASES.values(), ids=CASES)
def test_deep_check_judges_what_the_child_says(
    subject: str, facts: MachineFacts, child: Child, severity: str, summary: str
) -> None:
    finding = run(subject, child, facts)

    assert finding.severity == severity
    assert summary in finding.summary
    assert finding.severity in ("ok", "skip") or finding.fix


def test_deep_check_of_a_gpu_without_kernels_says_which_there_are() -> None:
    _, facts, child, *_ = CASES["a GPU without kernels"]

    assert "no kernels for cuda:0 among sm_75, sm_80, sm_90, sm_120" in run("gpu", child, facts).evidence


@pytest.mark.parametrize("subject", ["cpu", "gpu", "bfloat16", "container"])
def test_deep_check_of_another_machine_is_skipped(subject: str) -> None:
    child = Child()

    assert run(subject, child, GPUS, is_elsewhere=True).severity == "skip"
    assert child.cmd == []


def test_deep_container_where_there_is_no_docker_is_skipped() -> None:
    assert run("container", Child(), cpu_machine()).severity == "skip"


def test_deep_python_that_cannot_be_started_is_an_error() -> None:
    def refuse(cmd: Sequence[str], *, environ: Mapping[str, str], timeout: float) -> ProcessOutput:
        raise FileNotFoundError(2, "No such file or directory")

    check = deep_checks(surroundings(), environ={}, run_process=refuse)[0]

    (finding,) = check.run(CheckContext(facts=CPU))
    assert (finding.severity, "does not start" in finding.summary) == ("error", True)


def test_deep_python_is_the_running_one_that_has_torch() -> None:
    child = Child(TORCH, begun("cpu"), right("cpu"))

    run("cpu", child, CPU)

    assert child.cmd[:2] == [CPU.python.path, "-I"]


def test_deep_python_of_an_environment_that_is_gone_is_none(tmp_path: Path) -> None:
    facts = having(with_torch(cpu_machine(), "2.15.0", environment="old"), python=CPU.python)

    assert find_torch_python(facts, home=tmp_path) is None


def child_lines(*words: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-I", str(CHILD), *words], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.torch
@pytest.mark.parametrize(("subject", "farthest"), [("cpu", 1e-4), ("bfloat16", 8e-2)])
def test_child_on_the_processor_gets_what_float64_gets(subject: str, farthest: float) -> None:
    head, *devices = child_lines(subject, "55")

    assert head["torch"]
    ends = [each for each in devices if each["device"] == "cpu" and each["state"] != "begun"]
    assert [each["state"] for each in ends] == ["right"]
    assert 0 < ends[0]["difference"] < farthest


@pytest.mark.torch
def test_child_that_takes_too_long_ends_itself_and_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(CHILD), "cpu", "0.05"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "Timeout (" in done.stderr
