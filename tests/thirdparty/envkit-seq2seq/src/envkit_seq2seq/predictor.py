"""Use a model: rewritten texts, the same way in the training's evaluations and afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from transformers import AutoModelForSeq2SeqLM

from envkit.api import Prediction
from envkit.data.given_fields import join_fields
from envkit.data.streaming import in_batches, stream_records
from envkit.finetune.devices import choose_device
from envkit.finetune.evaluation import predict
from envkit.finetune.inputs import InputTemplate, encode_texts, padding_piece
from envkit.finetune.saved_models import load_saved_model
from envkit_seq2seq.examples import Batch, Example, make_batch
from envkit_seq2seq.read import make_row, read_file
from envkit_seq2seq.score import count_changes, report_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Inputs, PredictorRequest, Result
    from envkit.data.rows import TextRow
    from envkit_seq2seq.plugin import Seq2seqOptions


@dataclass(frozen=True)
class Seq2seqPredictor:
    """A model, and how it reads texts: ``window`` pieces at most, padded with the piece ``pad``."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    template: InputTemplate
    window: int
    pad: int
    options: Seq2seqOptions

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        window: int,
        options: Seq2seqOptions,
    ) -> Self:
        """Return what this model predicts with."""
        template = InputTemplate.of(tokenizer, model=model)
        return cls(model, tokenizer, template, window, padding_piece(model, tokenizer), options)

    @classmethod
    def load(cls, request: PredictorRequest[Seq2seqOptions]) -> Self:
        """Load the model of a run. Raises: UsageError, MachineError."""
        device = choose_device(request.options.device)
        model, tokenizer = load_saved_model(
            request.model_dir, AutoModelForSeq2SeqLM, device=device, report=request.report
        )
        return cls.of(model, tokenizer, window=request.decoding["window"], options=request.options)

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield what each text becomes, in order, as they come in. Raises: DataError."""
        for records in in_batches(stream_records(inputs, named=["text"])):
            rows = [make_row(record) for record in records]
            for record, said in zip(records, self.judge(rows), strict=True):
                told = {name: value for name, value in said.fields.items() if name != "gold"}
                yield Prediction(fields=join_fields(record.values, told, read=["text"], gold=["target"]))

    def score(self, file: Path) -> Result:
        """Score the model on a file with targets; the metrics begin with ``test/``. Raises: DataError."""
        return report_scores({"test": self.judge(read_file(file, self.options))})

    def judge(self, rows: Sequence[TextRow]) -> list[Prediction]:
        """Return what the model makes of each row, beside its gold text if it has one."""
        found: dict[int, str] = {}
        for examples, texts in predict(
            self.model, self.read(rows), collate=self.batch, reduce=lambda batch: self.write(batch)
        ):
            found |= {example.row: text for example, text in zip(examples, texts, strict=True)}
        return [self._prediction(row, found[number]) for number, row in enumerate(rows)]

    def read(self, rows: Sequence[TextRow]) -> list[Example]:
        """Turn rows into what the model reads, cut at the window, and what it is to write."""
        room = self.template.room_single(self.window)
        texts = encode_texts(self.tokenizer, [row.text for row in rows])
        targets = encode_texts(self.tokenizer, [row.labels[0] if row.labels else "" for row in rows])
        return [
            Example(
                name=row.name,
                row=number,
                source=self.template.single(text.pieces[:room]).pieces,
                target=(*target.pieces[: self.longest - 1], self.model.config.eos_token_id),
            )
            for number, (row, text, target) in enumerate(zip(rows, texts, targets, strict=True))
        ]

    @property
    def longest(self) -> int:
        """Return how many pieces are written at most, the end included."""
        return min(self.options.longest, self.window)

    def batch(self, examples: Sequence[Example]) -> Batch:
        """Pad these examples, on the model's device."""
        begin = self.model.config.decoder_start_token_id
        return make_batch(examples, pad=self.pad, begin=begin, device=self.model.device)

    def write(self, batch: Batch) -> list[str]:
        """Return the text that the model writes for each example."""
        written = self.model.generate(
            **batch.source, num_beams=self.options.beams, max_new_tokens=self.longest, do_sample=False
        )
        return [str(text) for text in self.tokenizer.batch_decode(written, skip_special_tokens=True)]

    def _prediction(self, row: TextRow, written: str) -> Prediction:
        fields = {"name": row.name, "text": row.text, "target": written}
        if not row.labels:
            return Prediction(fields=fields)
        gold = row.labels[0]
        loss = count_changes(gold, written) / len(gold)
        return Prediction(fields={**fields, "gold": gold}, is_right=written == gold, loss=loss)
