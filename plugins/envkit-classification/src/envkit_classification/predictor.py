"""Use a model: labels for new texts, and scores on labelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForSequenceClassification

from envkit.api import DataError, Prediction, Result
from envkit.data.rows import TextRow
from envkit.data.streaming import Record, in_batches, stream_records
from envkit.data.text_columns import find_texts
from envkit.finetune.devices import choose_device
from envkit.finetune.inputs import InputTemplate, padding_piece
from envkit.finetune.models import longest_input
from envkit.finetune.saved_models import load_saved_model
from envkit.finetune.text_examples import TextBatch, TextExample, make_text_batch, make_text_examples
from envkit_classification.decode import Decoder
from envkit_classification.evaluate import (
    evaluate,
    find_logits,
    label_fields,
    predictions,
    text_fields,
)
from envkit_classification.read import check_rows, read_file
from envkit_classification.score import SCORER, indicators

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Inputs, PredictorRequest, Reporter
    from envkit_classification.plugin import ClassificationOptions

_GOLD_NAMES = ("label", "labels")


@dataclass(frozen=True)
class ClassificationPredictor:
    """A fine-tuned model with what it was fine-tuned with; ``is_pair`` is None where that is not known."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    template: InputTemplate
    decoder: Decoder
    options: ClassificationOptions
    report: Reporter
    window: int
    pad: int
    is_pair: bool | None

    @classmethod
    def load(cls, request: PredictorRequest[ClassificationOptions]) -> ClassificationPredictor:
        """Load the model of a run. Raises: UsageError, MachineError."""
        options = request.options
        model, tokenizer = load_saved_model(
            request.model_dir,
            AutoModelForSequenceClassification,
            device=choose_device(options.device),
            report=request.report,
        )
        config = model.config
        labels = [config.id2label[number] for number in range(len(config.id2label))]
        is_multi_label = config.problem_type == "multi_label_classification"
        return cls(
            model=model,
            tokenizer=tokenizer,
            template=InputTemplate.of(tokenizer, model=model),
            decoder=Decoder.of(labels, request.decoding, is_multi_label=is_multi_label),
            options=options,
            report=request.report,
            window=options.window or longest_input(model, tokenizer),
            pad=padding_piece(model, tokenizer),
            is_pair=request.decoding.get("is_pair"),
        )

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the labels of each row, in the order of the rows, as they come in. Raises: DataError.

        Two typed texts after each other are one row for a model of pairs.
        """
        records = stream_records(inputs)
        if inputs.texts and self.is_pair:
            records = _paired(records)
        for batch in in_batches(records):
            yield from self._predict(batch)

    def score(self, file: Path) -> Result:
        """Score the model on a file with labels; the metrics begin with ``test/``. Raises: DataError."""
        found = read_file(file, self.options)
        for warning in found.warnings:
            self.report.warn(warning)
        decoder = self.decoder
        is_multi_label = decoder.thresholds is not None
        is_pair = self.is_pair if self.is_pair is not None else found.rows[0].pair is not None
        check_rows(found.rows, decoder.labels, is_multi_label=is_multi_label, is_pair=is_pair)
        evaluation = evaluate(
            self.model,
            self._examples(found.rows),
            gold=indicators([row.labels for row in found.rows], decoder.labels),
            labels=decoder.labels,
            decoder=decoder,
            is_multi_label=is_multi_label,
            collate=self._batch,
        )
        return Result(
            metrics=evaluation.score.metrics("test"),
            tables=evaluation.score.tables("test"),
            intervals=evaluation.score.intervals("test"),
            scorer=SCORER,
            predictions={"test": predictions(found.rows, evaluation)},
        )

    def _predict(self, records: Sequence[Record]) -> Iterator[Prediction]:
        read = [self._row(record) for record in records]
        rows = [row for row, _ in read]
        logits = find_logits(self.model, self._examples(rows), collate=self._batch)
        decoder = self.decoder
        probabilities = decoder.probabilities(logits)
        chosen = decoder.choose(probabilities)
        sure = decoder.sureness(probabilities, chosen)
        for number, (row, others) in enumerate(read):
            scores = dict(zip(decoder.labels, map(_rounded, probabilities[number]), strict=True))
            said = {
                **text_fields(row),
                **label_fields(decoder, chosen[number]),
                "score": _rounded(sure[number]),
                "scores": dict(sorted(scores.items(), key=lambda item: -item[1])),
            }
            yield Prediction(fields=_joined(others, said, label_column=self.options.label_column))

    def _row(self, record: Record) -> tuple[TextRow, dict[str, Any]]:
        """Return the texts of a record, and its other values. Raises: DataError where it has none."""
        options = self.options
        text, pair = find_texts(
            record.values, text_column=options.text_column, pair_column=options.pair_column
        )
        if self.is_pair and pair is None and "pair" in record.values:
            pair = "pair"  # as predictions call it
        if self.is_pair is False:
            pair = None
        if text is None or (self.is_pair and pair is None):
            wanted = "a pair of texts" if self.is_pair else "a text"
            there = ", ".join(map(str, record.values)) or "nothing"
            raise DataError(
                f"expected {wanted}, found {there}",
                file=record.name,
                hint='Give lines such as {"text": "…"}'
                if not self.is_pair
                else 'Give lines such as {"text": "…", "pair": "…"}, or two texts for each row',
            )
        others = {name: value for name, value in record.values.items() if name not in (text, pair)}
        second = None if pair is None else record.values[pair]
        return TextRow(record.values[text], (), record.name, second), others

    def _examples(self, rows: Sequence[TextRow]) -> list[TextExample]:
        return make_text_examples(
            rows,
            self.tokenizer,
            template=self.template,
            window=self.window,
            long_text=self.options.long_text,
        )

    def _batch(self, examples: Sequence[TextExample]) -> TextBatch:
        return make_text_batch(examples, pad=self.pad, device=self.model.device)


def _paired(records: Iterator[Record]) -> Iterator[Record]:
    for first in records:
        second = next(records, None)
        if second is None:
            raise DataError(
                "the model reads pairs of texts, and this one stands alone",
                file=first.name,
                hint="Give two texts for each row",
            )
        yield Record({"text": first.values["text"], "pair": second.values["text"]}, first.name)


def _joined(others: dict[str, Any], said: dict[str, Any], *, label_column: str | None) -> dict[str, Any]:
    """Put what was read with a text in front of what is said of it; the label that it had is called gold."""
    had = next((name for name in (label_column, *_GOLD_NAMES) if name in others), None)
    gold = {} if had is None else {"gold": others[had]}
    kept = {name: value for name, value in others.items() if name != had}
    if "name" in kept:  # somebody's, of more use than the line's
        said = {name: value for name, value in said.items() if name != "name"}
    return {name: value for name, value in kept.items() if name not in said} | said | gold


def _rounded(value: Any) -> float:
    return round(float(value), 4)
