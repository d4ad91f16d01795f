"""What the loop starts from: a pretrained model, or one that knows nothing yet, and the texts as it reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transformers import AutoModelForSequenceClassification

from envkit.api import UsageError
from envkit.finetune.devices import choose_device
from envkit.finetune.inputs import InputTemplate
from envkit.finetune.models import fetch_model, load_model, load_tokenizer, longest_input, usual_window
from envkit.finetune.text_examples import (
    TextBatch,
    TextExample,
    describe_long_texts,
    make_text_batch,
    make_text_examples,
)
from envkit_sentiment.cnn_lstm import make_cnn_lstm
from envkit_sentiment.plugin import CNN_LSTM
from envkit_sentiment.words import make_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Reporter, Run
    from envkit.data.rows import TextRow
    from envkit.finetune.long_texts import LongText
    from envkit_sentiment.plugin import SentimentOptions
    from envkit_sentiment.read import SentimentData

# Of the default model, as in other tasks; of the model from nothing, chosen on 20,000 training rows of SST-2 by
# 2,000 others (at a rate of 1e-3 and 1024 tokens it has learned less after five epochs than so after one).
LEARNING_RATE, TOKENS_PER_STEP = 2e-4, 512
FROM_NOTHING_RATE, FROM_NOTHING_TOKENS = 2e-3, 512
UNKNOWN_SHARE = 0.05  # of the pieces, beyond which a model is said not to read the language


@dataclass(frozen=True)
class TextReader:
    """How texts become what the model reads."""

    tokenizer: PreTrainedTokenizerBase
    template: InputTemplate
    window: int
    long_text: LongText

    def examples(
        self, rows: Sequence[TextRow], *, label_numbers: dict[str, int] | None = None
    ) -> list[TextExample]:
        """Return an example a row, with the number of its label where numbers are given."""
        return make_text_examples(
            rows,
            self.tokenizer,
            template=self.template,
            window=self.window,
            long_text=self.long_text,
            label_of=None if label_numbers is None else lambda row: label_numbers[row.labels[0]],
        )

    def batch(self, examples: Sequence[TextExample], *, device: torch.device) -> TextBatch:
        """Pad these examples, on the device."""
        return make_text_batch(examples, pad=self.tokenizer.pad_token_id or 0, device=device)


@dataclass(frozen=True)
class Start:
    """What the loop works with: the model on its device, the texts as it reads them, and how it learns best."""

    model: PreTrainedModel
    reader: TextReader
    train: list[TextExample]
    dev: list[TextExample]
    test: list[TextExample]
    learning_rate: float
    tokens_per_step: int

    def batch(self, examples: Sequence[TextExample]) -> TextBatch:
        """Pad these examples, on the model's device."""
        return self.reader.batch(examples, device=self.model.device)


def start(run: Run[SentimentOptions, SentimentData]) -> Start:
    """Get the model that the options name, and cut the texts into what it reads. Raises: UsageError."""
    options, data, report = run.options, run.data, run.report
    device = choose_device(options.device)
    is_from_nothing = options.model == CNN_LSTM
    window = None
    if is_from_nothing:
        model, tokenizer = _from_nothing(run, device)
    else:
        path = fetch_model(options.model, report=report)
        tokenizer = load_tokenizer(path)
        model = load_model(
            path,
            AutoModelForSequenceClassification,
            labels=data.scale.levels,
            device=device,
            report=report,
        )
        window = usual_window(path, model, tokenizer)
    reader = make_reader(model, tokenizer, options, model_name=options.model, window=window)
    if options.window is None and reader.window < longest_input(model, tokenizer):
        report.choice("window", str(reader.window), "what the model was trained on")
    numbers = model.config.label2id
    train, dev, test = (
        reader.examples(rows, label_numbers=numbers) for rows in (data.train, data.dev, data.test)
    )
    report.say(f"Computing on {device}; a window holds {reader.window} word pieces")
    told = describe_long_texts(train, window=reader.window, long_text=options.long_text)
    if told is not None:
        report.say(f"train: {told}")
    if not is_from_nothing:
        _warn_unknown(train, tokenizer, options.model, report)
    rate, tokens = (
        (FROM_NOTHING_RATE, FROM_NOTHING_TOKENS) if is_from_nothing else (LEARNING_RATE, TOKENS_PER_STEP)
    )
    return Start(model, reader, train, dev, test, learning_rate=rate, tokens_per_step=tokens)


def make_reader(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    options: SentimentOptions,
    *,
    model_name: str,
    window: int | None,
) -> TextReader:
    """Return what reads texts for this model, in this window where the options name none.

    None is for as many pieces as the model can read. Raises: UsageError where the options' does not fit it.
    """
    longest = longest_input(model, tokenizer)
    if options.window is not None and options.window > longest:
        raise UsageError(
            f"--window is {options.window}, but {model_name} reads at most {longest} pieces",
            hint=f"Give --window a number up to {longest}",
        )
    template = InputTemplate.of(tokenizer, model=model)
    return TextReader(tokenizer, template, options.window or window or longest, options.long_text)


def _from_nothing(
    run: Run[SentimentOptions, SentimentData], device: torch.device
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    rows = run.data.train
    tokenizer = make_tokenizer(text for row in rows for text in (row.text, row.pair) if text is not None)
    model = make_cnn_lstm(
        words=len(tokenizer), labels=run.data.scale.levels, pad=tokenizer.pad_token_id, seed=run.seed
    )
    run.report.say(
        f"Model cnn-lstm, from nothing: {model.num_parameters():,} weights, {len(tokenizer):,} words of the "
        "training texts"
    )
    return model.to(device), tokenizer


def _warn_unknown(
    examples: Sequence[TextExample],
    tokenizer: PreTrainedTokenizerBase,
    model_name: str,
    report: Reporter,
) -> None:
    """Warn where the model does not know much of what it is given."""
    unknown = sum(example.pieces.count(tokenizer.unk_token_id) for example in examples)
    share = unknown / max(1, sum(example.length for example in examples))
    if share > UNKNOWN_SHARE:
        report.warn(
            f"{share:.0%} of the word pieces are unknown to {model_name}: it hardly reads this language or "
            "script. Choose a model that does: --model NAME"
        )
