"""Run a model over labelled texts, decode what it says, and set it beside the gold labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envkit.api import Prediction
from envkit.finetune.evaluation import predict
from envkit.finetune.text_examples import pooled_logits
from envkit_classification.decode import Decoder, choose_thresholds
from envkit_classification.score import Score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from envkit.data.rows import TextRow
    from envkit.finetune.text_examples import TextBatch, TextExample


@dataclass(frozen=True)
class Evaluation:
    """What a model says of rows [rows, labels], decoded, and how it scores."""

    decoder: Decoder
    logits: Any
    probabilities: Any
    score: Score


def find_logits(
    model: torch.nn.Module,
    examples: Sequence[TextExample],
    *,
    collate: Callable[[Sequence[TextExample]], TextBatch],
    tokens: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Any:
    """Return the logits of all examples of some rows [rows, labels], in their order.

    ``tokens`` bounds a batch; ``tell`` hears how far it is.
    """
    places: list[int] = []
    found: list[Any] = []
    for part, logits in predict(
        model,
        examples,
        collate=collate,
        reduce=lambda batch: pooled_logits(model, batch).cpu().numpy(),
        tokens=tokens,
        tell=tell,
    ):
        places += [example.row for example in part]
        found.append(logits)
    joined = np.concatenate(found)
    ordered = np.empty_like(joined)
    ordered[places] = joined
    return ordered


def evaluate(
    model: torch.nn.Module,
    examples: Sequence[TextExample],
    *,
    gold: Any,
    labels: Sequence[str],
    decoder: Decoder | None,
    is_multi_label: bool,
    collate: Callable[[Sequence[TextExample]], TextBatch],
    tokens: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Evaluation:
    """Score a model on examples whose labels are ``gold``, booleans [rows, labels].

    Without a decoder the thresholds of a text's several labels are chosen on these very examples.
    """
    logits = find_logits(model, examples, collate=collate, tokens=tokens, tell=tell)
    if decoder is None:
        decoder = Decoder.of(labels, {}, is_multi_label=is_multi_label)
        if is_multi_label:
            chosen = choose_thresholds(decoder.probabilities(logits), gold)
            decoder = Decoder(tuple(labels), chosen)
    probabilities = decoder.probabilities(logits)
    score = Score(tuple(labels), gold, decoder.choose(probabilities), decoder.thresholds)
    return Evaluation(decoder, logits, probabilities, score)


def predictions(rows: Sequence[TextRow], evaluation: Evaluation) -> list[Prediction]:
    """Return what is predicted of each row, beside its gold labels, with how far off it is."""
    decoder, score = evaluation.decoder, evaluation.score
    losses = decoder.losses(evaluation.logits, score.gold)
    sure = decoder.sureness(evaluation.probabilities, score.chosen)
    is_right = score.is_right
    return [
        Prediction(
            fields=text_fields(row)
            | label_fields(decoder, score.chosen[number])
            | {"score": round(float(sure[number]), 4)}
            | {"gold": row.labels[0] if decoder.thresholds is None else list(row.labels)},
            is_right=bool(is_right[number]),
            loss=float(losses[number]),
        )
        for number, row in enumerate(rows)
    ]


def text_fields(row: TextRow) -> dict[str, Any]:
    """Return what was read, as the fields of a prediction."""
    pair = {} if row.pair is None else {"pair": row.pair}
    return {"name": row.name, "text": row.text, **pair}


def label_fields(decoder: Decoder, chosen: Any) -> dict[str, Any]:
    """Return what is predicted, booleans [labels], as the field ``label``, or ``labels`` where there are several."""
    names = [label for label, is_chosen in zip(decoder.labels, chosen, strict=True) if is_chosen]
    return {"label": names[0]} if decoder.thresholds is None else {"labels": names}
