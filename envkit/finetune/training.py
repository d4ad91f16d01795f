"""A training under way: all that its steps work with, where it stands, and its checkpoints."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import numpy
import torch

from envkit.checkpoints import checkpoint_dir, prune, write_checkpoint
from envkit.finetune.standing import Standing
from envkit.finetune.state import (
    WEIGHTS_FILE,
    Part,
    changing_weights,
    load_parts,
    load_tensors,
    random_state,
    save_parts,
    save_tensors,
    set_random_state,
    set_tensors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from envkit.api import FinetuneOptions, Run
    from envkit.checkpoints import MadeBy
    from envkit.finetune.batching import Plan
    from envkit.finetune.masters import Masters
    from envkit.finetune.ranks import Ranks
    from envkit.finetune.rows import Row
    from envkit.finetune.updates import Updater

RowT = TypeVar("RowT", bound="Row")
BatchT = TypeVar("BatchT")

CHECKPOINT_SECONDS = 60.0
# A checkpoint that takes long to write comes less often: it costs a twentieth of the time at most.
_LARGEST_SHARE = 0.05
ROWS = "rows of the embedding"  # beside the weights: which rows the master of a narrow embedding has


class Position(msgspec.Struct, kw_only=True):
    """Where a training stands: after ``step`` steps, and whether the evaluation due there was made.

    ``tokens`` are real ones, ``computed_tokens`` include padding; ``train_seconds`` leaves evaluations out.
    ``precision`` and ``largest_batch``, in tokens, were found out at the beginning and stay.
    """

    standing: Standing
    precision: str
    largest_batch: int
    step: int = 0
    is_evaluated: bool = True
    tokens: int = 0
    computed_tokens: int = 0
    train_seconds: float = 0.0


@dataclass(kw_only=True)
class Training(Generic[RowT, BatchT]):
    """What ``prepare`` made of a run, its model and its rows; ``steps`` goes through it.

    ``model`` is what computes: with an adapter, and in the precision that was chosen. ``loss`` and
    ``collate`` are the plugin's; ``lengths`` those of the rows.
    """

    run: Run[Any, Any]
    model: torch.nn.Module
    rows: Sequence[RowT]
    collate: Callable[[Sequence[RowT]], BatchT]
    loss: Callable[[torch.nn.Module, BatchT], torch.Tensor]
    plan: Plan
    updater: Updater
    ranks: Ranks
    position: Position
    made_by: MadeBy
    is_stopped: bool = False
    last_checkpoint: Path | None = None
    lengths: list[int] = field(init=False)
    _saved_at: float = field(init=False, default_factory=time.monotonic)
    _seconds_to_save: float = field(init=False, default=0.0)
    _tokens_before: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.lengths = [len(row.pieces) for row in self.rows]

    @property
    def options(self) -> FinetuneOptions:
        """Return the options of the run."""
        options: FinetuneOptions = self.run.options
        return options

    @property
    def largest_batch(self) -> int:
        """Return how many tokens are computed at once, padding included."""
        return self.position.largest_batch

    @property
    def is_out_of_patience(self) -> bool:
        """Tell whether dev has seen nothing better for as many evaluations as ``--patience`` says."""
        patience = self.options.patience
        return patience is not None and self.position.standing.no_better >= patience

    @property
    def best_metrics(self) -> dict[str, float]:
        """Return the metric that chooses the best state, at its best; nothing if it was never computed."""
        standing = self.position.standing
        return {} if standing.best is None else {standing.metric: standing.best}

    @property
    def is_checkpoint_due(self) -> bool:
        """Tell whether a checkpoint is to be written after this step."""
        every = self.options.checkpoint_every
        if every is not None:
            return self.position.step % every == 0
        pause = max(CHECKPOINT_SECONDS, self._seconds_to_save / _LARGEST_SHARE)
        return time.monotonic() - self._saved_at >= pause

    def judge(self, step: int, values: Mapping[str, float]) -> None:
        """Take note of an evaluation after this step; where it is the best so far, keep the weights."""
        position = self.position
        position.standing = position.standing.after(step, values)
        position.is_evaluated = True
        if position.standing.best_step == step and self.ranks.number == 0:
            write_checkpoint(
                self.run.run_dir,
                "best",
                step,
                made_by=self.made_by,
                write_files=lambda folder: save_tensors(folder / WEIGHTS_FILE, self._weights()),
            )
            prune(self.run.run_dir)

    @property
    def tokens_here(self) -> int:
        """Return how many real tokens this process has trained on, those before a checkpoint left out."""
        return self.position.tokens - self._tokens_before

    def save_checkpoint(self) -> None:
        """Write the whole state, and remove the checkpoints before the last two."""
        began = time.monotonic()
        if self.ranks.number == 0:
            self.last_checkpoint = write_checkpoint(
                self.run.run_dir,
                "step",
                self.position.step,
                made_by=self.made_by,
                best_step=self.position.standing.best_step,
                write_files=lambda folder: save_parts(folder, self._parts()),
            )
            prune(self.run.run_dir)
        self._saved_at = time.monotonic()
        self._seconds_to_save = self._saved_at - began

    def restore(self, folder: Path) -> None:
        """Go on from this checkpoint. Raises: EnvkitError where it is of another training."""
        parts = align_rows(load_parts(folder), self.updater.masters)
        set_tensors(self._weights(), parts["weights"].tensors, file=folder / WEIGHTS_FILE)
        self.updater.masters.write_back()
        self.updater.set_state(parts, folder=folder)
        self._tokens_before = self.position.tokens
        self.last_checkpoint = folder
        set_random_state(parts["random"])

    def take_best(self) -> int | None:
        """Give the model float32 weights, those of the best state if there is one; return its step."""
        step = self.position.standing.best_step
        if step is not None:
            file = checkpoint_dir(self.run.run_dir, "best", step) / WEIGHTS_FILE
            best = {"weights": Part(tensors=load_tensors(file))}
            best = align_rows(best, self.updater.masters)
            set_tensors(self._weights(), best["weights"].tensors, file=file)
        self.updater.masters.restore()
        return step

    def _parts(self) -> dict[str, Part]:
        return {
            "weights": Part(tensors=self._weights()),
            **self.updater.state(),
            "random": random_state(),
            "position": Part(values=msgspec.to_builtins(self.position)),
        }

    def _weights(self) -> dict[str, torch.Tensor]:
        """Return what training changes: the float32 weights, and the buffers that the model keeps."""
        masters = self.updater.masters
        rows = {} if masters.narrow is None else {ROWS: masters.narrow.rows}
        return changing_weights(self.model) | masters.weights | rows


def align_rows(parts: dict[str, Part], masters: Masters) -> dict[str, Part]:
    """Return a checkpoint's parts with the embedding's rows in the order of these masters.

    They are in another where a run is forced to go on with other data, whose pieces are others. A row that
    the checkpoint has not begins as the model has it, and without a past.
    """
    narrow, tensors = masters.narrow, dict(parts["weights"].tensors)
    saved_rows = tensors.get(ROWS)
    if narrow is None or saved_rows is None or torch.equal(saved_rows, narrow.rows.cpu()):
        return parts
    count = len(saved_rows)
    aligned = dict(parts)
    current = masters.weights[narrow.name].detach().cpu()
    tensors[narrow.name] = narrow.align(tensors[narrow.name], saved_rows, others=current)
    tensors[ROWS] = narrow.rows.cpu()
    aligned["weights"] = Part(tensors=tensors, values=parts["weights"].values)
    if "optimizer" in parts:
        past = {
            name: narrow.align(tensor, saved_rows, others=torch.zeros(len(narrow.rows), *tensor.shape[1:]))
            if name.endswith(f"/{narrow.name}") and tensor.shape[:1] == (count,)
            else tensor
            for name, tensor in parts["optimizer"].tensors.items()
        }
        aligned["optimizer"] = Part(tensors=past, values=parts["optimizer"].values)
    return aligned


def saved_position(folder: Path) -> Position:
    """Return where a training stood at this checkpoint. Raises: EnvkitError."""
    return msgspec.convert(load_parts(folder)["position"].values, Position)


def saved_pieces(folder: Path) -> set[int]:
    """Return the pieces whose embeddings this checkpoint holds, none where it holds the whole matrix.

    Raises: EnvkitError.
    """
    rows = load_tensors(folder / WEIGHTS_FILE).get(ROWS)
    return set() if rows is None else set(rows.tolist())


def describe_rows(rows: Sequence[Row]) -> str:
    """Return a hash of the rows, in order: of each the name, the pieces and how many items it has."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.name}\0{row.items}\0".encode("utf-8", "backslashreplace"))
        digest.update(numpy.asarray(row.pieces, dtype=numpy.int64).tobytes())
    return digest.hexdigest()
