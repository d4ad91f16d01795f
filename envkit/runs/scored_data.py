"""On which data the runs that are compared were scored: scores on other data say nothing of the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envkit.data.splits import split_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.records import DataRecord, MetricsRecord
    from envkit.runs.folder import RunSummary

_SCORED = ("dev", "test")
_HASH_LENGTH = 12  # of a hash's digits, enough to see that two are not the same


def find_unlike_data(runs: Sequence[RunSummary], records: Sequence[MetricsRecord | None]) -> list[str]:
    """Return a warning for each split on which runs were scored with data that are not the same."""
    warnings = []
    for split in _SCORED:
        scored = [
            _describe(run, record, split)
            for run, record in zip(runs, records, strict=True)
            if record is not None and any(name.startswith(f"{split}/") for name in record.metrics)
        ]
        distinct = list(dict.fromkeys(scored))
        if len(distinct) > 1:
            warnings.append(
                f"the {split} scores are of different data, so that they do not tell which model is "
                f"better: {'; '.join(distinct)}"
            )
    return warnings


def _describe(run: RunSummary, record: MetricsRecord, split: str) -> str:
    """Return in words what a split of this run was; the same words mean the same rows."""
    file = _find(run, record, split)
    if file is not None:
        return _name(file)
    train = _find(run, record, "train")
    if train is None:
        return f"the sample of {run.request.plugin.distribution} {run.request.plugin.version}"
    return f"a part of {_name(train)} cut off by seed {record.seed}"


def _find(run: RunSummary, record: MetricsRecord, split: str) -> DataRecord | None:
    """Return the file of this split, as an option names it or as it is named in the folder of ``data``."""
    by_path = {file.path: file for file in record.data}
    named = run.request.options.get(split)
    if isinstance(named, str):
        return by_path.get(named)
    folder = run.request.options.get("data")
    if not isinstance(folder, str):
        return None
    if folder in by_path:  # a file, all of which is to train on, or a folder a class
        return by_path[folder] if split == "train" else None
    inside = (file for file in record.data if Path(file.path).parent == Path(folder))
    return next((file for file in inside if split_named(Path(file.path)) == split), None)


def _name(file: DataRecord) -> str:
    return f"{Path(file.path).name} (sha256 {file.sha256[:_HASH_LENGTH]})"
