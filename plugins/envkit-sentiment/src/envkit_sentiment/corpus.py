"""Give all rows of the data to be looked over, with what is wrong in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import Corpus, CorpusRow, DataError, Problem
from envkit.data.cut.dev import describe_cut
from envkit.data.splits import find_splits
from envkit_sentiment.read import SAMPLE, cut_dev, labels_of, read_file, unknown_label, with_levels
from envkit_sentiment.scale import Scale, read_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Request
    from envkit.data.rows import TextRow
    from envkit_sentiment.plugin import SentimentOptions


def read_corpus(request: Request[SentimentOptions]) -> Corpus:
    """Read every split, cut as a run cuts; a label that means nothing is a problem here, and stays as it is.

    Raises: DataError.
    """
    options = request.options
    files = find_splits(options) or SAMPLE
    found = {
        split: read_file(file, options)
        for split, file in (("train", files.train), ("dev", files.dev), ("test", files.test))
        if file is not None
    }
    problems = [
        Problem(level="warning", message=warning)
        for of_split in found.values()
        for warning in of_split.warnings
    ]
    notes = list(found["train"].notes)
    scale = None
    try:
        scale = read_scale(labels_of(found["train"].rows), kind=options.scale, given=options.labels)
        notes.append(scale.describe())
    except DataError as error:
        first = found["train"].rows[0].name if found["train"].rows else str(files.train)
        problems.append(Problem(level="error", message=error.message, place=first, hint=error.hint or ""))
    splits = {split: _rows(of_split.rows, scale) for split, of_split in found.items()}
    if scale is not None:
        for of_split in found.values():
            problems += _unknown(of_split.rows, scale)
        if files.dev is None:
            try:
                kept, dev = cut_dev(with_levels(found["train"].rows, scale), seed=options.seed)
            except DataError as error:
                problems.append(Problem(level="error", message=error.message, hint=error.hint or ""))
            else:
                notes.append(describe_cut(dev, found["train"].rows))
                splits = {"train": _rows(kept, scale), "dev": _rows(dev, scale)} | {
                    split: rows for split, rows in splits.items() if split != "train"
                }
    return Corpus(
        splits=splits,
        labelled="text",
        notes=notes,
        problems=problems,
        window=options.window,
        is_cut=options.long_text != "window",
        has_usual_window=True,
    )


def _rows(rows: Sequence[TextRow], scale: Scale | None) -> list[CorpusRow]:
    levels = [scale.level_of(row.labels[0]) if scale else None for row in rows]
    return [
        CorpusRow(
            name=row.name,
            texts=(row.text,) if row.pair is None else (row.text, row.pair),
            labels=(level or row.labels[0],),
        )
        for row, level in zip(rows, levels, strict=True)
    ]


def _unknown(rows: Sequence[TextRow], scale: Scale) -> list[Problem]:
    """Return a problem for each label that the training data lacks."""
    by_label: dict[str, list[TextRow]] = {}
    for row in rows:
        if scale.level_of(row.labels[0]) is None:
            by_label.setdefault(row.labels[0], []).append(row)
    return [
        Problem(
            level="error",
            message=unknown_label(of_label, scale),
            place=of_label[0].name,
            count=len(of_label),
            hint="Mend the labels, or add texts with them to the training data",
        )
        for of_label in by_label.values()
    ]
