"""Use a model: labels for new texts, and scores on labelled ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForSequenceClassification

from envkit.api import DataError, Prediction, Result
from envkit.data.given_fields import join_fields
from envkit.data.streaming import Record, in_batches, stream_records
from envkit.data.text_labels import UnreadableLabelError, read_labels
from envkit.data.text_records import find_text_rows
from envkit.data.used_columns import UsedColumns
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
from envkit_classification.read import check_rows, cut_labels, read_file
from envkit_classification.score import SCORER, indicators

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Inputs, PredictorRequest, Reporter
    from envkit.data.rows import TextRow
    from envkit.data.text_records import TextRecord
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
    columns: UsedColumns | None = None

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
            window=options.window or request.decoding.get("window") or longest_input(model, tokenizer),
            pad=padding_piece(model, tokenizer),
            is_pair=request.decoding.get("is_pair"),
            columns=UsedColumns.from_builtins(request.decoding.get("columns")),
        )

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the labels of each row, in the order of the rows, as they come in. Raises: DataError.

        Two typed texts after each other are one row for a model of pairs.
        """
        options = self.options
        columns = (options.text_column, options.pair_column, options.label_column)
        named = () if self.columns is None else self.columns.references
        records = stream_records(inputs, named=(*columns, *named), tell=self.report.say)
        if inputs.texts and self.is_pair:
            records = _paired(records)
        found = find_text_rows(
            records,
            text_column=columns[0],
            pair_column=columns[1],
            has_pair=self.is_pair,
            trained=self.columns,
            tell=self.report.say,
        )
        for batch in in_batches(found):
            yield from self._predict(batch)

    def score(self, file: Path) -> Result:
        """Score the model on a file with labels; the metrics begin with ``test/``. Raises: DataError."""
        found = read_file(file, self.options, known=self.decoder.labels, trained=self.columns)
        for note in found.notes:
            self.report.say(note)
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
            tell=self.report.say,
        )
        return Result(
            metrics=evaluation.score.metrics("test"),
            tables=evaluation.score.tables("test"),
            intervals=evaluation.score.intervals("test"),
            scorer=SCORER,
            predictions={"test": predictions(found.rows, evaluation)},
        )

    def _predict(self, found: Sequence[TextRecord]) -> Iterator[Prediction]:
        rows = [record.row for record in found]
        logits = find_logits(self.model, self._examples(rows), collate=self._batch)
        decoder = self.decoder
        probabilities = decoder.probabilities(logits)
        chosen = decoder.choose(probabilities)
        sure = decoder.sureness(probabilities, chosen)
        for number, (row, record) in enumerate(zip(rows, found, strict=True)):
            scores = dict(zip(decoder.labels, map(_rounded, probabilities[number]), strict=True))
            said = {
                **text_fields(row),
                **label_fields(decoder, chosen[number]),
                "score": _rounded(sure[number]),
                "scores": scores,  # in the order of the model's labels, the same for all rows
            }
            gold = next((name for name in self._gold_names() if name in record.others), None)
            given = record.others if gold is None else self._with_gold(record.others, gold)
            yield Prediction(fields=join_fields(given, said, gold=[] if gold is None else [gold]))

    def _gold_names(self) -> list[str]:
        known = None if self.columns is None or self.columns.label is None else str(self.columns.label)
        return [name for name in (self.options.label_column, known, *_GOLD_NAMES) if name is not None]

    def _with_gold(self, given: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return the fields of a row, its gold labels as an evaluation tells them: one, or a list of several."""
        is_multi_label = self.decoder.thresholds is not None
        try:
            (labels,) = read_labels([given[name]], many=is_multi_label, known=self.decoder.labels).labels
        except UnreadableLabelError:
            return dict(given)  # what it is stays for whoever reads it
        found = cut_labels(labels or (), self.options)
        if is_multi_label:
            return {**given, name: list(found)}
        return {**given, name: found[0]} if len(found) == 1 else dict(given)

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


def _rounded(value: Any) -> float:
    return round(float(value), 4)
