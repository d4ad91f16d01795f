"""Write ``metrics.json``: what came of a run, and what it came of."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING

from envkit.api.records import DataRecord, MetricsRecord, OptionRecord, RunRequest, RunResult
from envkit.worker.folder import write_record

if TYPE_CHECKING:
    from envkit.checkpoints import MadeBy
    from envkit.worker.account import RunAccount
    from envkit.worker.folder import RunFolder

# What a loop measures that has a field of its own in the record.
_TOKENS_PER_SECOND = "tokens_per_second"
_PADDING_RATIO = "padding_ratio"
_PEAK_GPU_BYTES = "peak_gpu_bytes"
_TRAINING = "train"  # the phase


def write_metrics(
    folder: RunFolder, request: RunRequest, result: RunResult, *, account: RunAccount, made_by: MadeBy
) -> None:
    """Write the record of a run that has ended. Raises: OSError."""
    write_record(
        folder.metrics_file,
        metrics_record(request, result, account=account, made_by=made_by, peak_memory=peak_memory_bytes()),
    )


def metrics_record(
    request: RunRequest, result: RunResult, *, account: RunAccount, made_by: MadeBy, peak_memory: int
) -> MetricsRecord:
    """Return the record of a run that ended with ``result``; ``peak_memory`` is in bytes."""
    measured = dict(account.measured)
    # The loop knows best what of its time was training; events know only its phase.
    tokens_per_second = measured.pop(_TOKENS_PER_SECOND, None)
    training_seconds = result.seconds.get(_TRAINING, 0.0)
    if tokens_per_second is None and account.tokens and training_seconds > 0:
        tokens_per_second = account.tokens / training_seconds
    peak_gpu = measured.pop(_PEAK_GPU_BYTES, None)
    seed = request.options.get("seed")
    return MetricsRecord(
        run=request.id,
        task=request.task,
        status=result.status,
        evaluations=[account.evaluations[step] for step in sorted(account.evaluations)],
        metrics=result.metrics,
        intervals=result.intervals,
        scorer=result.scorer,
        steps=account.step,
        tokens=account.tokens,
        seconds=result.seconds,
        tokens_per_second=None if tokens_per_second is None else round(tokens_per_second, 1),
        padding_ratio=measured.pop(_PADDING_RATIO, None),
        peak_memory_bytes=peak_memory,
        peak_gpu_bytes=None if peak_gpu is None else int(peak_gpu),
        resumed_from=list(account.resumed_from),
        seed=seed if isinstance(seed, int) else None,
        choices=dict(account.choices),
        measured=measured,
        options={
            name: OptionRecord(value=value, source=request.sources.get(name, "default"))
            for name, value in made_by.options.items()
        },
        data=[DataRecord(path=file.name, size=file.size, sha256=file.sha256) for file in made_by.data],
        packages=made_by.packages,
        python=made_by.python,
    )


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held at once."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kibibytes elsewhere (getrusage(2))
