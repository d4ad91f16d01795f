"""The task ``sentiment``: its options, and where its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from envkit.api import (
    DEFAULT_MODEL,
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
    from envkit_sentiment.read import SentimentData

CNN_LSTM = "cnn-lstm"
OF_RATINGS = ("qwk", "mae")  # metrics that need more than polarities


class SentimentOptions(TextOptions, frozen=True, kw_only=True):
    """The options of ``envkit run sentiment``."""

    dev_metrics: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", *OF_RATINGS, "support")

    model: Annotated[
        str,
        Meta(
            "Model to start from: a folder, or a name on the model hub; cnn-lstm trains a small one from "
            "nothing, without pretrained weights."
        ),
    ] = DEFAULT_MODEL
    aspect_column: (
        Annotated[str, Meta("Column of what the text is judged about, read with it. Default: none.")] | None
    ) = None
    scale: Annotated[
        Literal["auto", "polarity", "ordinal"],
        Meta("What the labels are: negative, neutral, positive; or steps of a rating. auto tells by them."),
    ] = "auto"
    labels: (
        Annotated[
            str,
            Meta('What each label means: "0=negative,1=positive", or numbers: "bad=1,good=2".'),
        ]
        | None
    ) = None
    long_text: Annotated[
        Literal["window", "head-tail", "truncate"],
        Meta("Of a text longer than the window: read it all in windows, its two ends, or its beginning."),
    ] = "window"
    window: (
        Annotated[
            int,
            Meta("Word pieces the model reads at once. Default: what it can, or was trained on.", ge=8),
        ]
        | None
    ) = None
    class_weights: Annotated[
        Literal["none", "balanced"], Meta("Whether rare labels weigh more in the loss.")
    ] = "none"

    def __post_init__(self) -> None:
        """Refuse options that contradict each other. Raises: ValueError."""
        super().__post_init__()
        if self.aspect_column is not None and self.pair_column not in (None, self.aspect_column):
            raise ValueError(
                "--aspect-column and --pair-column both name what is read with the text: give one"
            )
        if self.model == CNN_LSTM:
            self._refuse_pretrained_only()

    def _refuse_pretrained_only(self) -> None:
        for flag, is_given in (
            ("--peft", self.peft != "none"),
            ("--freeze", self.freeze != "none"),
            ("--layer-decay", self.layer_decay != 1.0),
        ):
            if is_given:
                raise ValueError(f"{flag} is for a pretrained model, and --model is cnn-lstm: leave one out")

    @property
    def second_column(self) -> str | None:
        """Return the column that is read with the text, if there is one."""
        return self.aspect_column if self.aspect_column is not None else self.pair_column


@hookimpl
def envkit_task() -> Task:
    """Describe the task."""
    return Task(options=SentimentOptions, headline="accuracy", own_models=(CNN_LSTM,))


@hookimpl
def envkit_read(request: Request[SentimentOptions]) -> SentimentData:
    """Read and check the texts, and tell what their labels mean."""
    from envkit_sentiment.read import read

    return read(request)


@hookimpl
def envkit_finetune(run: Run[SentimentOptions, SentimentData]) -> Result:
    """Fine-tune, save and score a model."""
    run.report.phase("load")  # before the import, of which torch alone takes seconds
    from envkit_sentiment.train import finetune

    return finetune(run)


@hookimpl
def envkit_corpus(request: Request[SentimentOptions]) -> Corpus:
    """Read all rows, with what is wrong in them."""
    from envkit_sentiment.corpus import read_corpus

    return read_corpus(request)


@hookimpl
def envkit_predictor(request: PredictorRequest[SentimentOptions]) -> Predictor:
    """Load a model to use it."""
    from envkit_sentiment.predictor import SentimentPredictor

    return SentimentPredictor.load(request)
