"""Let a model judge texts: how probable each level is, the most probable one, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from envkit.api import Prediction
from envkit.finetune.evaluation import predict
from envkit.finetune.text_examples import pooled_logits
from envkit_sentiment.score import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedModel

    from envkit.data.rows import TextRow
    from envkit.finetune.text_examples import TextBatch, TextExample
    from envkit_sentiment.scale import Scale

_DIGITS = 4


def probabilities(
    model: PreTrainedModel,
    examples: Sequence[TextExample],
    levels: Sequence[str],
    *,
    collate: Callable[[Sequence[TextExample]], TextBatch],
    tokens: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> NDArray[Any]:
    """Return how probable each level is for each text: [texts, levels], in the order of both.

    The numbers of the model's labels need not be those of the levels; ``tokens`` bounds a batch; ``tell`` hears
    how far it is.
    """
    numbers = {label: number for number, label in model.config.id2label.items()}
    order = [numbers[level] for level in levels]
    found = np.empty((len(examples), len(levels)))
    places = {id(example): place for place, example in enumerate(examples)}

    def reduce(batch: TextBatch) -> NDArray[Any]:
        chances: NDArray[Any] = torch.softmax(pooled_logits(model, batch).double(), dim=-1).cpu().numpy()
        return chances[:, order]

    for part, chances in predict(model, examples, collate=collate, reduce=reduce, tokens=tokens, tell=tell):
        found[[places[id(example)] for example in part]] = chances
    return found


def score(rows: Sequence[TextRow], chances: NDArray[Any], scale: Scale) -> Score:
    """Score the most probable levels against the labels of the rows, which are levels."""
    return Score(
        gold=gold_numbers(rows, scale),
        predicted=chances.argmax(1) if len(rows) else np.empty(0, dtype=np.int64),
        levels=scale.levels,
        values=scale.values,
        is_ordinal=scale.kind == "ordinal",
    )


def gold_numbers(rows: Sequence[TextRow], scale: Scale) -> NDArray[Any]:
    """Return the number of each row's level."""
    numbers = {level: number for number, level in enumerate(scale.levels)}
    return np.array([numbers[row.labels[0]] for row in rows], dtype=np.int64)


def judged(rows: Sequence[TextRow], chances: NDArray[Any], scale: Scale) -> list[Prediction]:
    """Return what is told of rows with labels; the loss is the cross entropy, in nats."""
    gold = gold_numbers(rows, scale)
    predicted = chances.argmax(1)
    losses = -np.log(np.maximum(chances[np.arange(len(rows)), gold], np.finfo(float).tiny))
    return [
        Prediction(
            fields=fields(row, of_row, scale.levels, gold=scale.levels[right]),
            is_right=bool(found == right),
            loss=float(loss),
        )
        for row, of_row, right, found, loss in zip(rows, chances, gold, predicted, losses, strict=True)
    ]


def fields(
    row: TextRow,
    chances: NDArray[Any],
    levels: Sequence[str],
    *,
    gold: str | None = None,
) -> dict[str, Any]:
    """Return the fields of a prediction: what was read, and what is predicted."""
    best = int(chances.argmax())
    told: dict[str, Any] = {"name": row.name, "text": row.text}
    if row.pair is not None:
        told["pair"] = row.pair
    told["label"] = levels[best]
    told["score"] = round(float(chances[best]), _DIGITS)
    told["scores"] = {
        level: round(float(chance), _DIGITS) for level, chance in zip(levels, chances, strict=True)
    }
    if gold is not None:
        told["gold"] = gold
    return told
