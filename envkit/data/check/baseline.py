"""Score a model that always says the same: whatever was trained has to be better than that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from envkit.api.records import BaselineRecord
from envkit.data.check.labels import UNANSWERED, are_tags
from envkit.data.tag_schemes import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Corpus, CorpusRow


def score_baseline(corpus: Corpus) -> BaselineRecord | None:
    """Score the commonest label of train on dev and test, or on train where there is neither.

    Entity tags: O for every word. Questions: no answer, where some have none, else None.
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
    commonest = Counter(tuple(sorted(row.labels)) for row in train).most_common(1)[0][0]
    hits = {
        split: sum(tuple(sorted(row.labels)) == commonest for row in rows) for split, rows in scored.items()
    }
    return BaselineRecord(
        prediction=", ".join(commonest) or "no label",
        metrics={f"{split}/accuracy": hits[split] / len(rows) for split, rows in scored.items()},
    )


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
