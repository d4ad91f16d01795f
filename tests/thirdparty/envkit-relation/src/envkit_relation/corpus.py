"""All labelled texts, to be looked over before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import Corpus, CorpusRow
from envkit_relation.read import read

if TYPE_CHECKING:
    from envkit.api import Request
    from envkit_relation.plugin import RelationOptions


def read_corpus(request: Request[RelationOptions]) -> Corpus:
    """Read the files as a run would, cut as there. Raises: DataError."""
    data = read(request)
    splits = {"train": data.train, "dev": data.dev, "test": data.test}
    return Corpus(
        splits={
            split: [CorpusRow(row.name, (row.text,), row.labels) for row in rows]
            for split, rows in splits.items()
            if rows
        },
        window=request.options.window,
        is_cut=True,
        has_usual_window=True,
    )
