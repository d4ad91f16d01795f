"""Find a saved model again: that of a run, or a model's folder wherever it stands."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvkitError, UsageError
from envkit.api.records import RECORDS_VERSION, ModelRecord
from envkit.runs.folder import RUNS_DIR, find_run, read_status
from envkit.worker.model_files import MODEL_RECORD

if TYPE_CHECKING:
    from envkit.worker.folder import RunFolder

_NO_MODEL = {
    "running": "it is at work",
    "finished": "its task saves none",
    "cancelled": "it was stopped before there was one",
    "failed": "it failed",
    "crashed": "it crashed",
}


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A model's folder, absolute, and the record in it of what made it."""

    path: Path
    record: ModelRecord


def find_model(name: str, *, runs_dir: Path = RUNS_DIR) -> SavedModel:
    """Return the model of a run (its folder, its id, or the end of its id) or in a folder with envkit.json.

    Raises: UsageError where there is none, EnvkitError for a damaged record.
    """
    folder = Path(name)
    try:
        if (folder / MODEL_RECORD).is_file():
            return _read(folder.absolute())
        is_folder = folder.is_dir()
        run = find_run(name, runs_dir=runs_dir)
    except UsageError:
        if not is_folder:
            raise
        raise _no_model_folder(folder) from None
    except OSError as error:  # a name too long for a file, such as a text where RUN was meant
        raise UsageError(
            f"{name[:60]!r}… is neither a run nor a model: {error.strerror}",
            hint="The run or model comes first, then the texts",
        ) from error
    if not (run.model_dir / MODEL_RECORD).is_file():
        raise _no_model(run)
    return _read(run.model_dir)


def _read(folder: Path) -> SavedModel:
    file = folder / MODEL_RECORD
    try:
        record = msgspec.json.decode(file.read_bytes(), type=ModelRecord)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(f"{file}: cannot be read: {error}") from error
    if record.version > RECORDS_VERSION:
        from envkit.owner import upgrade_command  # for an error alone

        raise EnvkitError(
            f"{file} was written by envkit {record.envkit}, which is newer than this one",
            hint=f"Upgrade envkit: {upgrade_command()}",
        )
    return SavedModel(path=folder, record=record)


def _no_model(run: RunFolder) -> UsageError:
    name = shlex.quote(str(run.path))
    return UsageError(
        f"the run in {run.path} has no model: {_NO_MODEL[read_status(run)]}",
        hint=f"To see how it stands: envkit runs show {name}",
    )


def _no_model_folder(folder: Path) -> UsageError:
    if (folder / "config.json").is_file():
        return UsageError(
            f"{folder} holds a model that envkit did not make: it has no {MODEL_RECORD}",
            hint=f"To fine-tune it: envkit run TASK --model {shlex.quote(str(folder))}",
        )
    return UsageError(
        f"{folder} is neither a run nor a model: it has no request.json and no {MODEL_RECORD}",
        hint="To see the runs: envkit runs list",
    )
