"""The record of what came of a run, and of what it came."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from echo import echo_request

from envkit.api.records import ChoiceRecord, EvaluationRecord, MetricsRecord, RunResult
from envkit.checkpoints import FileRecord, MadeBy
from envkit.worker.account import RunAccount
from envkit.worker.metrics import metrics_record, peak_memory_bytes

MADE_BY = MadeBy(
    options={"steps": 3, "seed": 7},
    data=(FileRecord(name="/data/train.txt", size=4, sha256="ab"),),
    packages={"envkit-ml": "0.1.0"},
    python="3.11.7",
)
RESULT = RunResult(
    status="finished",
    task="echo",
    metrics={"dev/f1": 0.5},
    intervals={"dev/f1": (0.25, 0.75)},
    scorer="echo 1",
    seconds={"train": 4.0},
)


def record(account: RunAccount) -> MetricsRecord:
    request = msgspec.structs.replace(
        echo_request(seed=7), sources={"steps": "--steps"}, id="20261122-141503-echo-4f2a"
    )
    return metrics_record(request, RESULT, account=account, made_by=MADE_BY, peak_memory=1024)


def test_metrics_record_says_what_came_of_the_run_and_of_what() -> None:
    account = RunAccount(
        step=3,
        tokens=200,
        resumed_from=(2,),
        evaluations={
            3: EvaluationRecord(step=3, values={"dev/f1": 0.5}),
            2: EvaluationRecord(step=2, values={}),
        },
        choices={"precision": ChoiceRecord(value="bfloat16", reason="1.8x float32 here")},
        measured={"padding_ratio": 1.04, "peak_gpu_bytes": 2e9, "loss_scale": 8.0},
    )

    made = record(account)

    assert made.run == "20261122-141503-echo-4f2a"
    assert [evaluation.step for evaluation in made.evaluations] == [2, 3]
    assert (made.metrics, made.intervals, made.scorer) == (RESULT.metrics, RESULT.intervals, "echo 1")
    assert made.tokens_per_second == 50.0
    assert (made.padding_ratio, made.peak_gpu_bytes, made.measured) == (
        1.04,
        2_000_000_000,
        {"loss_scale": 8.0},
    )
    assert (made.seed, made.resumed_from, made.peak_memory_bytes) == (7, [2], 1024)
    assert {name: option.source for name, option in made.options.items()} == {
        "steps": "--steps",
        "seed": "default",
    }
    assert made.data[0].sha256 == "ab"
    assert msgspec.json.decode(msgspec.json.encode(made), type=MetricsRecord) == made


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (RunAccount(), None),
        (RunAccount(tokens=100), 25.0),
        (RunAccount(tokens=100, measured={"tokens_per_second": 31.25}), 31.2),
    ],
)
def test_tokens_per_second_are_the_loops_own_where_it_measured_them(
    account: RunAccount, expected: float | None
) -> None:
    assert record(account).tokens_per_second == expected


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_peak_memory_is_in_bytes() -> None:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    assert 0.5 * resident < peak_memory_bytes() < 1e12
