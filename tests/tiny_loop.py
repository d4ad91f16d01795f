"""A loop of the shape that plugins have, over random rows and a tiny BERT: what the parts are tested with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.api import FinetuneOptions, Run
from envkit.testing.heard import Heard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

NOT_LABELLED = -100


class LoopOptions(FinetuneOptions, frozen=True, kw_only=True):
    """Options that make a run of a tiny model short and exact."""

    epochs: int = 3
    learning_rate: float | None = 3e-3
    device: str = "cpu"
    precision: str = "float32"  # type: ignore[assignment]  # the tests name one of the base's choices


@dataclass(frozen=True)
class TinyRow:
    """Token numbers, and as many labels."""

    name: str
    pieces: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def items(self) -> int:
        return sum(label != NOT_LABELLED for label in self.labels)


def make_rows(count: int = 40, *, seed: int = 0, labels: int = 3) -> list[TinyRow]:
    """Return rows of unequal lengths whose labels follow from their tokens; some tokens have none."""
    import numpy

    random = numpy.random.default_rng(seed)
    rows = []
    for number in range(count):
        tokens = random.integers(1, 50, size=int(random.integers(2, 12))).tolist()
        rows.append(
            TinyRow(
                f"rows.txt:{number + 1}",
                tuple(tokens),
                tuple(token % labels if random.random() < 0.8 else NOT_LABELLED for token in tokens[:-1])
                + (tokens[-1] % labels,),
            )
        )
    return rows


def make_model(*, labels: int = 3, dropout: float = 0.1) -> Any:
    """Return a tiny BERT with a head for tokens, its weights drawn from torch's generator."""
    from transformers import BertConfig, BertForTokenClassification

    return BertForTokenClassification(
        BertConfig(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            max_position_embeddings=16,
            num_labels=labels,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
    )


def collate(rows: Sequence[TinyRow]) -> tuple[Any, Any, Any]:
    """Pad the rows: tokens, attention mask and labels, [rows, tokens] each."""
    import torch

    width = max(len(row.pieces) for row in rows)
    tokens = torch.tensor([list(row.pieces) + [0] * (width - len(row.pieces)) for row in rows])
    mask = torch.tensor([[1] * len(row.pieces) + [0] * (width - len(row.pieces)) for row in rows])
    labels = torch.tensor([list(row.labels) + [NOT_LABELLED] * (width - len(row.pieces)) for row in rows])
    return tokens, mask, labels


def summed_loss(model: Any, batch: tuple[Any, Any, Any]) -> Any:
    """Return the cross entropy summed over the labelled tokens."""
    from envkit.finetune.losses import token_cross_entropy

    tokens, mask, labels = batch
    return token_cross_entropy(model(input_ids=tokens, attention_mask=mask).logits, labels)


def begin(
    run_dir: Path,
    rows: Sequence[TinyRow],
    *,
    heard: Heard | None = None,
    stop_after: int | None = None,
    checkpoint: Path | None = None,
    is_forced: bool = False,
    loss: Callable[[Any, Any], Any] = summed_loss,
    rows_per_step: int = 1,
    **options: Any,
) -> Any:
    """Return the training of a tiny model over these rows, at its beginning or at the checkpoint."""
    from envkit.finetune.prepare import prepare
    from envkit.finetune.seeds import set_seeds

    typed = LoopOptions(**options)
    heard = heard or Heard()
    run_dir.mkdir(parents=True, exist_ok=True)
    run: Run[Any, Any] = Run(
        options=typed,
        data=None,
        run_dir=run_dir,
        model_dir=run_dir / "model",
        report=heard,
        should_stop=lambda: stop_after is not None and heard.step_number >= stop_after,
        headline="score",
        checkpoint=checkpoint,
        is_forced=is_forced,
    )
    set_seeds(run.seed)
    return prepare(
        run,
        make_model(),
        rows,
        collate=collate,
        loss=loss,
        learning_rate=1e-3,
        tokens_per_step=64,
        rows_per_step=rows_per_step,
    )


def go(training: Any, *, score: Callable[[Any], float] | None = None) -> None:
    """Go through all steps that are left; the score on dev is minus the loss of the rows unless given."""
    from envkit.finetune.steps import steps

    for step in steps(training):
        for batch in step:
            step.backward(training.loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            step.report({"dev/score": (score or minus_loss)(training)})


def minus_loss(training: Any) -> float:
    """Return minus the mean loss over the rows, in evaluation mode."""
    from envkit.finetune.evaluation import predict

    losses = predict(
        training.model,
        training.rows,
        collate=collate,
        reduce=lambda batch: summed_loss(training.model, batch),
    )
    return -sum(float(loss) for _, loss in losses) / sum(row.items for row in training.rows)


def weights_of(training: Any) -> dict[str, Any]:
    """Return copies of the model's weights by name."""
    return {name: weight.detach().clone() for name, weight in training.model.named_parameters()}
