"""Fine-tune a model to classify texts: one loop, from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForSequenceClassification

from envkit.api import Result, Table, UsageError
from envkit.finetune.devices import choose_device
from envkit.finetune.finish import save_best
from envkit.finetune.inputs import InputTemplate, padding_piece
from envkit.finetune.models import fetch_model, load_model, load_tokenizer, longest_input, usual_window
from envkit.finetune.prepare import prepare
from envkit.finetune.seeds import set_seeds
from envkit.finetune.steps import steps
from envkit.finetune.text_examples import (
    TextBatch,
    TextExample,
    describe_long_texts,
    make_text_batch,
    make_text_examples,
)
from envkit_classification.decode import Decoder
from envkit_classification.evaluate import Evaluation, evaluate, predictions
from envkit_classification.objective import Objective
from envkit_classification.score import SCORER, indicators, metric_names
from envkit_classification.usage import describe_example, describe_rows, describe_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Prediction, Run
    from envkit.data.rows import TextRow
    from envkit_classification.plugin import ClassificationOptions
    from envkit_classification.read import ClassificationData

# Chosen with the default model on rows that no benchmark scores: of 2000 AG News, at 5e-5, 1e-4 and 2e-4, two seeds
# each, 87.9, 88.2 and 87.4 were right. A step holds some ten such texts, and fewer labels bear a lower rate.
LEARNING_RATE = 1e-4
TOKENS_PER_STEP = 512
ROWS_PER_STEP = 8
UNKNOWN_SHARE = 0.05  # of the pieces, beyond which a model is said not to read their language


@dataclass(frozen=True)
class Setup:
    """What the loop works with: the model on its device, and the texts as it reads them."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pad: int
    window: int  # pieces read at once
    labels: tuple[str, ...]  # in the model's order
    train: list[TextExample]
    dev: list[TextExample]
    test: list[TextExample]

    def batch(self, examples: Sequence[TextExample]) -> TextBatch:
        """Pad these examples, on the model's device."""
        return make_text_batch(examples, pad=self.pad, device=self.model.device)


