"""The task ``relation``: its options, and where its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from envkit.api import FileOptions, Meta, Request, Result, Run, Task, hookimpl

if TYPE_CHECKING:
    from envkit.api import Corpus, Predictor, PredictorRequest
    from envkit_relation.read import RelationData


class RelationOptions(FileOptions, frozen=True, kw_only=True):
    """The options of ``envkit run relation``."""

    dev_metrics: ClassVar[tuple[str, ...]] = ("micro_f1", "precision", "recall", "support")

    epochs: Annotated[int, Meta("Times to go through the training data.", ge=1)] = 10
    no_relation: Annotated[str, Meta("The label of pairs without a relation, which scores leave out.")] = (
        "no_relation"
    )
    window: (
        Annotated[int, Meta("Word pieces the model reads at once. Default: what it was trained on.", ge=8)]
        | None
    ) = None


@hookimpl
def envkit_task() -> Task:
    """Describe the task."""
    return Task(options=RelationOptions, headline="micro_f1")


@hookimpl
def envkit_read(request: Request[RelationOptions]) -> RelationData:
    """Read and check the texts with two entities."""
    from envkit_relation.read import read

    return read(request)


@hookimpl
def envkit_finetune(run: Run[RelationOptions, RelationData]) -> Result:
    """Fine-tune, save and score a model."""
    run.report.phase("load")  # before the import, of which torch alone takes seconds
    from envkit_relation.train import finetune

    return finetune(run)


@hookimpl
def envkit_corpus(request: Request[RelationOptions]) -> Corpus:
    """Read all texts with whatever is wrong in them."""
    from envkit_relation.corpus import read_corpus

    return read_corpus(request)


@hookimpl
def envkit_predictor(request: PredictorRequest[RelationOptions]) -> Predictor:
    """Load a model that a run has saved."""
    from envkit_relation.predictor import RelationPredictor

    return RelationPredictor.load(request)
