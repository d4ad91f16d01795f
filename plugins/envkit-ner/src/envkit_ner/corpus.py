"""Read all sentences leniently, so that the data can be looked over before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import Corpus, CorpusRow, DataError, Problem
from envkit.data.faults import count_kinds
from envkit_ner.documents import check_documents
from envkit_ner.read import (
    SAMPLE_DIR,
    SAMPLE_NOTE,
    cut_dev_sentences,
    cut_note,
    find_files,
    find_labels,
    find_unknown,
    nothing_to_learn,
    read_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envkit.api import Request
    from envkit.data.token_rows import Sentence, TaggedFile
    from envkit_ner.plugin import NerOptions


def read_corpus(request: Request[NerOptions]) -> Corpus:
    """Return the sentences as a run would split them, and what is wrong with them.

    The labels are one tag a word, in IOB2. Raises: DataError where a file cannot be read at all.
    """
    options = request.options
    files = find_files(options)
    notes = [SAMPLE_NOTE] if files.train.parent == SAMPLE_DIR else []
    given = {"train": files.train, "dev": files.dev, "test": files.test}
    read = {
        split: read_file(file, options, is_lenient=True) for split, file in given.items() if file is not None
    }
    problems = [problem for tagged in read.values() for problem in tagged.problems]
    notes += [note for tagged in read.values() for note in tagged.notes]
    if options.context == "document":
        problems += [problem for tagged in read.values() for problem in _documents(tagged)]
    train = read["train"]
    labels = find_labels(train.sentences)
    if len(labels) == 1:
        problems.append(_problem(nothing_to_learn(train), train.file))
    for split in read.keys() - {"train"}:
        unknown = count_kinds(find_unknown(read[split], labels))
        problems += [fault.problem(read[split].file) for fault in unknown if len(labels) > 1]
    splits = {split: _rows(tagged.sentences, tagged.file) for split, tagged in read.items()}
    if "dev" not in read:
        try:
            kept, cut = cut_dev_sentences(train.sentences, options)
        except DataError as error:
            problems.append(_problem(error, train.file))
        else:
            notes.append(cut_note(cut, train.sentences))
            parts = {"train": _rows(kept, train.file), "dev": _rows(cut, train.file)}
            splits = parts | {split: rows for split, rows in splits.items() if split != "train"}
    return Corpus(splits=splits, labelled="word", notes=notes, problems=problems, window=options.window)


def _rows(sentences: Iterable[Sentence], file: Path) -> list[CorpusRow]:
    return [
        CorpusRow(
            name=f"{file.name}:{sentence.line}",
            texts=(" ".join(sentence.words),),
            labels=sentence.tags,
            key=sentence.words,
        )
        for sentence in sentences
    ]


def _documents(tagged: TaggedFile) -> list[Problem]:
    try:
        check_documents(tagged.sentences, file=tagged.file)
    except DataError as error:
        return [_problem(error, tagged.file)]
    return []


def _problem(error: DataError, file: Path) -> Problem:
    """Return an error of the whole file as a problem, which names the file itself."""
    return Problem(
        level="error",
        message=error.message.removeprefix(f"{file}: "),
        place=file.name,
        hint=error.hint or "",
    )