def finetune(run: Run[ClassificationOptions, ClassificationData]) -> Result:
    """Fine-tune, save the state that is best on dev, and score it on test."""
    set_seeds(run.seed)
    run = choose_metric(run)
    setup = load(run)
    objective = Objective.of(run.options, run.data, setup.labels)
    training = prepare(
        run,
        setup.model,
        setup.train,
        collate=setup.batch,
        loss=objective.summed_loss,
        learning_rate=LEARNING_RATE,
        tokens_per_step=TOKENS_PER_STEP,
        rows_per_step=ROWS_PER_STEP,
        metrics=metric_names("dev"),
    )
    for step in steps(training):
        for batch in step:
            step.backward(objective.summed_loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            step.report(score_dev(run, training.model, setup).score.metrics("dev"))
    model = save_best(training, setup.tokenizer)
    if training.is_stopped:
        decoder = Decoder.of(setup.labels, {}, is_multi_label=run.data.is_multi_label)
        return Result(
            metrics=training.best_metrics,
            decoding=describe_decoding(run.data, decoder=None, window=setup.window),
            usage=_usage(run, setup, decoder),
            example=describe_example(is_pair=run.data.is_pair),
            example_rows=describe_rows(is_pair=run.data.is_pair),
        )
    return final_scores(run, model, setup)


def describe_decoding(data: ClassificationData, *, decoder: Decoder | None, window: int) -> dict[str, Any]:
    """Return what using the model needs besides the model."""
    columns = {} if data.columns is None else {"columns": data.columns.to_builtins()}
    thresholds = {} if decoder is None else decoder.record()
    return {"is_pair": data.is_pair, "window": window, **columns, **thresholds}


def choose_metric(
    run: Run[ClassificationOptions, ClassificationData],
) -> Run[ClassificationOptions, ClassificationData]:
    """Return the run, judged by micro F1 where texts have several labels and nothing else was asked.

    Few texts have exactly the right labels, and one label more or less changes nothing there.
    """
    if not run.data.is_multi_label or run.options.metric is not None:
        return run
    run.report.choice("metric", "dev/micro_f1", "texts may have several labels, few of which are all right")
    return replace(run, headline="micro_f1")


def load(run: Run[ClassificationOptions, ClassificationData]) -> Setup:
    """Load model and tokenizer, and turn the texts into what the model reads. Raises: UsageError."""
    options, data, report = run.options, run.data, run.report
    device = choose_device(options.device)
    path = fetch_model(options.model, report=report)
    tokenizer = load_tokenizer(path)
    model = load_model(
        path, AutoModelForSequenceClassification, labels=data.labels, device=device, report=report
    )
    kind = "multi" if data.is_multi_label else "single"
    model.config.problem_type = f"{kind}_label_classification"  # by which a pipeline decodes
    pad = padding_piece(model, tokenizer)
    longest = longest_input(model, tokenizer)
    if options.window is not None and options.window > longest:
        raise UsageError(
            f"--window is {options.window}, but {options.model} reads at most {longest} pieces",
            hint=f"Give --window a number up to {longest}",
        )
    window = options.window or longest
    if options.window is None:
        window = usual_window(path, model, tokenizer)
        if window < longest:
            report.choice("window", str(window), "what the model was trained on")
    labels = tuple(model.config.id2label[number] for number in range(len(data.labels)))
    numbers = {label: number for number, label in enumerate(labels)}

    def label_of(row: TextRow) -> int | tuple[float, ...]:
        if data.is_multi_label:
            return tuple(float(label in row.labels) for label in labels)
        return numbers[row.labels[0]]

    template = InputTemplate.of(tokenizer, model=model)
    train, dev, test = (
        make_text_examples(
            rows,
            tokenizer,
            template=template,
            window=window,
            long_text=options.long_text,
            label_of=label_of,
        )
        for rows in (data.train, data.dev, data.test)
    )
    check_language(run, train, tokenizer)
    for split, examples in (("train", train), ("dev", dev), ("test", test)):
        note = describe_long_texts(examples, window=window, long_text=options.long_text)
        if note is not None:
            report.say(f"{split}: {note}")
    report.say(f"Computing on {device}; a window holds {window} word pieces")
    return Setup(model, tokenizer, pad, window, labels, train, dev, test)


def check_language(
    run: Run[ClassificationOptions, ClassificationData],
    examples: Sequence[TextExample],
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Warn where the tokenizer knows too few of the pieces of the training texts."""
    unknown = tokenizer.unk_token_id
    if unknown is None:
        return
    count = sum(example.pieces.count(unknown) for example in examples)
    share = count / max(1, sum(len(example.pieces) for example in examples))
    if share > UNKNOWN_SHARE:
        run.report.warn(
            f"{share:.0%} of the word pieces are unknown to {run.options.model}: it hardly reads this language "
            "or script. Choose a model that does: --model NAME"
        )


def score_dev(
    run: Run[ClassificationOptions, ClassificationData], model: PreTrainedModel, setup: Setup
) -> Evaluation:
    """Score the model on dev. Where texts have several labels, their thresholds are chosen there too.

    So they are at every evaluation: the state that is kept is the best as it will be used, and in the first
    epochs, where hardly a probability reaches one half, fixed thresholds would find nothing to compare.
    """
    return evaluate(
        model,
        setup.dev,
        gold=indicators([row.labels for row in run.data.dev], setup.labels),
        labels=setup.labels,
        decoder=None,
        is_multi_label=run.data.is_multi_label,
        collate=setup.batch,
        tell=run.report.say,
    )


def final_scores(
    run: Run[ClassificationOptions, ClassificationData], model: PreTrainedModel, setup: Setup
) -> Result:
    """Score the saved model on dev and test."""
    run.report.phase("evaluate")
    dev = score_dev(run, model, setup)
    found = {"dev": (run.data.dev, dev)}
    if setup.test:
        found["test"] = (run.data.test, _score_test(run, model, setup, dev.decoder))
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    tables: list[Table] = []
    kept: dict[str, list[Prediction]] = {}
    for split, (rows, evaluation) in found.items():
        metrics |= evaluation.score.metrics(split)
        intervals |= evaluation.score.intervals(split)
        tables += evaluation.score.tables(split)
        kept[split] = predictions(rows, evaluation)
    return Result(
        metrics=metrics,
        tables=tables,
        intervals=intervals,
        scorer=SCORER,
        predictions=kept,
        decoding=describe_decoding(run.data, decoder=dev.decoder, window=setup.window),
        usage=_usage(run, setup, dev.decoder),
        example=describe_example(is_pair=run.data.is_pair),
        example_rows=describe_rows(is_pair=run.data.is_pair),
    )


def _usage(run: Run[ClassificationOptions, ClassificationData], setup: Setup, decoder: Decoder) -> str:
    return describe_usage(run.options, decoder, is_pair=run.data.is_pair, window=setup.window)


def _score_test(
    run: Run[ClassificationOptions, ClassificationData],
    model: PreTrainedModel,
    setup: Setup,
    decoder: Decoder,
) -> Evaluation:
    return evaluate(
        model,
        setup.test,
        gold=indicators([row.labels for row in run.data.test], setup.labels),
        labels=setup.labels,
        decoder=decoder,
        is_multi_label=run.data.is_multi_label,
        collate=setup.batch,
        tell=run.report.say,
    )
