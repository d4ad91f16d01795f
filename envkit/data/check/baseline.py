"""Score a model that always says the same: whatever was trained has to be better than that."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING

from envkit.api.records import BaselineRecord
from envkit.data.check.labels import UNANSWERED, are_tags
from envkit.data.tag_schemes import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Corpus, CorpusRow


def score_baseline(corpus: Corpus) -> BaselineRecord | None:
    """Score the commonest label of train on dev and test, or on train where there is neither.

    Texts with any number of labels: those with the best micro F1 on train. Entity tags: O for every word.
    Questions: no answer, where some have none, else None.
    """
    train = corpus.splits.get("train", ())
    scored = {split: rows for split, rows in corpus.splits.items() if split != "train" and rows}
    scored = scored or ({"train": train} if train else {})
    if not train:
        return None
    if corpus.labelled == "word":
        return _words(corpus, train, scored)
    if corpus.labelled == "question":
        return _questions(scored)
    if any(len(row.labels) != 1 for rows in corpus.splits.values() for row in rows):
        return _any_number(train, scored)
    commonest = _count(train).most_common(1)[0][0]
    return BaselineRecord(
        prediction=commonest,
        metrics={f"{split}/accuracy": _count(rows)[commonest] / len(rows) for split, rows in scored.items()},
    )


def _any_number(train: Sequence[CorpusRow], scored: dict[str, Sequence[CorpusRow]]) -> BaselineRecord:
    ordered = _count(train).most_common()
    # Of all sets of one size, the commonest labels have the best micro F1.
    hits = list(accumulate((count for _, count in ordered), initial=0))
    size = max(range(len(hits)), key=lambda each: _micro_f1(hits[each], each * len(train), hits[-1]))
    said = [label for label, _ in ordered[:size]]
    metrics: dict[str, float] = {}
    for split, rows in scored.items():
        counts = _count(rows)
        found = sum(counts[label] for label in said)
        metrics[f"{split}/micro_f1"] = _micro_f1(found, size * len(rows), counts.total())
        metrics[f"{split}/accuracy"] = sum(set(row.labels) == set(said) for row in rows) / len(rows)
    return BaselineRecord(prediction=", ".join(said) or "no label", metrics=metrics)


def _micro_f1(hits: int, predicted: int, there: int) -> float:
    """Return 2 TP / (2 TP + FP + FN): of the labels predicted, and of those that are there, so many are both."""
    return 2 * hits / max(1, predicted + there)


def _words(
    corpus: Corpus, train: Sequence[CorpusRow], scored: dict[str, Sequence[CorpusRow]]
) -> BaselineRecord:
    tags = are_tags(corpus)
    commonest = OUTSIDE if tags else _count(train).most_common(1)[0][0]
    metrics: dict[str, float] = {}
    for split, rows in scored.items():
        counts = _count(rows)
        metrics[f"{split}/token_accuracy"] = counts[commonest] / max(1, counts.total())
        if tags:
            metrics[f"{split}/entity_f1"] = 0.0  # who names no entity finds none
    return BaselineRecord(prediction=commonest, metrics=metrics)


def _questions(scored: dict[str, Sequence[CorpusRow]]) -> BaselineRecord | None:
    shares = {
        split: sum(UNANSWERED in row.labels for row in rows) / len(rows) for split, rows in scored.items()
    }
    if not any(shares.values()):
        return None
    return BaselineRecord(
        prediction="no answer", metrics={f"{split}/f1": share for split, share in shares.items()}
    )


def _count(rows: Sequence[CorpusRow]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row.labels)
    return counts
