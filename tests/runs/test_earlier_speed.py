"""The speed of earlier runs: only of those that computed the same on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import echo_request

from envkit.api import Options
from envkit.api.options import to_builtins
from envkit.api.records import MetricsRecord, OptionRecord
from envkit.machine import MachineFacts, read_facts
from envkit.runs.earlier_speed import find_earlier_speed
from envkit.runs.folder import create_run
from envkit.worker.folder import write_record

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = Options(model="some/model")
FACTS = read_facts()


def metrics(run: str, *, tokens: int, speed: float | None, **options: Any) -> MetricsRecord:
    values = to_builtins(OPTIONS) | options
    return MetricsRecord(
        run=run,
        task="echo",
        status="finished",
        evaluations=[],
        metrics={},
        intervals={},
        scorer=None,
        steps=1,
        tokens=tokens,
        seconds={},
        tokens_per_second=speed,
        padding_ratio=None,
        peak_memory_bytes=0,
        peak_gpu_bytes=None,
        resumed_from=[],
        seed=1,
        choices={},
        measured={},
        options={name: OptionRecord(value=value, source="default") for name, value in values.items()},
        data=[],
        packages={},
        python="3.11",
    )


def keep(runs_dir: Path, name: str, record: MetricsRecord, *, machine: MachineFacts | None = None) -> None:
    folder = create_run(msgspec.structs.replace(echo_request(), id=name), runs_dir=runs_dir)
    write_record(folder.metrics_file, record)
    if machine is not None:
        write_record(folder.machine_file, machine)


def test_find_earlier_speed_takes_the_longest_of_the_runs_that_are_alike(tmp_path: Path) -> None:
    keep(tmp_path, "short", metrics("short", tokens=10, speed=1.0), machine=FACTS)
    keep(tmp_path, "long", metrics("long", tokens=1000, speed=50.0), machine=FACTS)

    speed = find_earlier_speed("echo", OPTIONS, facts=lambda: FACTS, runs_dir=tmp_path)

    assert speed is not None
    assert (speed.tokens_per_second, speed.source, speed.is_rough) == (50.0, "the run long", False)


@pytest.mark.parametrize(
    "record",
    [
        metrics("x", tokens=10, speed=None),
        metrics("x", tokens=10, speed=5.0, model="another"),
        metrics("x", tokens=10, speed=5.0, device="cuda"),
    ],
)
def test_find_earlier_speed_leaves_runs_out_that_computed_something_else(
    tmp_path: Path, record: MetricsRecord
) -> None:
    keep(tmp_path, "x", record)

    assert find_earlier_speed("echo", OPTIONS, facts=lambda: FACTS, runs_dir=tmp_path) is None


def test_find_earlier_speed_leaves_runs_of_another_machine_or_task_out(tmp_path: Path) -> None:
    cpu = msgspec.structs.replace(FACTS.cpu, model="Abacus 3")
    keep(tmp_path, "x", metrics("x", tokens=10, speed=5.0), machine=msgspec.structs.replace(FACTS, cpu=cpu))

    assert find_earlier_speed("echo", OPTIONS, facts=lambda: FACTS, runs_dir=tmp_path) is None
    assert find_earlier_speed("other", OPTIONS, facts=lambda: FACTS, runs_dir=tmp_path) is None


def test_find_earlier_speed_without_any_run_is_none(tmp_path: Path) -> None:
    assert find_earlier_speed("echo", OPTIONS, facts=lambda: FACTS, runs_dir=tmp_path / "none") is None
