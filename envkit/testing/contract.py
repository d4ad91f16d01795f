"""What a task is checked with, and how it is run for that: its own hooks, in this process, in fresh folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import Inputs, PredictorRequest, Request, Run, UsageError
from envkit.api.options import from_builtins
from envkit.option_values import in_words
from envkit.registry import DISABLE_VARIABLE, load_task
from envkit.testing.environ_watch import EnvironWatch
from envkit.testing.heard import Heard
from envkit.testing.options import model_of_words, takes_parts
from envkit.testing.promises import NotChecked
from envkit.testing.tester_settings import without_variables
from envkit.testing.tiny_model import make_tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from envkit.api import Corpus, Options, Prediction, Predictor, Result
    from envkit.api.task import ShouldStop
    from envkit.registry import LoadedTask

# What envkit adds to a model folder; the rest is the plugin's.
_NOT_THE_MODEL = frozenset({"README.md", "envkit.json"})
_NO_DROPOUT = "without-dropout"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A task and what to check it with.

    ``files`` names small labelled files by split: ``train``, ``dev`` and, if there is one, ``test``, such as a
    plugin's sample. ``options`` are added to every run: what makes it short, and lets a tiny model learn.
    ``score_gold`` returns the plugin's metrics for a file whose own labels are taken as predictions.
    ``model`` is a folder to start from; None makes a tiny one of the words in the data, by ``make_model``, which is
    called as ``make_tiny_model`` is: ``make_tiny_seq2seq`` for a task that writes texts.
    """

    task: str
    files: Mapping[str, Path]
    score_gold: Callable[[Path], Mapping[str, float]]
    options: Mapping[str, Any] = field(default_factory=dict)
    model: Path | None = None
    make_model: Callable[..., Path] = make_tiny_model


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A run that was made for a check: what its loop returned, saved and reported. Folders are absolute."""

    options: Options
    result: Result
    run_dir: Path
    model_dir: Path
    heard: Heard

    @property
    def folder(self) -> Path:
        """Return the run's folder."""
        return self.run_dir

    @property
    def metrics(self) -> Mapping[str, float]:
        """Return the final metrics by name (``dev/f1``), as fractions of 1."""
        return self.result.metrics

    def fingerprint(self) -> dict[str, str]:
        """Return the hash of each file of the model, by name."""
        return {
            str(file.relative_to(self.model_dir)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(self.model_dir.rglob("*"))
            if file.is_file() and file.name not in _NOT_THE_MODEL
        }


class Trials:
    """Runs a task's hooks, each run in a folder of its own below ``folder``, which may not be there from before."""

    def __init__(self, contract: Contract, folder: Path) -> None:
        self.contract = contract
        self.folder = folder
        with without_variables(DISABLE_VARIABLE):
            self.task: LoadedTask = load_task(contract.task)
        self.takes_parts = takes_parts(self.task)
        self.environ = EnvironWatch(self.task.entry.entry_point.module)
        self._kept: dict[str, Trial] = {}
        self._from_before = (
            frozenset(each.name for each in folder.iterdir()) if folder.is_dir() else frozenset()
        )

    def _fresh(self, name: str) -> Path:
        """Return a folder that nobody but these trials has written. Raises: UsageError where one is there from before."""
        if name in self._from_before:
            raise UsageError(
                f"{self.folder / name} is from another trial, and what is in it would be judged for this one",
                hint="Give Trials a new folder, such as pytest's tmp_path",
            )
        return self.folder / name

    def options(self, **changed: Any) -> Options:
        """Return the contract's options with these changes. Raises: AssertionError for those that the task does not take."""
        plain: dict[str, Any] = {
            **{split: str(file) for split, file in self.contract.files.items()},
            **({"precision": "float32"} if self.takes_parts else {}),
            "device": "cpu",
            **self.contract.options,
            **changed,
        }
        self._refuse_missing((*plain, "model"))
        self._build(plain)  # before a model is made by them
        plain.setdefault("model", str(self.model_dir(dropout=True)))
        return self._build(plain)

    def _build(self, plain: Mapping[str, Any]) -> Options:
        """Return options of plain values. Raises: AssertionError with the one that does not fit."""
        options = self.task.task.options
        try:
            return from_builtins(plain, options)
        except msgspec.ValidationError as error:
            raise AssertionError(f"CONTRACT.options: {in_words(error, options, plain)}") from error

    def _refuse_missing(self, names: Iterable[str]) -> None:
        """Refuse options that the task does not have. Raises: AssertionError."""
        options = self.task.task.options
        missing = sorted({*names} - {*options.__struct_encode_fields__})
        if missing:
            what = (
                f"option {missing[0]}: add it"
                if len(missing) == 1
                else f"options {', '.join(missing)}: add them"
            )
            raise AssertionError(
                f"the task has no {what} to {options.__name__}, or let it subclass envkit.api.FinetuneOptions"
            )

    def model_dir(self, *, dropout: bool) -> Path:
        """Return the folder of the model to start from, with dropout or without where it is a tiny one."""
        if self.contract.model is not None:
            return self.contract.model
        folder = self._fresh("tiny-model" if dropout else f"tiny-model-{_NO_DROPOUT}")
        plain = {split: str(file) for split, file in self.contract.files.items()}
        return model_of_words(
            self.task,
            {**plain, **self._reading()},
            folder,
            make=self.contract.make_model,
            dropout=0.1 if dropout else 0.0,
        )

    def corpus(self, **changed: Any) -> Corpus:
        """Return the corpus of the contract's files. Raises: NotChecked where the task has none."""
        self._need("envkit_corpus")
        return self.task.corpus(Request(options=self.options(**changed), report=Heard()))

    def usual(self) -> Trial:
        """Return the run with the contract's options alone, made once."""
        if "usual" not in self._kept:
            self._kept["usual"] = self.run("usual")
        return self._kept["usual"]

    def run(
        self,
        name: str,
        *,
        heard: Heard | None = None,
        should_stop: ShouldStop | None = None,
        checkpoint: Path | None = None,
        **changed: Any,
    ) -> Trial:
        """Read and fine-tune as the worker does, in the folder of this name. Raises: UsageError for an old one."""
        run_dir = self._fresh(name)
        options = self.options(**changed)
        report = heard or Heard()
        (run_dir / "model").mkdir(parents=True, exist_ok=True)
        with self.environ.watch():
            return self._run(options, report, run_dir, checkpoint, should_stop)

    def _run(
        self,
        options: Options,
        report: Heard,
        run_dir: Path,
        checkpoint: Path | None,
        should_stop: ShouldStop | None,
    ) -> Trial:
        model_dir = run_dir / "model"
        data = self.task.read(Request(options=options, report=report))
        run: Run[Any, Any] = Run(
            options=options,
            data=data,
            run_dir=run_dir,
            model_dir=model_dir,
            report=report,
            should_stop=should_stop or (lambda: False),
            headline=self.task.task.headline,
            checkpoint=checkpoint,
        )
        result = self.task.finetune(run)
        return Trial(options=options, result=result, run_dir=run_dir, model_dir=model_dir, heard=report)

    def predictor(self, trial: Trial) -> Predictor:
        """Return the predictor of a run's model. Raises: NotChecked where the task has none."""
        self._need("envkit_predictor")
        request = PredictorRequest(
            model_dir=trial.model_dir,
            options=trial.options,
            report=Heard(),
            decoding=trial.result.decoding,
        )
        return self.task.predictor(request)

    def predict(self, trial: Trial, file: Path) -> list[Prediction]:
        """Return what a run's model says of this file's rows."""
        return list(self.predictor(trial).predict(Inputs(file=file)))

    def _need(self, hook: str) -> None:
        """Refuse to judge what a task may leave out. Raises: NotChecked."""
        if not self.task.has(hook):
            raise NotChecked(f"{hook} is not given, which a task may leave out")

    def _reading(self) -> dict[str, Any]:
        return {name: value for name, value in self.contract.options.items() if name != "model"}
