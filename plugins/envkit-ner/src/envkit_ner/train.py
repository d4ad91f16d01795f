"""Fine-tune a model to tag words: one loop, from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transformers import AutoModelForTokenClassification

from envkit.api import Result, UsageError
from envkit.data.tag_schemes import OUTSIDE
from envkit.finetune.devices import choose_device
from envkit.finetune.finish import save_best
from envkit.finetune.losses import token_cross_entropy
from envkit.finetune.models import fetch_model, load_model, load_tokenizer, longest_input
from envkit.finetune.prepare import prepare
from envkit.finetune.seeds import set_seeds
from envkit.finetune.steps import steps
from envkit_ner.batches import Batch, make_batch
from envkit_ner.examples import Example, make_examples
from envkit_ner.score import Score, score
from envkit_ner.tagging import score_split, scorer, tag
from envkit_ner.tokens import WordPieces
from envkit_ner.usage import EXAMPLE, EXAMPLE_ROWS, describe_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Run
    from envkit.data.token_rows import Sentence
    from envkit_ner.plugin import NerOptions
    from envkit_ner.read import NerData

# Chosen with benchmarks/sweep.py on the default model, by a tenth of the training data.
LEARNING_RATE = 2e-4
TOKENS_PER_STEP = 512
UNKNOWN_SHARE = 0.05  # of the words, beyond which a model is said not to read their language


@dataclass(frozen=True)
class Setup:
    """What the loop works with: the model on its device, and the sentences as it reads them."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    train: list[Example]
    dev: list[Example]
    test: list[Example]

    def batch(self, examples: Sequence[Example]) -> Batch:
        """Pad these examples, on the model's device."""
        return make_batch(examples, pad=self.tokenizer.pad_token_id or 0, device=self.model.device)


def finetune(run: Run[NerOptions, NerData]) -> Result:
    """Fine-tune, save the state with the best strict entity F1 on dev, and score it on test."""
    set_seeds(run.seed)
    setup = load(run)
    training = prepare(
        run,
        setup.model,
        setup.train,
        collate=setup.batch,
        loss=summed_loss,
        learning_rate=LEARNING_RATE,
        tokens_per_step=TOKENS_PER_STEP,
        metrics=score([], []).metrics("dev"),
    )
    for step in steps(training):
        for batch in step:
            step.backward(summed_loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            scored_dev = evaluate(training.model, setup, setup.dev, run.data.dev, tell=run.report.say)
            step.report(scored_dev.metrics("dev"))
    model = save_best(training, setup.tokenizer)
    if training.is_stopped:
        return Result(
            metrics=training.best_metrics,
            usage=describe_usage(run.options),
            example=EXAMPLE,
            example_rows=EXAMPLE_ROWS,
        )
    return final_scores(run, model, setup)


def load(run: Run[NerOptions, NerData]) -> Setup:
    """Load model and tokenizer, and cut the sentences into what the model reads. Raises: UsageError."""
    options, data, report = run.options, run.data, run.report
    device = choose_device(options.device)
    path = fetch_model(options.model, report=report)
    tokenizer = load_tokenizer(path)
    pieces = WordPieces(tokenizer)
    pieces.read((*data.train, *data.dev, *data.test))
    unknown = pieces.unknown_share((*data.train, *data.dev))
    if unknown > UNKNOWN_SHARE:
        report.warn(
            f"{unknown:.0%} of the words are unknown to {options.model}: it hardly reads this language or "
            "script. Choose a model that does: --model NAME"
        )
    model = load_model(
        path, AutoModelForTokenClassification, labels=data.labels, device=device, report=report
    )
    longest = longest_input(model, tokenizer)
    if options.window is not None and options.window > longest:
        raise UsageError(
            f"--window is {options.window}, but {options.model} reads at most {longest} pieces",
            hint=f"Give --window a number up to {longest}",
        )
    window = options.window or longest
    train, dev, test = (
        make_examples(
            sentences,
            pieces,
            file=file,
            label_numbers=model.config.label2id,
            window=window,
            context=options.context,
        )
        for file, sentences in zip(data.files, (data.train, data.dev, data.test), strict=True)
    )
    report.say(f"Computing on {device}; a window holds {window} word pieces")
    if options.context == "document":
        words = sum(example.items for example in train) / max(1, len(train))
        report.say(
            f"{len(train)} windows to train on, each with {words:.0f} words of whole sentences to learn and their "
            "neighbours as context; what uses the model gives it documents too"
        )
    return Setup(model, tokenizer, train, dev, test)


def summed_loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Return the cross entropy summed over the batch's labelled words."""
    return token_cross_entropy(model(**batch.inputs).logits, batch.labels)


def evaluate(
    model: PreTrainedModel,
    setup: Setup,
    examples: Sequence[Example],
    sentences: Sequence[Sentence],
    *,
    tokens: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Score:
    """Tag the sentences, of which these are the examples, and score the tags.

    ``tokens`` bounds a batch; ``tell`` hears how far it is.
    """
    predicted = tag(model, examples, collate=setup.batch, tokens=tokens, tell=tell)
    return score([sentence.tags for sentence in sentences], predicted)


def final_scores(run: Run[NerOptions, NerData], model: PreTrainedModel, setup: Setup) -> Result:
    """Score the saved model on dev and test."""
    run.report.phase("evaluate")
    data = run.data
    scored = {}
    for split, examples, sentences, file in (
        ("dev", setup.dev, data.dev, data.files[1]),
        ("test", setup.test, data.test, data.files[2]),
    ):
        if not examples:
            continue
        tags = tag(model, examples, collate=setup.batch, tell=run.report.say)
        warn_of_nothing_found(run, split, sentences, tags)
        scored[split] = score_split(split, sentences, tags, file=file)
    metrics = {name: value for found in scored.values() for name, value in found.metrics.items()}
    return Result(
        metrics=metrics,
        tables=[table for found in scored.values() for table in found.tables],
        intervals={name: bounds for found in scored.values() for name, bounds in found.intervals.items()},
        scorer=scorer(),
        predictions={split: found.predictions for split, found in scored.items()},
        usage=describe_usage(run.options),
        example=EXAMPLE,
        example_rows=EXAMPLE_ROWS,
    )


def warn_of_nothing_found(
    run: Run[NerOptions, NerData], split: str, sentences: Sequence[Sentence], tags: Sequence[Sequence[str]]
) -> None:
    """Warn where the model found no entity in sentences that have some: its other scores may look well."""
    is_found, is_there = (
        any(tag != OUTSIDE for row in rows for tag in row)
        for rows in (tags, [sentence.tags for sentence in sentences])
    )
    if is_there and not is_found:
        run.report.warn(f"the model found no entity in {split}: train on more data, or for more --epochs")
