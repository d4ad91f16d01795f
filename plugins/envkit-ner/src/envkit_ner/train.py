"""Fine-tune a model to tag words: one loop, from top to bottom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForTokenClassification

from envkit.api import Result, RunFailed, UsageError
from envkit.finetune.devices import choose_device
from envkit.finetune.models import fetch_model, load_model, load_tokenizer, longest_input, save_model
from envkit.finetune.seeds import set_seeds
from envkit_ner.score import Score, score
from envkit_ner.tokens import (
    NOT_LABELLED,
    Batch,
    Example,
    WordPieces,
    make_batch,
    make_examples,
    shuffled_batches,
    sorted_batches,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Run
    from envkit.data.token_rows import Sentence
    from envkit_ner.plugin import NerOptions
    from envkit_ner.read import NerData

LARGEST_NORM = 1.0  # of the gradients, as BERT and its kin are fine-tuned
UNKNOWN_SHARE = 0.05  # of the words, beyond which a model is said not to read their language
EVALUATION_TOKENS = 4096  # a batch, padding included


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


@dataclass(frozen=True)
class Best:
    """The best state so far: its score on dev, and its weights unless the model itself holds them."""

    score: Score
    step: int
    weights: dict[str, torch.Tensor] | None


def finetune(run: Run[NerOptions, NerData]) -> Result:
    """Fine-tune, save the state with the best strict entity F1 on dev, and score it on test."""
    options, report = run.options, run.report
    set_seeds(run.seed)
    setup = load(run)
    model = setup.model
    epoch_steps = math.ceil(len(setup.train) / options.batch_size)
    last_step = options.epochs * epoch_steps
    if options.max_steps is not None:
        last_step = min(last_step, options.max_steps)
    optimizer = make_optimizer(model, options)
    schedule = make_schedule(optimizer, steps=last_step, warmup=options.warmup)
    shuffling = torch.Generator().manual_seed(run.seed)
    report.plan(steps=last_step, epochs=last_step / epoch_steps)

    step = tokens = 0
    best: Best | None = None
    stopped = False
    while step < last_step and not stopped:
        report.phase("train")
        model.train()
        for examples in shuffled_batches(setup.train, options.batch_size, generator=shuffling):
            batch = setup.batch(examples)
            loss = summed_loss(model, batch) / batch.items
            loss.backward()
            clip_grad_norm_(model.parameters(), LARGEST_NORM)
            optimizer.step()
            optimizer.zero_grad()
            (learning_rate, *_) = schedule.get_last_lr()
            schedule.step()
            step += 1
            tokens += batch.tokens
            report.step(step, loss=checked(loss, step), tokens=tokens, learning_rate=learning_rate)
            stopped = run.should_stop()
            if stopped or step == last_step:
                break
        if not stopped:
            report.phase("evaluate")
            dev_score = evaluate(setup, setup.dev, run.data.dev)
            report.metrics(step, dev_score.metrics("dev"))
            # Of equals the later: it has seen more.
            if best is None or dev_score.entity_f1 >= best.score.entity_f1:
                best = Best(dev_score, step, None if step == last_step else copy_weights(model))
    return finish(run, setup, best, step, stopped=stopped)


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
        make_examples(sentences, pieces, label_numbers=model.config.label2id, window=window)
        for sentences in (data.train, data.dev, data.test)
    )
    report.say(f"Computing on {device}; a window holds {window} word pieces")
    return Setup(model, tokenizer, train, dev, test)


def summed_loss(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Return the cross entropy summed over the labelled words, so that it can be divided once, by all of a step."""
    logits = model(input_ids=batch.pieces, attention_mask=batch.attention_mask).logits
    return cross_entropy(
        logits.flatten(0, 1).float(), batch.labels.flatten(), ignore_index=NOT_LABELLED, reduction="sum"
    )


def make_optimizer(model: PreTrainedModel, options: NerOptions) -> AdamW:
    """Return AdamW that decays matrices alone: neither biases nor the scales of norms."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=options.learning_rate, fused=model.device.type in ("cpu", "cuda"))


def make_schedule(optimizer: AdamW, *, steps: int, warmup: float) -> LambdaLR:
    """Return a learning rate that rises over the first ``warmup`` share of the steps and falls to 0 after."""
    rising = round(steps * warmup)

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        return (steps - step) / (steps - rising) if step < steps else 0.0

    return LambdaLR(optimizer, factor)


def checked(loss: torch.Tensor, step: int) -> float:
    """Return the loss as a number. Raises: RunFailed where it is none."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise RunFailed(
            f"the loss became {value} at step {step}",
            hint="Try a smaller --learning-rate, a tenth of it to begin with",
        )
    return value


def evaluate(
    setup: Setup,
    examples: Sequence[Example],
    sentences: Sequence[Sentence],
    *,
    tokens: int = EVALUATION_TOKENS,
) -> Score:
    """Tag the sentences, of which these are the examples, and score the tags; ``tokens`` bounds a batch."""
    setup.model.eval()
    names = setup.model.config.id2label
    predicted = [[""] * len(sentence.words) for sentence in sentences]
    for part in sorted_batches(examples, tokens=tokens):
        batch = setup.batch(part)
        with torch.inference_mode():
            logits = setup.model(input_ids=batch.pieces, attention_mask=batch.attention_mask).logits
        # Only numbers leave the device: the logits of a whole data set would fill it.
        found = iter(logits.argmax(-1)[batch.labels != NOT_LABELLED].tolist())
        for example in part:
            for word in example.words:
                predicted[example.sentence][word] = names[next(found)]
    return score([sentence.tags for sentence in sentences], predicted)


def copy_weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Return a copy of the weights in the host's memory."""
    return {name: weight.detach().to("cpu", copy=True) for name, weight in model.state_dict().items()}


def finish(
    run: Run[NerOptions, NerData], setup: Setup, best: Best | None, step: int, *, stopped: bool
) -> Result:
    """Save the best state, or the last where none was scored; unless stopped, score it on test."""
    report = run.report
    report.phase("save")
    if best is not None and best.weights is not None:
        setup.model.load_state_dict(best.weights)
    save_model(setup.model, setup.tokenizer, run.model_dir)
    if best is None:
        report.say(f"Kept the model as it was after {step} steps; it was never scored")
        return Result(metrics={})
    if best.step != step:
        report.say(f"Kept the model of step {best.step}, the best on dev")
    metrics, tables = best.score.metrics("dev"), best.score.tables("dev")
    if setup.test and not stopped:
        report.phase("evaluate")
        test_score = evaluate(setup, setup.test, run.data.test)
        report.metrics(step, test_score.metrics("test"))
        metrics |= test_score.metrics("test")
        tables += test_score.tables("test")
    return Result(metrics=metrics, tables=tables)
