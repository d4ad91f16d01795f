"""Tell the documents of a file apart, and cut them where whole ones are needed."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.splits import cut_dev

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.data.token_rows import Sentence


def find_documents(sentences: Sequence[Sentence]) -> list[range]:
    """Return the documents as ranges of sentences, which stand in the order of their file."""
    documents: list[range] = []
    for _, numbers in groupby(range(len(sentences)), key=lambda number: sentences[number].document):
        members = list(numbers)
        documents.append(range(members[0], members[-1] + 1))
    return documents


def check_documents(sentences: Sequence[Sentence], *, file: Path) -> None:
    """Refuse a file of several sentences that are all of one document. Raises: DataError.

    Such a file has no marks, or one at its top that some converters leave: its neighbours may be strangers
    (many files are shuffled), and a model that is shown strangers as context learns to distrust all of it.
    """
    if len(sentences) > 1 and len({sentence.document for sentence in sentences}) == 1:
        raise DataError(
            f"its {len(sentences)} sentences are not divided into documents, which --context document needs",
            file=file,
            hint="Put a line -DOCSTART- before each document (columns only; JSONL has no such mark), "
            "or give --context sentence",
        )


def cut_dev_documents(
    sentences: Sequence[Sentence], *, seed: int, share: float = 0.1
) -> tuple[list[Sentence], list[Sentence]]:
    """Return the sentences to train on and those of the ``share`` of documents cut off by the seed.

    Single sentences cut off would stand without their neighbours, and leave gaps among the others.
    Raises: DataError for fewer than two documents.
    """
    documents = [[sentences[number] for number in document] for document in find_documents(sentences)]
    train, dev = cut_dev(documents, seed=seed, share=share)
    return [one for document in train for one in document], [one for document in dev for one in document]
