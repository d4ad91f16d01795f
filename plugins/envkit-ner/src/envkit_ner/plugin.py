"""The task ``ner``: its options, and where its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from envkit.api import FileOptions, Meta, Request, Result, Run, Task, hookimpl

if TYPE_CHECKING:
    from envkit.api import Corpus, Predictor, PredictorRequest
    from envkit_ner.read import NerData


class NerOptions(FileOptions, frozen=True, kw_only=True):
    """The options of ``envkit run ner``."""

    dev_metrics: ClassVar[tuple[str, ...]] = (
        "entity_f1",
        "entity_precision",
        "entity_recall",
        "entity_f1_lenient",
        "token_accuracy",
        "support",
    )

    epochs: Annotated[int, Meta("Times to go through the training data.", ge=1)] = 5
    window: (
        Annotated[int, Meta("Word pieces the model reads at once. Default: as many as it can.", ge=8)] | None
    ) = None
    context: Annotated[
        Literal["sentence", "document"],
        Meta("What the model reads around a sentence: nothing, or its neighbours in the same document."),
    ] = "sentence"
    word_column: Annotated[int, Meta("Column of the words, from 1. Default: found.", ge=1)] | None = None
    tag_column: Annotated[int, Meta("Column of the tags, from 1. Default: found.", ge=1)] | None = None
    align: Annotated[
        Literal["error", "expand", "drop"],
        Meta("Spans off the borders of words: an error, widened to whole words, or left out."),
    ] = "error"


@hookimpl
def envkit_task() -> Task:
    """Describe the task."""
    return Task(options=NerOptions, headline="entity_f1")


@hookimpl
def envkit_read(request: Request[NerOptions]) -> NerData:
    """Read and check the tagged sentences."""
    from envkit_ner.read import read

    return read(request)


@hookimpl
def envkit_finetune(run: Run[NerOptions, NerData]) -> Result:
    """Fine-tune, save and score a model."""
    run.report.phase("load")  # before the import, of which torch alone takes seconds
    from envkit_ner.train import finetune

    return finetune(run)


@hookimpl
def envkit_corpus(request: Request[NerOptions]) -> Corpus:
    """Read all sentences with whatever is wrong in them."""
    from envkit_ner.corpus import read_corpus

    return read_corpus(request)


@hookimpl
def envkit_predictor(request: PredictorRequest[NerOptions]) -> Predictor:
    """Load a model that a run has saved."""
    from envkit_ner.predictor import load_predictor

    return load_predictor(request)
