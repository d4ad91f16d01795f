"""Make questions of flat rows: ``id``, ``question``, ``context`` and answers, which are checked in the context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from envkit.api import DataError, Problem
from envkit.data.json_records import kind_of
from envkit.data.rows import Answer, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE = (
    'A row reads: {"id": "1", "question": "Who?", "context": "Ada did.", '
    '"answers": {"text": ["Ada"], "answer_start": [0]}}'
)
_TRUE = (True, 1, "true", "True", "TRUE", "1", "yes")


class _Broken(ValueError):
    """A row that cannot be understood."""


def make_question(row: Mapping[str, Any], *, name: str) -> Question:
    """Return the question of a row to be answered, whatever answers it has. Raises: DataError.

    ``name`` says where the row is from; what stands behind its last colon is the id of a row without one.
    """
    try:
        context, text, identifier = _string(row, "context"), _string(row, "question"), _identifier(row)
    except _Broken as error:
        raise DataError(f"{name}: {error}", hint=_EXAMPLE) from error
    return Question(
        id=identifier or name.rpartition(":")[2],
        question=text,
        context=context,
        answers=(),
        name=name,
        paragraph=0,
    )


class QuestionCollector:
    """Takes the rows of one file, and keeps its questions and what is wrong with them.

    ``name`` is the file's, with which the names of the questions begin.
    """

    def __init__(self, name: str, *, needs_answers: bool = True) -> None:
        self.questions: list[Question] = []
        self._name = name
        self._needs_answers = needs_answers
        self._contexts: dict[str, int] = {}
        self._ids: set[str] = set()
        self._problems: dict[str, Problem] = {}
        self._located = 0  # answers without an offset that were found

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return the first problem of each kind, with the count of all of its kind; errors come first."""
        return tuple(sorted(self._problems.values(), key=lambda problem: problem.level != "error"))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what was found out, for the user."""
        if not self._located:
            return ()
        return (f"{self._name}: {self._located} answers without answer_start were found in their contexts",)

    def add(self, row: Any, *, where: str) -> None:
        """Take a row that stands at this place of its file: a line, or an id."""
        try:
            question = self._question(row, where)
        except _Broken as error:
            self.refuse(str(error), where=where)
            return
        if question is not None:
            self.questions.append(question)

    def refuse(self, message: str, *, where: str) -> None:
        """Take note of what is broken at this place."""
        self._find("error", message, where, kind="broken", hint=_EXAMPLE)

    def _question(self, row: Any, where: str) -> Question | None:
        if not isinstance(row, Mapping):
            raise _Broken(f"expected an object with 'question' and 'context', found {kind_of(row)}")
        context, text, identifier = _string(row, "context"), _string(row, "question"), _identifier(row)
        answers = self._answers(row, context, where) if self._needs_answers else ()
        if not text.strip():
            self._find("warning", "the question is empty", where)
        if not context.strip():
            self._find("warning", "the context is empty: no answer can stand in it", where)
            if self._needs_answers:
                return None
        if answers is None:
            return None
        return Question(
            id=self._identify(identifier, where),
            question=text,
            context=context,
            answers=answers,
            name=f"{self._name}:{where}",
            paragraph=self._contexts.setdefault(context, len(self._contexts)),
        )

    def _identify(self, identifier: str | None, where: str) -> str:
        known = identifier or where
        if known in self._ids:
            self._find(
                "warning",
                f"the id {known!r} stands twice: a scorer that goes by id counts one of the questions",
                where,
                kind="twice",
                hint="Give each question an id of its own",
            )
        self._ids.add(known)
        return known

    def _answers(self, row: Mapping[str, Any], context: str, where: str) -> tuple[Answer, ...] | None:
        """Return the answers, none for an impossible question; None where the question cannot be used."""
        said = row.get("is_impossible")
        said = None if said == "" else said  # an empty cell of a table
        given = list(_given(row))
        there = [(text, start) for text, start in given if text.strip()]
        if said in _TRUE:
            if there:
                self._find(
                    "warning", "it is said to be impossible and has answers: taken as impossible", where
                )
            return ()
        if not given and said is None and not _has_answers(row):
            raise _Broken(
                "there is no 'answers': give them, an empty list where there is none in the context"
            )
        if not there:
            # SQuAD v2 says outright what is impossible, flat rows by giving no answers alone.
            if said is None or given:
                return ()
            self._find("warning", "it is said to be possible and has no answer: left out", where)
            return None
        found = [
            answer
            for number, (text, start) in enumerate(there, start=1)
            if (answer := self._locate(text, start, context, where, number)) is not None
        ]
        if not found:
            self._find(
                "warning", "none of its answers stands in the context: the question is left out", where
            )
            return None
        return tuple(found)

    def _locate(self, text: str, start: int | None, context: str, where: str, number: int) -> Answer | None:
        """Return the answer as it stands in the context; None, with a warning, where that is not known."""
        if start is not None and start >= 0 and context.startswith(text, start):
            return Answer(text, start)
        text = text if text in context else text.strip()
        times = context.count(text)
        said = "has no answer_start" if start is None else f"is not at its answer_start {start}"
        if times == 1:
            if start is None:
                self._located += 1
            else:
                self._find(
                    "warning",
                    f"answer {number} {said}; it stands once in the context and was taken from there",
                    where,
                    kind="moved",
                    hint="Count answer_start in characters, from 0",
                )
            return Answer(text, context.index(text))
        stands = f"stands {times} times in the context" if times else "is not in the context"
        self._find(
            "warning",
            f"answer {number} {said} and {stands}: left out",
            where,
            kind="ambiguous" if times else "absent",
            hint="Count answer_start in characters, from 0, and give the answer as it stands in the context",
        )
        return None

    def _find(
        self,
        level: Literal["error", "warning"],
        message: str,
        where: str,
        *,
        kind: str | None = None,
        hint: str = "",
    ) -> None:
        first = self._problems.get(kind or message)
        self._problems[kind or message] = Problem(
            level=level,
            message=message if first is None else first.message,
            place=f"{self._name}:{where}" if first is None else first.place,
            count=1 if first is None else first.count + 1,
            hint=hint,
        )


def _has_answers(row: Mapping[str, Any]) -> bool:
    return row.get("answers") is not None or row.get("answer") is not None


def _given(row: Mapping[str, Any]) -> Iterator[tuple[str, int | None]]:
    """Yield text and offset of the answers, in whichever of the usual shapes they are. Raises: _Broken."""
    answers = row.get("answers") if row.get("answers") is not None else row.get("answer")
    if answers is None:
        return
    if isinstance(answers, str):
        answers = {"text": answers, "answer_start": row.get("answer_start")}
    if isinstance(answers, Mapping):
        answers = _pairs(answers)
    if not isinstance(answers, list):
        raise _Broken(f"expected 'answers' to be a list or an object, found {kind_of(answers)}")
    for answer in answers:
        if isinstance(answer, str):
            answer = {"text": answer}
        if not isinstance(answer, Mapping) or not isinstance(answer.get("text"), str):
            found = answer.get("text") if isinstance(answer, Mapping) else answer
            raise _Broken(f"expected each answer to have a string 'text', found {kind_of(found)}")
        yield answer["text"], _offset(answer.get("answer_start", answer.get("start")))


def _pairs(answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a list of answers for an object of two lists, or of one text and one offset. Raises: _Broken."""
    texts = answers.get("text", [])
    starts = answers.get("answer_start", answers.get("start"))
    if isinstance(texts, str):
        texts, starts = [texts], [starts]
    if not isinstance(texts, list):
        raise _Broken(f"expected 'text' of the answers to be a list of strings, found {kind_of(texts)}")
    if starts is None:
        starts = [None] * len(texts)
    if not isinstance(starts, list) or len(starts) != len(texts):
        number = len(starts) if isinstance(starts, list) else kind_of(starts)
        raise _Broken(f"there are {len(texts)} texts of answers, but {number} for their 'answer_start'")
    return [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)]


def _offset(value: Any) -> int | None:
    """Return an offset, None for what is none: null, not a number, as tables without a value hold it."""
    if isinstance(value, str):
        digits = value.strip().removesuffix(".0")
        return int(digits) if digits.isascii() and digits.isdecimal() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if float(value).is_integer() else None


def _identifier(row: Mapping[str, Any]) -> str | None:
    value = row.get("id")
    if not isinstance(value, str | int | None) or isinstance(value, bool):
        raise _Broken(f"expected 'id' to be a string, found {kind_of(value)}")
    return None if value is None else str(value)


def _string(row: Mapping[str, Any], key: str) -> str:
    if row.get(key) is None:
        there = ", ".join(map(repr, list(row)[:8])) or "nothing"
        raise _Broken(f"{key!r} is null" if key in row else f"there is no {key!r}; the object has {there}")
    value = row[key]
    if not isinstance(value, str):
        raise _Broken(f"expected {key!r} to be a string, found {kind_of(value)}")
    return value
