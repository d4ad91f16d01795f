"""Answer questions with a model, in training's evaluations and afterwards alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envkit.api import Prediction, UsageError
from envkit.finetune.evaluation import predict
from envkit.finetune.inputs import InputTemplate
from envkit.finetune.models import longest_input
from envkit_qa.batches import Batch, make_batch
from envkit_qa.corpus import USUAL_WINDOW
from envkit_qa.decode import Decoder
from envkit_qa.examples import Cutting, make_examples
from envkit_qa.score import Rules, Score, choose_null_threshold, score, score_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.data.rows import Question
    from envkit_qa.decode import Choice, Found, Ranked
    from envkit_qa.examples import Example, Examples
    from envkit_qa.plugin import QaOptions

_LONGEST_CONTEXT = 5000  # characters of a context that are kept with a prediction
_AROUND = 500  # characters on each side of the answer that are kept of a longer one


@dataclass(frozen=True)
class Answering:
    """How questions are read and answered. ``can_be_none`` says that no answer is a choice."""

    tokenizer: PreTrainedTokenizerBase
    cutting: Cutting
    n_best: int
    can_be_none: bool
    device: torch.device

    def rules(self, questions: Sequence[Question]) -> Rules:
        """Return by the rules of which SQuAD the answers to these questions are scored."""
        has_impossible = any(not question.answers for question in questions)
        return "2.0" if self.can_be_none or has_impossible else "1.1"

    def read(self, questions: Sequence[Question], *, is_training: bool = False) -> Examples:
        """Cut questions and contexts into what the model reads."""
        return make_examples(questions, self.tokenizer, cutting=self.cutting, is_training=is_training)

    def batch(self, examples: Sequence[Example]) -> Batch:
        """Put these examples together, on the model's device."""
        return make_batch(examples, pad=self.tokenizer.pad_token_id or 0, device=self.device)

    def rank(
        self,
        model: torch.nn.Module,
        questions: Sequence[Question],
        examples: Examples,
        *,
        tokens: int | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> list[Ranked]:
        """Return the ranked answers to the questions, of which these are the examples.

        ``tokens`` bounds a batch; ``tell`` hears how far it is.
        """
        decoder = Decoder(
            n_best=self.n_best,
            max_answer_length=self.cutting.max_answer_length,
            can_be_none=self.can_be_none,
        )

        def reduce(batch: Batch) -> list[Found]:
            output: Any = model(**batch.inputs)
            return decoder.reduce(output.start_logits, output.end_logits, batch)

        for _, found in predict(
            model, examples.windows, collate=self.batch, reduce=reduce, tokens=tokens, tell=tell
        ):
            decoder.add(found)
        return decoder.rank(questions, examples.passages)

    def tune(self, ranked: Sequence[Ranked], questions: Sequence[Question]) -> float | None:
        """Return the threshold of no answer that is best for these questions; None where none is no choice."""
        if not self.can_be_none:
            return None
        # Where there is no text, there is nothing to choose.
        there = [(one, question) for one, question in zip(ranked, questions, strict=True) if one.choices]
        if not there:
            return 0.0
        return choose_null_threshold(
            [one.difference for one, _ in there],
            [score_answer(one.best, right_texts(question), rules="2.0") for one, question in there],
        )

    def score(
        self, ranked: Sequence[Ranked], questions: Sequence[Question], *, threshold: float | None
    ) -> Score:
        """Score the answers that the threshold gives."""
        return score(
            [one.answer(threshold).text for one in ranked],
            [right_texts(question) for question in questions],
            rules=self.rules(questions),
        )

    def predictions(
        self, ranked: Sequence[Ranked], questions: Sequence[Question], *, threshold: float | None
    ) -> Iterator[Prediction]:
        """Yield the answers with the right ones beside them, and how far off the model is.

        The loss is what of an F1 of 1 the alternatives, each with its probability, are expected to miss.
        """
        rules = self.rules(questions)
        for one, question in zip(ranked, questions, strict=True):
            gold = right_texts(question)
            answer = one.answer(threshold)
            alternatives = one.alternatives(most=self.n_best)
            expected = sum(
                choice.probability * score_answer(choice.text, gold, rules=rules).f1
                for choice in alternatives
            )
            fields = {
                "name": question.name,
                "id": question.id,
                "question": question.question,
                **_context_fields(question, answer),
                **answer_fields(answer, alternatives),
                "gold": list(dict.fromkeys(gold)),
            }
            yield Prediction(
                fields=fields,
                is_right=score_answer(answer.text, gold, rules=rules).exact_match == 1,
                loss=max(0.0, 1 - expected),
            )


def make_answering(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    options: QaOptions,
    *,
    can_be_none: bool,
    name: str,
) -> Answering:
    """Return how this model answers; ``name`` is what the user calls it. Raises: UsageError."""
    longest = longest_input(model, tokenizer)
    if options.window is not None and options.window > longest:
        raise UsageError(
            f"--window is {options.window}, but {name} reads at most {longest} pieces",
            hint=f"Give --window a number up to {longest}",
        )
    cutting = Cutting(
        template=InputTemplate.of(tokenizer, model=model),
        window=options.window or min(USUAL_WINDOW, longest),
        stride=options.stride,
        max_answer_length=options.max_answer_length,
    )
    return Answering(tokenizer, cutting, options.n_best, can_be_none, model.device)


def right_texts(question: Question) -> list[str]:
    """Return the texts of the right answers."""
    return [answer.text for answer in question.answers]


def answer_fields(answer: Choice, alternatives: Sequence[Choice]) -> dict[str, Any]:
    """Return an answer and its alternatives as the fields of a prediction."""
    return {
        "answer": answer.text,
        "start": answer.start,
        "score": round(answer.probability, 4),
        "nbest": [
            {"text": choice.text, "score": round(choice.probability, 4), "start": choice.start}
            for choice in alternatives
        ],
    }


def _context_fields(question: Question, answer: Choice) -> dict[str, Any]:
    """Return the context, or of a long one what is around the answers, and where that begins."""
    context = question.context
    if len(context) <= _LONGEST_CONTEXT:
        return {"context": context}
    marks = [gold.start for gold in question.answers[:1]] if answer.start is None else [answer.start]
    start = max(0, (marks[0] if marks else 0) - _AROUND)
    return {"context": context[start : start + 2 * _AROUND], "context_start": start}
