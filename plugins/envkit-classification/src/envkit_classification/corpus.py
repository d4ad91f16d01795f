"""All labelled texts, to be looked over before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import Corpus, CorpusRow, Problem
from envkit.data.cut.dev import describe_cut
from envkit_classification.read import cut_dev, describe_sameness, find_files, find_labels, read_file

if TYPE_CHECKING:
    from envkit.api import Request
    from envkit.data.rows import TextRow
    from envkit.data.texts import TextFile
    from envkit_classification.plugin import ClassificationOptions


def read_corpus(request: Request[ClassificationOptions]) -> Corpus:
    """Read the files that a run would read, cut as there, and say what is wrong with them. Raises: DataError."""
    options = request.options
    files = find_files(options)
    train = read_file(files.train, options)
    labels = find_labels(train.rows)
    found = {"train": train} | {
        split: read_file(file, options, known=labels)
        for split, file in (("dev", files.dev), ("test", files.test))
        if file is not None
    }
    is_multi_label = train.has_many if options.multi_label is None else options.multi_label
    problems = [
        Problem(level="warning", message=warning) for file in found.values() for warning in file.warnings
    ]
    if not is_multi_label:
        problems += [problem for file in found.values() for problem in _not_single(file)]
    if len({frozenset(row.labels) for row in train.rows}) < 2:
        problems.append(
            Problem(
                level="error",
                message=describe_sameness(labels),
                place=train.rows[0].name,
                count=len(train.rows),
                hint="Name the column that holds the labels: --label-column NAME",
            )
        )
    notes = [note for file in found.values() for note in file.notes]
    rows = {split: file.rows for split, file in found.items()}
    if files.dev is None and not any(problem.level == "error" for problem in problems):
        kept, dev = cut_dev(train.rows, seed=options.seed)
        notes.append(describe_cut(dev, train.rows))
        rows = {"train": kept, "dev": dev} | {split: each for split, each in rows.items() if split != "train"}
    return Corpus(
        splits={split: [_row(row) for row in of_split] for split, of_split in rows.items()},
        notes=notes,
        problems=problems,
        window=options.window,
        is_cut=options.long_text != "window",
        has_usual_window=True,
    )


def _row(row: TextRow) -> CorpusRow:
    return CorpusRow(row.name, (row.text,) if row.pair is None else (row.text, row.pair), row.labels)


def _not_single(file: TextFile) -> list[Problem]:
    """Return what is wrong with the rows that have not one label, where every text is to have one."""
    several = [row for row in file.rows if len(row.labels) > 1]
    none = [row for row in file.rows if not row.labels]
    return [
        Problem(
            level="error",
            message=message,
            place=rows[0].name,
            count=len(rows),
            hint="If a text may have any number of labels: --multi-label",
        )
        for rows, message in (
            (several, "texts with several labels, expected one"),
            (none, "texts without a label"),
        )
        if rows
    ]
