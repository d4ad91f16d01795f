"""The model behind a server: opened once, then asked for one prediction after the other."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvkitError, Inputs, UsageError
from envkit.api.records import RECORDS_VERSION, EnvironmentUse, ErrorRecord, ModelRecord
from envkit.registry import load_entry
from envkit.worker.model_files import MODEL_RECORD
from envkit.worker.predictions import prediction_line
from envkit.worker.use import find_entry, open_predictor
from envkit.worker.use_failures import record_use_failure
from envkit.worker.use_request import PredictRequest

if TYPE_CHECKING:
    from envkit.api import Predictor
    from envkit.registry import TaskEntry
    from envkit.worker.reporter import EventReporter

# Two texts are a question with its context, a pair, or two rows: something for a model of any kind.
_FIRST_TEXTS = ("Is it warm?", "It is warm.")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a prediction: ``rows``, each as JSON, or the error.

    ``place`` says of an error that is the plugin's fault where it was raised, without what it says: that may
    hold what was asked.
    """

    rows: tuple[bytes, ...] = ()
    error: ErrorRecord | None = None
    place: str = ""


def model_request(model_dir: Path, *, device: str = "auto") -> PredictRequest:
    """Return the request to use the model in this folder, in this interpreter.

    Raises: UsageError where there is none, EnvkitError for a record that is damaged or too new.
    """
    file = model_dir / MODEL_RECORD
    try:
        record = msgspec.json.decode(file.read_bytes(), type=ModelRecord)
    except FileNotFoundError:
        raise UsageError(
            f"{model_dir} holds no model: it has no {MODEL_RECORD}",
            hint="Name the folder of a run's model: --model DIR",
        ) from None
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(f"{file}: cannot be read: {error}") from error
    if record.version > RECORDS_VERSION:
        raise EnvkitError(f"{file} was written by envkit {record.envkit}, which is newer than this one")
    here = EnvironmentUse(
        kind="docker", name="docker", python=sys.executable, reason="the Python that serves the model"
    )
    return PredictRequest(model_dir=str(model_dir.absolute()), model=record, environment=here, device=device)


class ServedModel:
    """A model that is loaded. Use it in the thread that opened it."""

    def __init__(self, predictor: Predictor, *, entry: TaskEntry, request: PredictRequest) -> None:
        self._predictor = predictor
        self._entry = entry
        self._request = request

    def predict(self, inputs: Inputs) -> Outcome:
        """Return a row for each input, or what went wrong, whatever that is."""
        try:
            rows = tuple(prediction_line(each)[:-1] for each in self._predictor.predict(inputs))
        except BaseException as error:  # noqa: BLE001 - SystemExit too: a server answers whatever a plugin does
            failure = record_use_failure(error, entry=self._entry, request=self._request)
            return Outcome(error=failure, place=_place(error))
        return Outcome(rows=rows)

    def first_prediction(self) -> ErrorRecord | None:
        """Predict something, so that the first who asks need not wait; return what is broken, if anything is.

        A model that wants other inputs than texts says so, and is none the worse for it.
        """
        error = self.predict(Inputs(texts=_FIRST_TEXTS)).error
        return None if error is None or error.exit_code == UsageError.exit_code else error


def open_model(request: PredictRequest, *, report: EventReporter) -> ServedModel | ErrorRecord:
    """Load the plugin and the model, and return it, or what went wrong, whatever that is."""
    entry: TaskEntry | None = None  # the plugin, once its code runs: whose fault an error is
    try:
        entry = find_entry(request, report)
        predictor = open_predictor(request, load_entry(entry), report=report)
    except BaseException as error:  # noqa: BLE001 - SystemExit too: however a plugin ends, it is told
        return record_use_failure(error, entry=entry, request=request)
    return ServedModel(predictor, entry=entry, request=request)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}"
