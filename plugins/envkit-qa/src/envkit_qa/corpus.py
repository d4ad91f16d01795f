"""Tell of the questions and contexts what can be said before a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import Corpus, CorpusRow, Problem
from envkit.data.squad import QuestionFile, scan_questions
from envkit_qa.read import cut_dev_paragraphs, cut_note, find_files

if TYPE_CHECKING:
    from envkit.api import Request
    from envkit.data.rows import Question
    from envkit_qa.plugin import QaOptions

USUAL_WINDOW = 384  # pieces, as in the scripts of BERT


def read_corpus(request: Request[QaOptions]) -> Corpus:
    """Return the questions of all files, cut as a run cuts, and what is wrong in them. Raises: DataError."""
    options = request.options
    files = find_files(options)
    splits: dict[str, list[CorpusRow]] = {}
    notes: list[str] = []
    problems: list[Problem] = []
    for split, file in (("train", files.train), ("dev", files.dev), ("test", files.test)):
        if file is not None:
            found = scan_questions(file, format=options.format, encoding=options.encoding)
            splits[split] = [_row(question) for question in found.questions]
            notes += found.notes
            problems += found.problems
            if split == "train":
                problems += _unlearnable(found)
                if files.dev is None and len(found.questions) > 1:
                    kept, dev = cut_dev_paragraphs(found.questions, seed=options.seed)
                    splits |= {"train": list(map(_row, kept)), "dev": list(map(_row, dev))}
                    notes.append(cut_note(dev, found.questions))
    return Corpus(
        splits=splits,
        labelled="question",
        notes=notes,
        problems=problems,
        window=options.window or USUAL_WINDOW,
    )


def _row(question: Question) -> CorpusRow:
    texts = (question.question, question.context)
    return CorpusRow(question.name, texts, ("answerable" if question.answers else "impossible",), texts)


def _unlearnable(found: QuestionFile) -> list[Problem]:
    if any(question.answers for question in found.questions):
        return []
    return [
        Problem(
            level="error",
            message="no question has an answer: there is nothing to learn",
            place=found.file.name,
            hint='Give answers as they stand in the context: "answers": [{"text": "Ada", "answer_start": 0}]',
        )
    ]
