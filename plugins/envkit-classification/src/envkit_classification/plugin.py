"""The task ``classification``: its options, and where its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from envkit.api import (
    Corpus,
    Meta,
    Predictor,
    PredictorRequest,
    Request,
    Result,
    Run,
    Task,
    TextOptions,
    hookimpl,
)

if TYPE_CHECKING:
    from envkit_classification.read import ClassificationData


class ClassificationOptions(TextOptions, frozen=True, kw_only=True):
    """The options of ``envkit run classification``."""

    dev_metrics: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "micro_f1", "matthews", "support")

    multi_label: (
        Annotated[bool, Meta("A text has any number of labels. Default: found, lists of labels say so.")]
        | None
    ) = None
    label_part: Annotated[
        Literal["all", "first", "last"],
        Meta(
            "Part of a label like LOC:city to learn: all of it, what is before the first colon, or after the last."
        ),
    ] = "all"
    long_text: Annotated[
        Literal["window", "head-tail", "truncate"],
        Meta("What is read of texts longer than the window: all, in windows; both ends; or the beginning."),
    ] = "window"
    window: (
        Annotated[
            int,
            Meta("Word pieces the model reads at once. Default: what it can, or was trained on.", ge=8),
        ]
        | None
    ) = None
    class_weights: Annotated[
        Literal["none", "balanced"],
        Meta("How much a text counts: each the same, or so that all classes weigh the same together."),
    ] = "none"
    label_smoothing: Annotated[
        float, Meta("Share of each target that is spread over all labels.", ge=0, lt=1)
    ] = 0.0
    focal_gamma: Annotated[
        float, Meta("Focal loss: how much less a text counts that the model is sure of; 0 is off.", ge=0)
    ] = 0.0


@hookimpl
def envkit_task() -> Task:
    """Describe the task."""
    return Task(options=ClassificationOptions, headline="accuracy")


@hookimpl
def envkit_read(request: Request[ClassificationOptions]) -> ClassificationData:
    """Read and check the labelled texts."""
    from envkit_classification.read import read

    return read(request)


@hookimpl
def envkit_finetune(run: Run[ClassificationOptions, ClassificationData]) -> Result:
    """Fine-tune, save and score a model."""
    run.report.phase("load")  # before the import, of which torch alone takes seconds
    from envkit_classification.train import finetune

    return finetune(run)


@hookimpl
def envkit_corpus(request: Request[ClassificationOptions]) -> Corpus:
    """Read all rows to look them over."""
    from envkit_classification.corpus import read_corpus

    return read_corpus(request)


@hookimpl
def envkit_predictor(request: PredictorRequest[ClassificationOptions]) -> Predictor:
    """Load a model that was fine-tuned here."""
    from envkit_classification.predictor import ClassificationPredictor

    return ClassificationPredictor.load(request)
