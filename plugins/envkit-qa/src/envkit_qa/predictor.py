"""Use a model: answer new questions as the evaluations of its training did, and score it on questions with answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transformers import AutoModelForQuestionAnswering

from envkit.api import DataError, Prediction, Result
from envkit.data.given_fields import join_fields
from envkit.data.question_rows import make_question
from envkit.data.squad import is_squad, read_questions
from envkit.data.streaming import in_batches, stream_records
from envkit.data.text import STANDARD_INPUT
from envkit.finetune.devices import choose_device
from envkit.finetune.saved_models import load_saved_model
from envkit_qa.answering import answer_fields, make_answering
from envkit_qa.train import confidence, describe_scorer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel

    from envkit.api import Inputs, PredictorRequest, Reporter
    from envkit.data.rows import Question
    from envkit.data.streaming import Record
    from envkit_qa.answering import Answering
    from envkit_qa.plugin import QaOptions

_AT_ONCE = 32  # questions, each of which may have many windows
_READ = frozenset({"id", "question", "context"})
_HINT = 'Give JSON as {"question": "…", "context": "…"}, SQuAD, or on the command line: QUESTION CONTEXT'


@dataclass(frozen=True)
class Asked:
    """A question as it came in, and the other fields of its row, which go through unchanged."""

    question: Question
    others: Mapping[str, Any]


@dataclass(frozen=True)
class QaPredictor:
    """A model that is loaded, how it answers, and the threshold of no answer (None: it always answers)."""

    model: PreTrainedModel
    answering: Answering
    threshold: float | None
    options: QaOptions
    report: Reporter

    def predict(self, inputs: Inputs) -> Iterator[Prediction]:
        """Yield the answer to each question, in order, as they come in. Raises: DataError."""
        for asked in in_batches(ask(inputs), most=_AT_ONCE):
            questions = [one.question for one in asked]
            examples = self.answering.read(questions)
            for name in examples.cut_questions:
                self.report.warn(
                    f"{name}: the question is longer than the {self.answering.cutting.question_room} pieces that "
                    "a window has for it, and is read without its end"
                )
            ranked = self.answering.rank(self.model, questions, examples)
            for one, answers in zip(asked, ranked, strict=True):
                told = {
                    "name": one.question.name,
                    "id": one.question.id,
                    "question": one.question.question,
                    **answer_fields(
                        answers.answer(self.threshold),
                        answers.alternatives(most=self.answering.n_best),
                    ),
                }
                yield Prediction(fields=join_fields(one.others, told, gold=("answer",)))

    def score(self, file: Path) -> Result:
        """Score the model on a file with answers, as on test data at the end of its training. Raises: DataError."""
        found = read_questions(file, format=self.options.format, encoding=self.options.encoding)
        for warning in found.warnings:
            self.report.warn(warning)
        questions = found.questions
        examples = self.answering.read(questions)
        ranked = self.answering.rank(self.model, questions, examples, tell=self.report.say)
        scored = self.answering.score(ranked, questions, threshold=self.threshold)
        predictions = self.answering.predictions(ranked, questions, threshold=self.threshold)
        return Result(
            metrics=scored.metrics("test"),
            tables=scored.tables("test"),
            intervals=confidence(scored, "test"),
            scorer=describe_scorer({"test": scored.rules}),
            predictions={"test": list(predictions)},
        )


def load_predictor(request: PredictorRequest[QaOptions]) -> QaPredictor:
    """Load the model of a run. Raises: UsageError where its folder does not hold it."""
    device = choose_device(request.options.device)
    model, tokenizer = load_saved_model(
        request.model_dir, AutoModelForQuestionAnswering, device=device, report=request.report
    )
    threshold = request.decoding.get("null_threshold")
    can_be_none = bool(request.decoding.get("can_be_none", threshold is not None))
    answering = make_answering(
        model, tokenizer, request.options, can_be_none=can_be_none, name=str(request.model_dir)
    )
    return QaPredictor(model, answering, threshold, request.options, request.report)


def ask(inputs: Inputs) -> Iterator[Asked]:
    """Yield the questions of the inputs: typed ones, each with its context behind it, or those of a file.

    Raises: DataError.
    """
    if inputs.file is None:
        yield from _ask_typed(inputs.texts)
        return
    file, format = inputs.file, inputs.format
    is_whole = format == "squad" or (
        format in ("auto", "json") and file != STANDARD_INPUT and is_squad(file, encoding=inputs.encoding)
    )
    if is_whole:
        found = read_questions(file, format=format, encoding=inputs.encoding, needs_answers=False)
        for question in found.questions:
            yield Asked(question, {})
        return
    for record in stream_records(inputs):
        yield _ask_record(record)


def _ask_typed(texts: Sequence[str]) -> Iterator[Asked]:
    if len(texts) % 2:
        raise DataError(
            f"{len(texts)} texts were given, expected a context behind each question",
            hint='Quote both: envkit predict RUN "Who wrote it?" "Ada wrote it in Turin."',
        )
    for number in range(0, len(texts), 2):
        row = {"question": texts[number], "context": texts[number + 1]}
        yield Asked(make_question(row, name=f"text:{number // 2 + 1}"), {})


def _ask_record(record: Record) -> Asked:
    values = record.values
    if set(values) == {"1", "2"}:  # a table of two columns without a header
        values = {"question": values["1"], "context": values["2"]}
    if "question" not in values and "data" in values:
        raise DataError(
            f"{record.name}: this is SQuAD, expected a question a line",
            hint="To read SQuAD from standard input: --format squad",
        )
    if "question" not in values or "context" not in values:
        there = ", ".join(map(repr, list(values)[:8])) or "nothing"
        raise DataError(f"{record.name}: there is no question with a context, only {there}", hint=_HINT)
    others = {key: value for key, value in values.items() if key not in _READ}
    return Asked(make_question(values, name=record.name), others)
