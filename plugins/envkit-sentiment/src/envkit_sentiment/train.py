"""Fine-tune a model to tell how people feel in a text: one loop, from top to bottom.

The loop is the same for a pretrained model and for one from nothing: ``start`` makes either.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import torch

from envkit.api import Prediction, Result, Table
from envkit.finetune.class_weights import balanced_weights
from envkit.finetune.finish import save_best
from envkit.finetune.losses import sequence_cross_entropy
from envkit.finetune.prepare import prepare
from envkit.finetune.seeds import set_seeds
from envkit.finetune.steps import steps
from envkit.finetune.text_examples import pooled_logits
from envkit_sentiment.card import write_card
from envkit_sentiment.cnn_lstm import CnnLstm
from envkit_sentiment.decide import judged, probabilities, score
from envkit_sentiment.ordinal import ordinal_cross_entropy
from envkit_sentiment.starting import start
from envkit_sentiment.usage import describe_example, describe_rows, describe_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transformers import PreTrainedModel

    from envkit.api import Run
    from envkit.data.rows import TextRow
    from envkit.finetune.text_examples import TextBatch, TextExample
    from envkit_sentiment.plugin import SentimentOptions
    from envkit_sentiment.read import SentimentData
    from envkit_sentiment.score import Score
    from envkit_sentiment.starting import Start

    Loss = Callable[[torch.nn.Module, TextBatch], torch.Tensor]

ROWS_PER_STEP = 16  # a long review bears one label like a short one


def finetune(run: Run[SentimentOptions, SentimentData]) -> Result:
    """Fine-tune, save the state that is the best on dev, and score it on test."""
    set_seeds(run.seed)
    data, started = run.data, start(run)
    summed_loss = make_loss(run, started)
    training = prepare(
        run,
        started.model,
        started.train,
        collate=started.batch,
        loss=summed_loss,
        learning_rate=started.learning_rate,
        tokens_per_step=started.tokens_per_step,
        rows_per_step=ROWS_PER_STEP,
        metrics=score([], np.empty((0, len(data.scale.levels))), data.scale).metrics("dev"),
    )
    for step in steps(training):
        for batch in step:
            step.backward(summed_loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            step.report(evaluate(run, training.model, started, started.dev, data.dev).metrics("dev"))
    model = save_best(training, started.reader.tokenizer)
    window = started.reader.window
    decoding = {"scale": data.scale.to_builtins(), "needs_pair": data.needs_pair, "window": window}
    if data.columns is not None:
        decoding["columns"] = data.columns.to_builtins()
    if training.is_stopped:
        result = Result(metrics=training.best_metrics)
    else:
        result = final_scores(run, model, started)
    if isinstance(model, CnnLstm):
        write_card(run.model_dir, result.metrics)
    usage = describe_usage(run.options, data.scale, needs_pair=data.needs_pair, window=window)
    return replace(
        result,
        decoding=decoding,
        usage=usage,
        example=describe_example(needs_pair=data.needs_pair),
        example_rows=describe_rows(needs_pair=data.needs_pair),
    )


def make_loss(run: Run[SentimentOptions, SentimentData], started: Start) -> Loss:
    """Return the loss of a batch, summed over its texts: cross entropy, of ratings with their distance."""
    scale, names = run.data.scale, started.model.config.id2label
    weights = None
    if run.options.class_weights == "balanced":
        counts = Counter(row.labels[0] for row in run.data.train)
        weights = torch.tensor(
            balanced_weights([counts[names[number]] for number in range(len(names))]),
            device=started.model.device,
        )
    of_logits = partial(sequence_cross_entropy, class_weights=weights)
    if scale.kind == "ordinal":
        worth = dict(zip(scale.levels, scale.values, strict=True))
        values = [worth[names[number]] for number in range(len(names))]
        of_logits = partial(ordinal_cross_entropy, values=values, class_weights=weights)

    def summed_loss(model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        return of_logits(pooled_logits(model, batch), batch.labels)

    return summed_loss


def evaluate(
    run: Run[SentimentOptions, SentimentData],
    model: PreTrainedModel,
    started: Start,
    examples: Sequence[TextExample],
    rows: Sequence[TextRow],
) -> Score:
    """Judge the rows, of which these are the examples, and score that."""
    scale = run.data.scale
    return score(
        rows, probabilities(model, examples, scale.levels, collate=started.batch, tell=run.report.say), scale
    )


def final_scores(run: Run[SentimentOptions, SentimentData], model: PreTrainedModel, started: Start) -> Result:
    """Score the saved model on dev and test."""
    run.report.phase("evaluate")
    scale = run.data.scale
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    tables: list[Table] = []
    predictions: dict[str, Sequence[Prediction]] = {}
    for split, examples, rows in (("dev", started.dev, run.data.dev), ("test", started.test, run.data.test)):
        if not rows:
            continue
        chances = probabilities(model, examples, scale.levels, collate=started.batch, tell=run.report.say)
        scored = score(rows, chances, scale)
        metrics |= scored.metrics(split)
        intervals |= scored.intervals(split)
        tables += scored.tables(split)
        predictions[split] = judged(rows, chances, scale)
    return Result(
        metrics=metrics,
        tables=tables,
        intervals=intervals,
        scorer=f"envkit-sentiment {version('envkit-sentiment')}, the most probable label of each text",
        predictions=predictions,
    )
