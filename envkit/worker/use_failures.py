"""Turn whatever ended the use of a model into a record: what is wrong, and whose turn it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api.records import ErrorRecord, ModelRecord, RunRequest
from envkit.worker.failures import is_out_of_memory, record_failure

if TYPE_CHECKING:
    from envkit.registry import TaskEntry
    from envkit.worker.use_request import AnyUse


def record_use_failure(error: BaseException, *, entry: TaskEntry | None, request: AnyUse) -> ErrorRecord:
    """Return the record of the error that ended a use; ``entry`` is the plugin if its code was running."""
    record = record_failure(
        error, entry=entry, request=_run_of(request.model), run_dir=Path(request.model_dir)
    )
    if not is_out_of_memory(error):
        return record
    # What a run of this model would be told, smaller steps, is nothing that a use of it has.
    return msgspec.structs.replace(
        record,
        message=record.message.replace("for this run", "for this model"),
        hint="Compute on the CPU (--device cpu), or end what else uses the memory",
    )


def _run_of(model: ModelRecord) -> RunRequest:
    """Return the request of the run that made the model, as far as the model's record tells."""
    return RunRequest(
        id=model.run,
        task=model.task,
        plugin=model.plugin,
        options=model.options,
        sources={},
        environment=model.environment,
        envkit=model.envkit,
        created=model.created,
        headline="",
    )
