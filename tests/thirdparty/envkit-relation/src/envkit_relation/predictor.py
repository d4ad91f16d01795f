"""Use a model: relations of marked entities, the same way in the training's evaluations and afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from transformers import AutoModelForTokenClassification

from envkit.api import Prediction
from envkit.data.given_fields import join_fields
from envkit.data.streaming import in_batches, stream_records
from envkit.finetune.devices import choose_device
from envkit.finetune.evaluation import predict
from envkit.finetune.inputs import InputTemplate, encode_texts, padding_piece
from envkit.finetune.saved_models import load_saved_model
from envkit.finetune.text_examples import TextBatch, TextExample, make_text_batch
from envkit_relation.read import MARKERS, check_labels, make_row, read_file
from envkit_relation.score import report_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Inputs, PredictorRequest, Result
    from envkit.data.rows import TextRow
    from envkit_relation.plugin import RelationOptions


@dataclass(frozen=True)
class RelationPredictor:
    """A model, and how it reads texts: ``window`` pieces, padded with ``pad``; ``markers`` are four of them."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    template: InputTemplate
    window: int
    pad: int
    markers: tuple[int, ...]
    options: RelationOptions

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        window: int,
        options: RelationOptions,
    ) -> Self:
        """Return what this model predicts with."""
        template = InputTemplate.of(tokenizer, model=model)
        markers = tuple(tokenizer.convert_tokens_to_ids(list(MARKERS)))
        return cls(model, tokenizer, template, window, padding_piece(model, tokenizer), markers, options)

    @classmethod
    def load(cls, request: PredictorRequest[RelationOptions]) -> Self:
        """Load the model of a run. Raises: UsageError, MachineError."""
        device = choose_device(request.options.device)
        model, tokenizer = load_saved_model(
            request.model_dir, AutoModelForTokenClassification, device=device, report=request.report
        )
        return cls.of(model, tokenizer, window=request.decoding["window"], options=request.options)

    @property
    def labels(self) -> list[str]:
        """Return the relations in the model's order; it has each twice, see ``logits``."""
        names = self.model.config.id2label
        return [names[number].partition(" ")[2] for number in range(len(names) // 2)]

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the relation of each text, in order, as they come in. Raises: DataError."""
        for records in in_batches(stream_records(inputs, named=["text"])):
            rows = [make_row(record) for record in records]
            for record, said in zip(records, self.judge(rows), strict=True):
                told = {name: value for name, value in said.fields.items() if name != "gold"}
                yield Prediction(fields=join_fields(record.values, told, read=["text"], gold=["relation"]))

    def score(self, file: Path) -> Result:
        """Score the model on a file with labels; the metrics begin with ``test/``. Raises: DataError."""
        rows = read_file(file, self.options)
        check_labels(rows, self.labels)
        return report_scores({"test": self.judge(rows)}, self.options.no_relation)

    def judge(self, rows: Sequence[TextRow]) -> list[Prediction]:
        """Return what the model says of each row, beside its gold label if it has one."""
        found: dict[int, list[float]] = {}
        for examples, chances in predict(
            self.model,
            self.read(rows),
            collate=self.batch,
            reduce=lambda batch: self.logits(self.model, batch).softmax(-1).tolist(),
        ):
            found |= {example.row: each for example, each in zip(examples, chances, strict=True)}
        return [self._prediction(row, found[number]) for number, row in enumerate(rows)]

    def read(self, rows: Sequence[TextRow]) -> list[TextExample]:
        """Turn rows into what the model reads: of long texts, what is nearest to the entities."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        room = self.template.room_single(self.window)
        return [
            TextExample(
                name=row.name,
                row=number,
                windows=(self.template.single(self.crop(text.pieces, room)),),
                label=numbers[row.labels[0]] if row.labels else None,
            )
            for number, (row, text) in enumerate(
                zip(rows, encode_texts(self.tokenizer, [row.text for row in rows]), strict=True)
            )
        ]

    def crop(self, pieces: Sequence[int], room: int) -> list[int]:
        """Return as many pieces as there is room for, those nearest to a marker, in their order."""
        places = [place for place, piece in enumerate(pieces) if piece in self.markers]
        nearest = sorted(range(len(pieces)), key=lambda place: min(abs(place - each) for each in places))
        return [pieces[place] for place in sorted(nearest[:room])]

    def logits(self, model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        """Return logits [texts, relations] from what the model makes of both entities' first markers.

        The model gives every piece two logits a relation, for a head and for a tail: added up they are a linear
        map of both markers' states side by side. Source: Baldini Soares et al., Matching the Blanks, 2019.
        """
        found = model(**batch.inputs).logits.float()
        heads, tails = (found[batch.inputs["input_ids"] == self.markers[number]] for number in (0, 2))
        half: int = found.shape[-1] // 2
        return heads[:, :half] + tails[:, half:]

    def batch(self, examples: Sequence[TextExample]) -> TextBatch:
        """Pad these examples, on the model's device."""
        return make_text_batch(examples, pad=self.pad, device=self.model.device)

    def _prediction(self, row: TextRow, chances: list[float]) -> Prediction:
        by_label = dict(zip(self.labels, chances, strict=True))
        relation = max(by_label, key=by_label.__getitem__)
        scores = {name: round(chance, 4) for name, chance in by_label.items()}
        fields = {"name": row.name, "text": row.text, "relation": relation, "score": scores[relation]}
        fields["scores"] = scores
        if not row.labels:
            return Prediction(fields=fields)
        gold = row.labels[0]
        return Prediction(fields={**fields, "gold": gold}, is_right=relation == gold, loss=1 - by_label[gold])
