"""How fast this machine trained before: what earlier runs of the same task and model measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api.options import to_builtins
from envkit.api.records import MetricsRecord
from envkit.data.check.duration import Speed
from envkit.machine import MachineFacts
from envkit.runs.folder import RUNS_DIR, list_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.api import Options
    from envkit.worker.folder import RunFolder

# The options that decide how much is computed for a token, and on what.
_DECIDING = ("model", "device", "precision", "peft", "freeze")
_NEWEST = 5


def find_earlier_speed(
    task: str, options: Options, *, facts: Callable[[], MachineFacts], runs_dir: Path = RUNS_DIR
) -> Speed | None:
    """Return the speed of the longest of the newest runs of this task and model here, None for none.

    ``facts`` is called where a run says on what machine it was.
    """
    values = to_builtins(options)
    found: list[tuple[MetricsRecord, str]] = []
    for run in reversed(list_runs(runs_dir)):
        if run.request.task == task and len(found) < _NEWEST:
            found += ((record, run.request.id) for record in _comparable(run.folder, values, facts))
    if not found:
        return None
    record, name = max(found, key=lambda each: each[0].tokens)
    assert record.tokens_per_second is not None
    return Speed(record.tokens_per_second, f"the run {name}")


def _comparable(
    folder: RunFolder, values: dict[str, Any], facts: Callable[[], MachineFacts]
) -> Iterator[MetricsRecord]:
    """Yield the metrics of a run if it computed as this one would, on this machine."""
    try:
        record = msgspec.json.decode(folder.metrics_file.read_bytes(), type=MetricsRecord)
    except (OSError, msgspec.DecodeError):
        return
    options = {name: option.value for name, option in record.options.items()}
    is_alike = all(options.get(name) == values.get(name) for name in _DECIDING)
    if is_alike and record.tokens_per_second and _is_here(folder, facts):
        yield record


def _is_here(folder: RunFolder, facts: Callable[[], MachineFacts]) -> bool:
    """Tell whether the run was on this machine; one that does not say lies where it ran."""
    try:
        then = msgspec.json.decode(folder.machine_file.read_bytes(), type=MachineFacts)
    except (OSError, msgspec.DecodeError):
        return True
    now = facts()
    return _computing(then) == _computing(now)


def _computing(facts: MachineFacts) -> tuple[Any, ...]:
    gpus = tuple(gpu.name for gpu in facts.nvidia.gpus)
    return facts.cpu.model, facts.cpu.logical_cores, facts.cpu.quota, gpus
