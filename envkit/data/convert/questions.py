"""Write questions, so that ``read_questions`` reads from it what it read before."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.data.rows import Question

QUESTION_FORMATS = ("squad", "jsonl")


def write_questions(questions: Sequence[Question], *, to: str, has_impossible: bool) -> str:
    """Return the questions as ``squad`` (v2 where some have no answer, else v1.1) or ``jsonl``, a line each."""
    if to == "jsonl":
        return "".join(msgspec.json.encode(_line(question)).decode() + "\n" for question in questions)
    paragraphs = [
        _paragraph(list(group), has_impossible)
        for _, group in groupby(questions, key=lambda question: (question.paragraph, question.context))
    ]
    document = {
        "version": "v2.0" if has_impossible else "1.1",
        "data": [{"title": "", "paragraphs": paragraphs}],
    }
    return msgspec.json.encode(document).decode() + "\n"


def _line(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "context": question.context,
        "question": question.question,
        "answers": {
            "text": [answer.text for answer in question.answers],
            "answer_start": [answer.start for answer in question.answers],
        },
    }


def _paragraph(questions: Sequence[Question], has_impossible: bool) -> dict[str, Any]:
    return {
        "context": questions[0].context,
        "qas": [
            {
                "id": question.id,
                "question": question.question,
                "answers": [
                    {"text": answer.text, "answer_start": answer.start} for answer in question.answers
                ],
                **({"is_impossible": not question.answers} if has_impossible else {}),
            }
            for question in questions
        ],
    }
