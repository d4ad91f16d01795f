"""Fine-tune a model to find answers: one loop, from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from transformers import AutoModelForQuestionAnswering

from envkit.api import DataError, Prediction, Result, Table
from envkit.finetune.devices import choose_device
from envkit.finetune.finish import save_best
from envkit.finetune.intervals import bootstrap_interval
from envkit.finetune.losses import span_cross_entropy
from envkit.finetune.models import fetch_model, load_model, load_tokenizer
from envkit.finetune.prepare import prepare
from envkit.finetune.seeds import set_seeds
from envkit.finetune.steps import steps
from envkit_qa.answering import make_answering, right_texts
from envkit_qa.score import METRICS, score
from envkit_qa.usage import EXAMPLE, EXAMPLE_ROWS, describe_usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from transformers import PreTrainedModel

    from envkit.api import Run
    from envkit.data.rows import Question
    from envkit_qa.answering import Answering
    from envkit_qa.batches import Batch
    from envkit_qa.decode import Ranked
    from envkit_qa.examples import Examples
    from envkit_qa.plugin import QaOptions
    from envkit_qa.read import QaData
    from envkit_qa.score import Rules, Score

# Of 1e-4, 2e-4 and 5e-4 the best F1 on a tenth of 650 SQuAD questions, cut off the training data; default model,
# 1024 tokens a step, 3 epochs: 0.38, 0.44 and 0.38. So few questions tell no smaller difference.
LEARNING_RATE = 2e-4
TOKENS_PER_STEP = 1024
LABELS = ("LABEL_0", "LABEL_1")  # start and end, which have no names in transformers


@dataclass(frozen=True)
class Setup:
    """What the loop works with: the model on its device, how it answers, and the questions as it reads them."""

    model: PreTrainedModel
    answering: Answering
    train: Examples
    dev: Examples
    test: Examples


def finetune(run: Run[QaOptions, QaData]) -> Result:
    """Fine-tune, save the state with the best F1 on dev, and score it on test."""
    set_seeds(run.seed)
    setup = load(run)
    training = prepare(
        run,
        setup.model,
        setup.train.windows,
        collate=setup.answering.batch,
        loss=summed_loss,
        learning_rate=LEARNING_RATE,
        tokens_per_step=TOKENS_PER_STEP,
        metrics=_score_nothing(run.data.dev, setup.answering).metrics("dev"),
    )
    for step in steps(training):
        for batch in step:
            step.backward(summed_loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            ranked = setup.answering.rank(training.model, run.data.dev, setup.dev, tell=run.report.say)
            threshold = choose_threshold(run, setup.answering, ranked)
            scored = setup.answering.score(ranked, run.data.dev, threshold=threshold)
            step.report(scored.metrics("dev"))
    model = save_best(training, setup.answering.tokenizer)
    if training.is_stopped:
        return Result(
            metrics=training.best_metrics,
            decoding=_decoding(setup.answering, run.options.null_threshold),
            usage=_usage(run, setup.answering, run.options.null_threshold),
            example=EXAMPLE,
            example_rows=EXAMPLE_ROWS,
        )
    return final_scores(run, model, setup)


def load(run: Run[QaOptions, QaData]) -> Setup:
    """Load model and tokenizer, and cut contexts into what the model reads. Raises: UsageError, DataError."""
    options, data, report = run.options, run.data, run.report
    device = choose_device(options.device)
    path = fetch_model(options.model, report=report)
    tokenizer = load_tokenizer(path)
    model = load_model(path, AutoModelForQuestionAnswering, labels=LABELS, device=device, report=report)
    can_be_none = data.has_impossible or options.null_threshold is not None
    answering = make_answering(model, tokenizer, options, can_be_none=can_be_none, name=options.model)
    train = answering.read(data.train, is_training=True)
    if not train.windows:
        raise DataError(
            "no answer stands whole in a window of its context: there is nothing to learn",
            hint="Give a larger --window, or answers that are shorter",
        )
    dev, test = answering.read(data.dev), answering.read(data.test)
    _warn_of_loss(run, answering, train, dev, test)
    _warn_of_threshold(run, answering)
    report.say(
        f"Computing on {device}; a window holds {answering.cutting.window} word pieces: "
        f"{len(train.windows)} windows of {len(data.train)} questions to train on"
    )
    return Setup(model, answering, train, dev, test)


def summed_loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Return the cross entropy of the spans' ends, summed over the batch's windows."""
    output = model(**batch.inputs)
    return span_cross_entropy(
        output.start_logits, output.end_logits, batch.starts, batch.ends, mask=batch.mask
    )


