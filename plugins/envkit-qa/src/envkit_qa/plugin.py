"""The task ``qa``: its options, and where its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from envkit.api import (
    Corpus,
    FileOptions,
    Meta,
    Predictor,
    PredictorRequest,
    Request,
    Result,
    Run,
    Task,
    hookimpl,
)

if TYPE_CHECKING:
    from envkit_qa.read import QaData


class QaOptions(FileOptions, frozen=True, kw_only=True):
    """The options of ``envkit run qa``."""

    dev_metrics: ClassVar[tuple[str, ...]] = (
        "f1",
        "exact_match",
        "has_answer_f1",
        "no_answer_accuracy",
        "support",
    )

    epochs: Annotated[int, Meta("Times to go through the training data.", ge=1)] = 3
    window: (
        Annotated[
            int,
            Meta(
                "Word pieces of question and context that the model reads at once. Default: 384, or as many as it can.",
                ge=16,
            ),
        ]
        | None
    ) = None
    stride: Annotated[
        int, Meta("Pieces of a context that two neighbouring windows share, as far as there is room.", ge=0)
    ] = 128
    max_answer_length: Annotated[int, Meta("Longest answer, in word pieces.", ge=1)] = 30
    n_best: Annotated[int, Meta("How many answers to a question are given, the best first.", ge=1)] = 5
    null_threshold: (
        Annotated[
            float,
            Meta(
                "No answer is given where none scores higher than the best by more than this. "
                "Default: tuned on dev, where questions without an answer are in the data."
            ),
        ]
        | None
    ) = None


@hookimpl
def envkit_task() -> Task:
    """Describe the task."""
    return Task(options=QaOptions, headline="f1")


@hookimpl
def envkit_read(request: Request[QaOptions]) -> QaData:
    """Read and check questions, contexts and answers."""
    from envkit_qa.read import read

    return read(request)


@hookimpl
def envkit_corpus(request: Request[QaOptions]) -> Corpus:
    """Read all questions with what is wrong in them."""
    from envkit_qa.corpus import read_corpus

    return read_corpus(request)


@hookimpl
def envkit_finetune(run: Run[QaOptions, QaData]) -> Result:
    """Fine-tune, save and score a model."""
    run.report.phase("load")  # before the import, of which torch alone takes seconds
    from envkit_qa.train import finetune

    return finetune(run)


@hookimpl
def envkit_predictor(request: PredictorRequest[QaOptions]) -> Predictor:
    """Load a model that answers questions."""
    from envkit_qa.predictor import load_predictor

    return load_predictor(request)
