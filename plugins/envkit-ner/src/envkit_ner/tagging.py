"""Tag sentences with a model, and score the tags: the same for a training's evaluations and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from envkit.api import Prediction, Table
from envkit.data.spans import TextSpan, find_text_spans
from envkit.finetune.evaluation import predict
from envkit.finetune.intervals import bootstrap_interval
from envkit_ner.decode import Decoder
from envkit_ner.errors import count_errors
from envkit_ner.score import METRICS, Score, score

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel

    from envkit.data.token_rows import Sentence
    from envkit_ner.batches import Batch
    from envkit_ner.examples import Example


def tag(
    model: PreTrainedModel,
    examples: Sequence[Example],
    *,
    collate: Callable[[Sequence[Example]], Batch],
    tokens: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[tuple[str, ...]]:
    """Return the tags of all sentences that these are the examples of.

    ``tokens`` bounds a batch; ``tell`` hears how far it is.
    """
    names = model.config.id2label
    decoder = Decoder([names[number] for number in range(len(names))])

    def reduce(batch: Batch) -> Any:
        return decoder.reduce(model(**batch.inputs).logits, batch)

    for _, found in predict(model, examples, collate=collate, reduce=reduce, tokens=tokens, tell=tell):
        decoder.add(found)
    return decoder.tags()


@dataclass(frozen=True)
class SplitScores:
    """All that is said of one split: flat metrics and their intervals, tables, and each prediction."""

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    tables: tuple[Table, ...]
    predictions: Sequence[Prediction]


def score_split(
    split: str, sentences: Sequence[Sentence], predicted: Sequence[tuple[str, ...]], *, file: str
) -> SplitScores:
    """Score predicted tags of these sentences, which are from the file of this name."""
    gold = [sentence.tags for sentence in sentences]
    scored = score(gold, predicted)
    return SplitScores(
        metrics=scored.metrics(split),
        intervals=confidence(scored, split),
        tables=(*scored.tables(split), count_errors(gold, predicted).table(split)),
        predictions=JudgedSentences(sentences, predicted, file=file),
    )


def confidence(scored: Score, split: str) -> dict[str, tuple[float, float]]:
    """Return between which bounds the scores of this split lie with 95 % confidence, by its sentences."""
    counts = np.array(scored.sentences)
    return {f"{split}/{name}": bootstrap_interval(counts, statistic) for name, statistic in METRICS.items()}


def scorer() -> str:
    """Say what computes the scores."""
    return f"envkit-ner {version('envkit-ner')}, whole entities as IOB2 defines them"


class JudgedSentences(Sequence[Prediction]):
    """What a model found in sentences whose entities are known; each prediction is made when it is asked for.

    It is right where all tags are; its loss is the number of words with a wrong tag.
    """

    def __init__(
        self, sentences: Sequence[Sentence], predicted: Sequence[tuple[str, ...]], *, file: str
    ) -> None:
        self._sentences = sentences
        self._predicted = predicted
        self._file = file

    def __len__(self) -> int:
        return len(self._sentences)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Prediction]: ...

    def __getitem__(self, index: int | slice) -> Prediction | Sequence[Prediction]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        sentence, tags = self._sentences[index], self._predicted[index]
        wrong = sum(gold != found for gold, found in zip(sentence.tags, tags, strict=True))
        text, offsets = sentence.full_text, sentence.full_offsets
        return Prediction(
            fields={
                "name": f"{self._file}:{sentence.line}",
                "text": text,
                "entities": entity_fields(find_text_spans(tags, offsets), text),
                "gold": entity_fields(find_text_spans(sentence.tags, offsets), text),
            },
            columns=tuple(zip(sentence.words, tags, strict=True)),
            is_right=wrong == 0,
            loss=float(wrong),
        )


def entity_fields(spans: Sequence[TextSpan], text: str) -> list[dict[str, Any]]:
    """Return entities as JSON has them: first character, the one behind the last, type and text."""
    return [
        {"start": span.start, "end": span.end, "label": span.label, "text": text[span.start : span.end]}
        for span in spans
    ]
