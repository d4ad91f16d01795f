"""Look over the data of a task: at the end of a run, or for ``python -m envkit.worker.data_check REQUEST``."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from envkit.api import Corpus, EnvkitError, Problem, Request, RunCancelled
from envkit.api.options import from_builtins
from envkit.api.records import DataReport, ErrorRecord
from envkit.data.check.duration import Speed, SpeedGuess
from envkit.data.check.padding import Step
from envkit.data.check.pieces import TOKENIZER_FILE, has_tokenizers, open_counter
from envkit.data.check.report import USUAL_STEP, Training, check_corpus
from envkit.data.lacking import install_command
from envkit.data.splits import find_splits
from envkit.models import find_model
from envkit.registry import describe, load_task
from envkit.worker.folder import write_record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from envkit.api import Options
    from envkit.data.check.pieces import PieceCounter
    from envkit.registry import LoadedTask
    from envkit.worker.folder import RunFolder

# A look over the data may cost this share of the run that it follows …
_SHARE_OF_RUN = 0.05
# … and gets through so many bytes a second, on one core: with the pieces counted, and without.
_BYTES_A_SECOND = 1e6
_BYTES_A_SECOND_WITHOUT_PIECES = 5e6
_NO_PIECES = "word pieces, so lengths are in words, and no time is estimated"


class CheckRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to look over: a task and its options. ``guess`` says by which processor to guess the speed, if at all."""

    task: str
    options: dict[str, Any]
    speed: Speed | None = None
    guess: Literal["none", "float32", "bfloat16"] = "none"


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: one of the two."""

    report: DataReport | None = None
    error: ErrorRecord | None = None


@dataclass
class KeptReporter:
    """A ``Reporter`` that keeps what a plugin says and warns of while it reads, and drops the rest."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)

    def warn(self, text: str) -> None:
        """Keep it."""
        self.warned.append(text)

    def phase(self, name: str) -> None:
        """Drop it."""

    def plan(self, *, steps: int, epochs: float) -> None:
        """Drop it."""

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Drop it."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Drop it."""

    def choice(self, name: str, value: str, reason: str) -> None:
        """Drop it."""

    def measured(self, name: str, value: float) -> None:
        """Drop it."""


def check_task(task: LoadedTask, request: CheckRequest) -> DataReport:
    """Read the data of a task and look it over. Raises: EnvkitError of the plugin's, DataError."""
    options = from_builtins(request.options, task.task.options)
    model_dir, counter, left_out = _find_counter(options, own_models=task.task.own_models)
    speed: Speed | SpeedGuess | None = request.speed
    if speed is None and request.guess != "none" and counter is not None and model_dir is not None:
        speed = SpeedGuess(model_dir, has_bfloat16=request.guess == "bfloat16")
    return _check(task, options, counter=counter, speed=speed, left_out=left_out)


def record_check(
    task: LoadedTask, options: Options, folder: RunFolder, *, data_bytes: int, run_seconds: float
) -> str | None:
    """Look over the data of a run that has ended, into ``data.json``; return what kept it from that, or None.

    Data so large that it would take more than a twentieth of the run's time is looked over without its
    pieces, or not at all.
    """
    if not task.has("envkit_corpus"):
        return None
    budget = _SHARE_OF_RUN * run_seconds
    if data_bytes / _BYTES_A_SECOND_WITHOUT_PIECES > budget:
        return None
    try:
        counter = None
        left_out = ["word pieces: counting them would have taken long beside this run"]
        if data_bytes / _BYTES_A_SECOND <= budget:
            _, counter, left_out = _find_counter(
                options, own_models=task.task.own_models, model_dir=folder.model_dir
            )
        report = _check(task, options, counter=counter, speed=None, left_out=left_out)
        write_record(folder.data_file, report)
    except BaseException as error:  # noqa: BLE001 - whatever a plugin does here, the run is done and stays so
        return f"the data could not be looked over: {describe(error)}"
    return None


def _check(
    task: LoadedTask,
    options: Options,
    *,
    counter: PieceCounter | None,
    speed: Speed | SpeedGuess | None,
    left_out: Sequence[str],
) -> DataReport:
    report = KeptReporter()
    corpus = _with_reports(task.corpus(Request(options=options, report=report)), report)
    return check_corpus(
        corpus,
        task=task.entry.name,
        files=_files(options),
        pieces=counter,
        training=Training(epochs=options.epochs, step=_step(options), speed=speed),
        left_out=left_out,
    )


def _with_reports(corpus: Corpus, report: KeptReporter) -> Corpus:
    """Return the corpus with what its plugin has said while it read, where it does not say so itself."""
    told = {problem.message for problem in corpus.problems}
    return replace(
        corpus,
        notes=list(dict.fromkeys((*corpus.notes, *report.said))),
        problems=[
            *corpus.problems,
            *(Problem(level="warning", message=text) for text in report.warned if text not in told),
        ],
    )


def _files(options: Options) -> dict[str, str]:
    found = find_splits(options)
    if found is None:
        return {}
    named = {"train": found.train, "dev": found.dev, "test": found.test}
    return {split: str(file) for split, file in named.items() if file is not None}


def _step(options: Options) -> Step:
    if options.batch_size is not None:
        return Step(rows=options.batch_size)
    tokens = getattr(options, "tokens_per_step", None)
    return USUAL_STEP if tokens is None else Step(tokens=tokens)


def _find_counter(
    options: Options, *, own_models: Collection[str], model_dir: Path | None = None
) -> tuple[Path | None, PieceCounter | None, list[str]]:
    """Return the model's folder, what counts its pieces, and what has to be left out without it.

    The saved model of a run has the tokenizer that it was trained with.
    """
    if model_dir is None or not (model_dir / TOKENIZER_FILE).is_file():
        if options.model in own_models:
            return None, None, [f"{_NO_PIECES}: {options.model} makes its own of the texts to train on"]
        found = find_model(options.model)
        model_dir = None if found is None else found.path
    counter = None if model_dir is None else open_counter(model_dir, model=options.model)
    if counter is not None:
        return model_dir, counter, []
    if not has_tokenizers():
        why = (
            f"this Python has no tokenizers ({install_command('tokenizers')}), and no environment is made "
            "for a check"
        )
    elif model_dir is None:
        why = f"{options.model} is not on this machine; the first run brings it"
    else:
        why = f"{options.model} has no {TOKENIZER_FILE} that can be read here"
    return model_dir, None, [f"{_NO_PIECES}: {why}"]


def main(arguments: Sequence[str]) -> int:
    """Answer on standard output; whatever else is printed there goes to standard error."""
    answer_to = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = msgspec.json.decode(arguments[0], type=CheckRequest)
    try:
        answer = CheckAnswer(report=check_task(load_task(request.task), request))
    except EnvkitError as error:
        answer = CheckAnswer(
            error=ErrorRecord(message=error.message, exit_code=error.exit_code, hint=error.hint)
        )
    except KeyboardInterrupt:
        return RunCancelled.exit_code
    with contextlib.suppress(BrokenPipeError), os.fdopen(answer_to, "wb") as stream:
        stream.write(msgspec.json.encode(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
