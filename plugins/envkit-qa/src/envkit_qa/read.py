"""Read the questions to train, choose and score on, and refuse what could not be learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.splits import SplitFiles, cut_dev, find_splits
from envkit.data.squad import QuestionFile, read_questions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Request
    from envkit.data.rows import Question
    from envkit_qa.plugin import QaOptions

SAMPLE_DIR = Path(__file__).parent / "sample"


@dataclass(frozen=True)
class QaData:
    """Questions with their contexts and answers; ``dev`` chooses the model and is scored, ``test`` is scored once.

    ``has_impossible`` says that some questions of train or dev have no answer in their context.
    """

    train: tuple[Question, ...]
    dev: tuple[Question, ...]
    test: tuple[Question, ...]
    has_impossible: bool


def find_files(options: QaOptions) -> SplitFiles:
    """Return the files that the options name, or those of the sample. Raises: DataError."""
    files = find_splits(options)
    return files or SplitFiles(*(SAMPLE_DIR / f"{split}.json" for split in ("train", "dev", "test")))


def read(request: Request[QaOptions]) -> QaData:
    """Read what the options name, or the shipped sample where they name nothing. Raises: DataError."""
    options, report = request.options, request.report
    if find_splits(options) is None:
        report.say(
            "No data given: this run uses the small sample of made-up places and persons that comes with envkit-qa"
        )
    files = find_files(options)
    train = _read(files.train, request)
    kept: Sequence[Question] = train.questions
    if not any(question.answers for question in kept):
        raise DataError(
            "no question has an answer: there is nothing to learn",
            file=files.train,
            hint='Give answers as they stand in the context: "answers": [{"text": "Ada", "answer_start": 0}]',
        )
    if files.dev is None:
        kept, dev = cut_dev_paragraphs(kept, seed=options.seed)
        report.say(cut_note(dev, train.questions))
    else:
        dev = list(_read(files.dev, request).questions)
    test = () if files.test is None else _read(files.test, request).questions
    impossible = sum(not question.answers for question in kept)
    has_none = f" ({impossible} have no answer)" if impossible else ""
    report.say(f"{len(kept)} questions to train on{has_none}, {len(dev)} dev, {len(test)} test")
    return QaData(
        train=tuple(kept),
        dev=tuple(dev),
        test=test,
        has_impossible=train.has_impossible or any(not question.answers for question in dev),
    )


def cut_dev_paragraphs(questions: Sequence[Question], *, seed: int) -> tuple[list[Question], list[Question]]:
    """Return the questions to train on and those cut off by the seed, whole contexts of them.

    Where there is one context alone, its questions are divided. Raises: DataError for fewer than two questions.
    """
    paragraphs = sorted({question.paragraph for question in questions})
    if len(paragraphs) < 2:
        return cut_dev(questions, seed=seed)
    kept = set(cut_dev(paragraphs, seed=seed)[0])
    return (
        [question for question in questions if question.paragraph in kept],
        [question for question in questions if question.paragraph not in kept],
    )


def cut_note(dev: Sequence[Question], questions: Sequence[Question]) -> str:
    """Say how many of the questions were cut off."""
    return f"No dev data given: {len(dev)} of {len(questions)} training questions, cut by the seed"


def _read(file: Path, request: Request[QaOptions]) -> QuestionFile:
    found = read_questions(file, format=request.options.format, encoding=request.options.encoding)
    for note in found.notes:
        request.report.say(note)
    for warning in found.warnings:
        request.report.warn(warning)
    return found
