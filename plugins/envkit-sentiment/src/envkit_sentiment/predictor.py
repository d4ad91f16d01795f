"""Use a model: judge new texts as the evaluations of its training did, and score it on texts with labels."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForSequenceClassification

from envkit.api import Prediction, Result
from envkit.data.given_fields import join_fields
from envkit.data.streaming import in_batches, stream_records
from envkit.data.text_records import find_text_rows
from envkit.data.used_columns import UsedColumns
from envkit.finetune.devices import choose_device
from envkit.finetune.saved_models import load_saved_model
from envkit_sentiment import words
from envkit_sentiment.cnn_lstm import is_cnn_lstm, load_cnn_lstm
from envkit_sentiment.decide import fields, judged, probabilities, score
from envkit_sentiment.plugin import CNN_LSTM
from envkit_sentiment.read import labels_of, read_file, with_levels
from envkit_sentiment.scale import Scale, read_scale
from envkit_sentiment.starting import TextReader, make_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from transformers import PreTrainedModel

    from envkit.api import Inputs, PredictorRequest, Reporter
    from envkit.data.rows import TextRow
    from envkit.data.text_records import TextRecord
    from envkit_sentiment.plugin import SentimentOptions


@dataclass(frozen=True)
class SentimentPredictor:
    """A model that is loaded, and the scale that its labels are levels of."""

    model: PreTrainedModel
    reader: TextReader
    scale: Scale
    options: SentimentOptions
    report: Reporter
    needs_pair: bool
    columns: UsedColumns | None = None

    @classmethod
    def load(cls, request: PredictorRequest[SentimentOptions]) -> SentimentPredictor:
        """Load the model of a run. Raises: UsageError where its folder does not hold it."""
        folder, options = request.model_dir, request.options
        device = choose_device(options.device)
        if is_cnn_lstm(folder):
            name = CNN_LSTM
            model: Any = load_cnn_lstm(folder).to(device)
            tokenizer = words.load_tokenizer(folder)
        else:
            name = str(folder)
            model, tokenizer = load_saved_model(
                folder, AutoModelForSequenceClassification, device=device, report=request.report
            )
        kept = request.decoding.get("scale")
        scale = Scale.from_builtins(kept) if kept else read_scale(model.config.label2id)
        reader = make_reader(
            model.eval(), tokenizer, options, model_name=name, window=request.decoding.get("window")
        )
        return cls(
            model,
            reader,
            scale,
            options,
            request.report,
            needs_pair=bool(request.decoding.get("needs_pair", False)),
            columns=UsedColumns.from_builtins(request.decoding.get("columns")),
        )

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the polarity or rating of each text, in order, as they come in. Raises: DataError."""
        options = self.options
        columns = (options.text_column, options.second_column, options.label_column)
        named = () if self.columns is None else self.columns.references
        records = find_text_rows(
            stream_records(inputs, named=(*columns, *named), tell=self.report.say),
            text_column=columns[0],
            pair_column=columns[1],
            has_pair=self.needs_pair,
            trained=self.columns,
            tell=self.report.say,
        )
        for found in in_batches(records):
            rows = [record.row for record in found]
            for record, row, chances in zip(found, rows, self._judge(rows), strict=True):
                gold, others = self._rest(record)
                told = fields(row, chances, self.scale.levels, gold=gold)
                is_right = None if gold is None else told["label"] == gold
                yield Prediction(fields=join_fields(others, told), is_right=is_right)

    def score(self, file: Path) -> Result:
        """Score the model on a file with labels, as on test data at the end of its training. Raises: DataError."""
        found = read_file(file, self.options, trained=self.columns)
        rows = with_levels(found.rows, self.scale)
        mapped = self.scale.describe_new(dict.fromkeys(labels_of(found.rows)))
        span = self.scale.describe_span(set(labels_of(rows)))
        for note in (*found.notes, mapped, span):
            if note is not None:
                self.report.say(note)
        for warning in found.warnings:
            self.report.warn(warning)
        chances = self._judge(rows)
        scored = score(rows, chances, self.scale)
        return Result(
            metrics=scored.metrics("test"),
            tables=scored.tables("test"),
            intervals=scored.intervals("test"),
            scorer=f"envkit-sentiment {version('envkit-sentiment')}, the most probable label of each text",
            predictions={"test": judged(rows, chances, self.scale)},
        )

    def _judge(self, rows: Sequence[TextRow]) -> NDArray[Any]:
        examples = self.reader.examples(rows)
        return probabilities(
            self.model,
            examples,
            self.scale.levels,
            collate=lambda part: self.reader.batch(part, device=self.model.device),
            tell=self.report.say,
        )

    def _rest(self, record: TextRecord) -> tuple[str | None, dict[str, Any]]:
        """Return the gold level of a record that has one, and what goes through unchanged."""
        known = self.columns and self.columns.label
        known = str(known) if known is not None and str(known) in record.others else None
        column = self.options.label_column or known or "label"
        label = record.others.get(column)
        gold = None if isinstance(label, (list, dict)) or label is None else self.scale.level_of(str(label))
        return gold, {name: value for name, value in record.others.items() if gold is None or name != column}