def choose_threshold(
    run: Run[QaOptions, QaData], answering: Answering, ranked: Sequence[Ranked]
) -> float | None:
    """Return the threshold of no answer: that of the options, or the best on dev."""
    if run.options.null_threshold is not None:
        return run.options.null_threshold
    return answering.tune(ranked, run.data.dev)


def final_scores(run: Run[QaOptions, QaData], model: PreTrainedModel, setup: Setup) -> Result:
    """Score the saved model on dev, by which the threshold is tuned, and on test."""
    run.report.phase("evaluate")
    answering = setup.answering
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    tables: list[Table] = []
    predictions: dict[str, list[Prediction]] = {}
    rules: dict[str, Rules] = {}
    ranked = answering.rank(model, run.data.dev, setup.dev, tell=run.report.say)
    threshold = choose_threshold(run, answering, ranked)
    if threshold is not None and run.options.null_threshold is None:
        run.report.choice("null threshold", f"{threshold:.4g}", "the best F1 on dev")
    for split, questions, examples in (
        ("dev", run.data.dev, setup.dev),
        ("test", run.data.test, setup.test),
    ):
        if questions:
            if split != "dev":
                ranked = answering.rank(model, questions, examples, tell=run.report.say)
            scored = answering.score(ranked, questions, threshold=threshold)
            rules[split] = scored.rules
            metrics |= scored.metrics(split)
            intervals |= confidence(scored, split)
            tables += scored.tables(split)
            predictions[split] = list(answering.predictions(ranked, questions, threshold=threshold))
    return Result(
        metrics=metrics,
        tables=tables,
        intervals=intervals,
        scorer=describe_scorer(rules),
        predictions=predictions,
        decoding=_decoding(answering, threshold),
        usage=_usage(run, answering, threshold),
        example=EXAMPLE,
        example_rows=EXAMPLE_ROWS,
    )


def _usage(run: Run[QaOptions, QaData], answering: Answering, threshold: float | None) -> str:
    is_tuned = run.options.null_threshold is None
    return describe_usage(answering.cutting, threshold=threshold, is_tuned=is_tuned)


def confidence(scored: Score, split: str) -> dict[str, tuple[float, float]]:
    """Return between which bounds the scores of this split lie with 95 % confidence, by its questions."""
    counts = np.array(scored.questions, dtype=float)
    counts = np.column_stack((counts, np.ones(len(counts))))
    return {f"{split}/{name}": bootstrap_interval(counts, statistic) for name, statistic in METRICS.items()}


def describe_scorer(rules: Mapping[str, Rules]) -> str:
    """Return what computes the scores, with its version, of splits that each have their rules."""
    if len(set(rules.values())) == 1:
        named: str = next(iter(rules.values()))
    else:
        named = " and ".join(f"{number} on {split}" for split, number in rules.items())
    return f"envkit-qa {version('envkit-qa')}, as SQuAD's official scorer of version {named}"


def _decoding(answering: Answering, threshold: float | None) -> dict[str, float | bool | None]:
    return {"can_be_none": answering.can_be_none, "null_threshold": threshold}


def _score_nothing(questions: Sequence[Question], answering: Answering) -> Score:
    """Return the score of no answer at all, whose metrics have the names that all others have."""
    gold = [right_texts(question) for question in questions]
    return score([""] * len(questions), gold, rules=answering.rules(questions))


def _warn_of_loss(
    run: Run[QaOptions, QaData], answering: Answering, train: Examples, dev: Examples, test: Examples
) -> None:
    """Say which questions are not read whole, and which answers cannot be learned."""
    cut = [name for examples in (train, dev, test) for name in examples.cut_questions]
    if cut:
        run.report.warn(
            f"{len(cut)} questions are longer than the {answering.cutting.question_room} pieces that a window "
            f"has for them and are read without their ends: {_names(cut)}. A larger --window reads more"
        )
    if train.lost_answers:
        run.report.warn(
            f"the answers of {len(train.lost_answers)} training questions stand whole in no window, so that they "
            f"are not learned: {_names(train.lost_answers)}. Give a larger --stride or --max-answer-length"
        )


def _warn_of_threshold(run: Run[QaOptions, QaData], answering: Answering) -> None:
    """Say where dev cannot tell when no answer is to be given."""
    is_tuned = answering.can_be_none and run.options.null_threshold is None
    if is_tuned and all(question.answers for question in run.data.dev):
        run.report.warn(
            "training questions are without an answer, but none of dev is: a threshold that is tuned on dev "
            "cannot know when to give none. Give dev such questions, or --null-threshold 0"
        )


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
