"""Use a model: judge new texts as the evaluations of its training did, and score it on texts with labels."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForSequenceClassification

from envkit.api import DataError, Prediction, Result
from envkit.data.rows import TextRow
from envkit.data.streaming import in_batches, stream_records
from envkit.data.text_columns import find_texts
from envkit.finetune.devices import choose_device
from envkit.finetune.models import load_model, load_tokenizer
from envkit_sentiment import words
from envkit_sentiment.cnn_lstm import is_cnn_lstm, load_cnn_lstm
from envkit_sentiment.decide import fields, judged, probabilities, score
from envkit_sentiment.plugin import CNN_LSTM
from envkit_sentiment.read import read_file, with_levels
from envkit_sentiment.scale import Scale, read_scale
from envkit_sentiment.starting import TextReader, make_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from transformers import PreTrainedModel

    from envkit.api import Inputs, PredictorRequest
    from envkit.data.streaming import Record
    from envkit_sentiment.plugin import SentimentOptions

_OWN_FIELDS = frozenset({"name", "text", "pair", "label", "score", "scores", "gold"})


@dataclass(frozen=True)
class SentimentPredictor:
    """A model that is loaded, and the scale that its labels are levels of."""

    model: PreTrainedModel
    reader: TextReader
    scale: Scale
    options: SentimentOptions
    needs_pair: bool

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
            tokenizer = load_tokenizer(folder)
            model = load_model(
                folder,
                AutoModelForSequenceClassification,
                labels=_levels(request),
                device=device,
                report=request.report,
            )
        kept = request.decoding.get("scale")
        scale = Scale.from_builtins(kept) if kept else read_scale(model.config.label2id)
        reader = make_reader(model.eval(), tokenizer, options, model_name=name)
        return cls(model, reader, scale, options, bool(request.decoding.get("needs_pair", False)))

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the polarity or rating of each text, in order, as they come in. Raises: DataError."""
        for records in in_batches(stream_records(inputs)):
            found = [self._find(record) for record in records]
            rows = [row for row, _ in found]
            for record, (row, taken), chances in zip(records, found, self._judge(rows), strict=True):
                gold, others = self._rest(record, taken)
                told = fields(row, chances, self.scale.levels, gold=gold, others=others)
                is_right = None if gold is None else told["label"] == gold
                yield Prediction(fields=told, is_right=is_right)

    def score(self, file: Path) -> Result:
        """Score the model on a file with labels, as on test data at the end of its training. Raises: DataError."""
        rows = with_levels(read_file(file, self.options).rows, self.scale)
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
        )

    def _find(self, record: Record) -> tuple[TextRow, frozenset[str]]:
        """Return the text of a record, and the names of the values that it was taken from. Raises: DataError."""
        options, values = self.options, record.values
        text, pair = find_texts(values, text_column=options.text_column, pair_column=options.second_column)
        if text is None and isinstance(values.get("text"), str):
            text = "text"  # typed, or a line of plain text: the column has no name there
        if text is None:
            raise DataError(
                f"{record.name}: there is no text, only {_named(values)}",
                hint='Give lines of text, or JSON as {"text": "…"}; in a table, name the column text',
            )
        if pair is None and self.needs_pair:
            raise DataError(
                f"{record.name}: there is nothing beside the text that it is to be judged about, as there was "
                "in the training",
                hint=f'Give JSON as {{"text": "…", "{options.second_column or "aspect"}": "…"}}',
            )
        taken = frozenset({text} if pair is None else {text, pair})
        return TextRow(values[text], (), record.name, None if pair is None else values[pair]), taken

    def _rest(self, record: Record, taken: frozenset[str]) -> tuple[str | None, dict[str, Any]]:
        """Return the gold level of a record that has one, and what goes through unchanged."""
        column = self.options.label_column or "label"
        label = record.values.get(column)
        gold = None if isinstance(label, (list, dict)) or label is None else self.scale.level_of(str(label))
        left = taken | _OWN_FIELDS | ({column} if gold is not None else frozenset())
        return gold, {name: value for name, value in record.values.items() if name not in left}


def _levels(request: PredictorRequest[SentimentOptions]) -> Sequence[str]:
    """Return the labels that the model's head has, by its own configuration where nothing else says."""
    kept: Mapping[str, Any] | None = request.decoding.get("scale")
    if kept is not None:
        return tuple(kept["levels"])
    from transformers import AutoConfig

    return tuple(AutoConfig.from_pretrained(request.model_dir).id2label.values())


def _named(values: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, list(values)[:8])) or "nothing"
