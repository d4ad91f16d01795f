"""Use a model that a run has saved: tag what comes in, or score it on a tagged file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForTokenClassification

from envkit.api import Inputs, Prediction, Result
from envkit.data.given_fields import join_fields
from envkit.data.spans import find_text_spans
from envkit.data.streaming import in_batches
from envkit.data.tag_schemes import OUTSIDE
from envkit.finetune.devices import choose_device
from envkit.finetune.models import longest_input
from envkit.finetune.saved_models import load_saved_model
from envkit_ner.batches import Batch, make_batch
from envkit_ner.examples import Example, make_examples
from envkit_ner.inputs import Untagged, stream_documents
from envkit_ner.read import read_known
from envkit_ner.tagging import entity_fields, score_split, scorer, tag
from envkit_ner.tokens import WordPieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import PredictorRequest, Reporter
    from envkit.data.token_rows import Sentence
    from envkit_ner.plugin import NerOptions

# Tagged together: more would keep a slow machine silent for long, fewer would fill batches with padding.
_WORDS_TOGETHER = 8192
_GOLD_NAMES = ("entities", "tags")
_NO_VALUE = "_"  # what CoNLL-U writes for an empty cell
_WORDS_KEPT = 100_000  # distinct words whose pieces are remembered while predictions stream


def load_predictor(request: PredictorRequest[NerOptions]) -> NerPredictor:
    """Load model and tokenizer. Raises: UsageError, MachineError, EnvError."""
    device = choose_device(request.options.device)
    model, tokenizer = load_saved_model(
        request.model_dir, AutoModelForTokenClassification, device=device, report=request.report
    )
    return NerPredictor(model, tokenizer, request.options, request.report)


@dataclass(frozen=True)
class NerPredictor:
    """Tags with the same windows, context and decoder as the evaluations of the model's training."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    options: NerOptions
    report: Reporter

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the tags that the model knows, by number."""
        names = self.model.config.id2label
        return tuple([names[number] for number in range(len(names))])

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the entities of each row, in the order of the rows, as they come in.

        Entities are in characters of ``text``, which is the words joined by blanks where only words came in;
        these have their tags besides. Raises: DataError.
        """
        pieces = WordPieces(self.tokenizer)
        documents = stream_documents(
            inputs,
            word_column=self.options.word_column,
            has_context=self.options.context == "document",
        )
        for batch in in_batches(documents):
            for rows in _parts(batch):
                pieces.forget(beyond=_WORDS_KEPT)
                # Rows without a word have no tags, and nothing for the model to read.
                tagged = iter(
                    self._tag([row.sentence for row in rows if row.sentence.words], pieces, "input")
                )
                for row in rows:
                    yield _prediction(row, next(tagged) if row.sentence.words else ())

    def score(self, file: Path) -> Result:
        """Score the model on a file of tagged words or spans, as the end of its training would have.

        Raises: DataError, also where the file has types of entities that the model does not know.
        """
        read = read_known(file, self.labels, self.options)
        for note in read.notes:
            self.report.say(note)
        for warning in read.warnings:
            self.report.warn(warning)
        predicted = self._tag(read.sentences, WordPieces(self.tokenizer), file.name)
        scored = score_split("test", read.sentences, predicted, file=file.name)
        return Result(
            metrics=scored.metrics,
            tables=scored.tables,
            intervals=scored.intervals,
            scorer=scorer(),
            predictions={"test": scored.predictions},
        )

    def _tag(self, sentences: Sequence[Sentence], pieces: WordPieces, file: str) -> list[tuple[str, ...]]:
        examples = make_examples(
            sentences,
            pieces,
            file=file,
            label_numbers=self.model.config.label2id,
            window=self.options.window or longest_input(self.model, self.tokenizer),
            context=self.options.context,
        )
        return tag(self.model, examples, collate=self._batch, tell=self.report.say)

    def _batch(self, examples: Sequence[Example]) -> Batch:
        return make_batch(examples, pad=self.tokenizer.pad_token_id or 0, device=self.model.device)


def _parts(documents: Iterable[Sequence[Untagged]]) -> Iterator[list[Untagged]]:
    """Yield the rows of whole documents, in parts that take a moment each."""
    rows: list[Untagged] = []
    words = 0
    for document in documents:
        size = sum(len(row.sentence.words) for row in document)
        if rows and words + size > _WORDS_TOGETHER:
            yield rows
            rows, words = [], 0
        rows += document
        words += size
    if rows:
        yield rows


def _prediction(row: Untagged, tags: tuple[str, ...]) -> Prediction:
    sentence = row.sentence
    text = sentence.full_text
    fields: dict[str, Any] = {
        "name": row.name,
        "text": text,
        "entities": entity_fields(find_text_spans(tags, sentence.full_offsets), text),
    }
    if row.has_words:
        fields |= {"tokens": list(sentence.words), "tags": list(tags)}
    read = ("text", "tokens") if row.has_words else ("text",)
    gold = [name for name in _GOLD_NAMES if name in fields]
    fields = join_fields(row.given, fields, read=read, gold=gold)
    return Prediction(fields=fields, columns=_columns(row, tags))


def _columns(row: Untagged, tags: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the row in columns, as it came where it came so, with the tags as the last of them."""
    words: Sequence[Sequence[str]] = row.columns or [(word,) for word in row.sentence.words]
    marks: list[tuple[str, ...]] = []
    for mark in row.marks:
        marks += [(*mark, OUTSIDE), ()]
    tagged = [(*(cell or _NO_VALUE for cell in cells), tag) for cells, tag in zip(words, tags, strict=True)]
    return (*marks, *tagged)
