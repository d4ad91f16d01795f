"""A batch of 8 as one, as 8 of 1, as 4 of 2, and cut raggedly: how far are the gradients from each other?

    python benchmarks/accumulation.py

Rows of unequal lengths, float64, no dropout, tiny BERTs with three heads. Beside the steps of envkit stands
transformers' own Trainer (its loss and its division, one optimizer step each way). Exits with 1 where one of
envkit's is off by more than 1e-6.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from in_process import Account
from transformers import BertConfig, Trainer, TrainingArguments

from envkit.api import FinetuneOptions, Run
from envkit.finetune.losses import sequence_cross_entropy, span_cross_entropy, token_cross_entropy
from envkit.finetune.prepare import prepare
from envkit.finetune.steps import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADS = {
    "token": "BertForTokenClassification",
    "sequence": "BertForSequenceClassification",
    "span": "BertForQuestionAnswering",
}
CUTS = {"8 x 1": [1] * 8, "4 x 2": [2] * 4, "3 + 4 + 1": [3, 4, 1]}
LENGTHS = [3, 9, 5, 12, 4, 7, 11, 6]
BAR = 1e-6


@dataclass(frozen=True)
class Example:
    """A row with labels for each of the heads."""

    name: str
    pieces: tuple[int, ...]
    items: int


def main() -> int:
    """Print the table."""
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    worst = 0.0
    print(
        f"{'head':10}{'cut':12}{'envkit':>12}{'Trainer':>12}   relative error of the gradient, against one batch of 8"
    )
    for head in HEADS:
        whole, whole_there = ours(head, [8]), theirs(head, 8)
        for name, cut in CUTS.items():
            error = distance(ours(head, cut), whole)
            worst = max(worst, error)
            beside = (
                f"{distance(theirs(head, cut[0]), whole_there):12.1e}" if len(set(cut)) == 1 else " " * 12
            )
            print(f"{head:10}{name:12}{error:12.1e}{beside}")
    print(f"worst of envkit: {worst:.1e} (bar {BAR:.0e})")
    return int(worst > BAR)


def make_model(head: str) -> Any:
    """Return a tiny model with this head in float64, always the same."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=2 if head == "span" else 4,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return getattr(transformers, HEADS[head])(config).double()


def pieces_of(row: int) -> list[int]:
    """Return the pieces of a row."""
    return [(number * 7 + row) % 59 + 1 for number in range(LENGTHS[row])]


def make_batch(rows: Sequence[int], head: str) -> dict[str, torch.Tensor]:
    """Pad these rows; every third token and the first of a row have labels."""
    width = max(LENGTHS[row] for row in rows)
    pieces = torch.zeros(len(rows), width, dtype=torch.int64)
    mask, labels = torch.zeros_like(pieces), torch.full_like(pieces, -100)
    for place, row in enumerate(rows):
        length = LENGTHS[row]
        pieces[place, :length] = torch.tensor(pieces_of(row))
        mask[place, :length] = 1
        labels[place, :length:3] = (torch.arange(0, length, 3) + row) % 4
    batch = {"input_ids": pieces, "attention_mask": mask}
    if head == "token":
        return {**batch, "labels": labels}
    if head == "sequence":
        return {**batch, "labels": torch.tensor([row % 4 for row in rows])}
    starts = torch.tensor([row % 3 for row in rows])
    return {**batch, "start_positions": starts, "end_positions": starts}


def ours(head: str, cut: list[int]) -> torch.Tensor:
    """Return the gradient of one step of all rows, computed in micro-batches of these sizes."""
    model = make_model(head)
    rows = [
        Example(str(row), tuple(pieces_of(row)), len(range(0, length, 3)) if head == "token" else 1)
        for row, length in enumerate(LENGTHS)
    ]

    def loss(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        found = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        if head == "token":
            return token_cross_entropy(found.logits, batch["labels"])
        if head == "sequence":
            return sequence_cross_entropy(found.logits, batch["labels"])
        return span_cross_entropy(
            found.start_logits,
            found.end_logits,
            batch["start_positions"],
            batch["end_positions"],
            mask=batch["attention_mask"].bool(),
        )

    def collate(of_batch: Sequence[Example]) -> dict[str, torch.Tensor]:
        return make_batch([int(row.name) for row in of_batch], head)

    with tempfile.TemporaryDirectory() as folder:
        run: Run[Any, Any] = Run(
            options=FinetuneOptions(batch_size=8, epochs=1, precision="float32"),
            data=None,
            run_dir=Path(folder),
            model_dir=Path(folder) / "model",
            report=Account(),
            should_stop=lambda: False,
            headline="score",
        )
        training = prepare(
            run, model, rows, collate=collate, loss=loss, learning_rate=1e-3, tokens_per_step=64
        )
        step = next(steps(training))
        order = [number for batch in step._batches for number in batch]
        step._batches = [order[sum(cut[:place]) : sum(cut[: place + 1])] for place in range(len(cut))]
        for batch in step:
            step.backward(loss(model, batch))
        return torch.cat(
            [master.grad.double().flatten() for master in training.updater.masters.weights.values()]
        )


def theirs(head: str, size: int) -> torch.Tensor:
    """Return the gradient that the Trainer makes of the same rows, 8 / size batches accumulated."""
    model = make_model(head)
    kept: list[torch.Tensor] = []

    class Kept(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            kept.append(
                torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])
            )

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=size,
            gradient_accumulation_steps=8 // size,
            max_steps=1,
            max_grad_norm=0.0,
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            save_strategy="no",
        )
        optimizer = Kept(model.parameters(), lr=0.0)
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=list(range(8)),
            data_collator=lambda rows: make_batch(rows, head),
            optimizers=(optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)),
        )
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.train()
    return kept[0]


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the relative error."""
    return float(torch.linalg.vector_norm(one - other) / torch.linalg.vector_norm(other))


if __name__ == "__main__":
    sys.exit(main())
