"""The task ``seq2seq``: its options, and where its work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from envkit.api import FileOptions, Meta, Request, Result, Run, Task, hookimpl

if TYPE_CHECKING:
    from envkit.api import Corpus, Predictor, PredictorRequest
    from envkit_seq2seq.read import Seq2seqData

SMALL = "small"


class Seq2seqOptions(FileOptions, frozen=True, kw_only=True):
    """The options of ``envkit run seq2seq``."""

    dev_metrics: ClassVar[tuple[str, ...]] = ("exact_match", "character_error", "support")

    model: Annotated[
        str, Meta("Model to start from: small (made from nothing), or an encoder-decoder's folder or name.")
    ] = SMALL
    epochs: Annotated[int, Meta("Times to go through the training data.", ge=1)] = 20
    label_smoothing: Annotated[
        float, Meta("Share of the target that is spread over all pieces.", ge=0, lt=1)
    ] = 0.0
    dropout: Annotated[float, Meta("Share that the small model drops while it learns.", ge=0, lt=1)] = 0.0
    beams: Annotated[int, Meta("Texts that are written at once, the best of which counts.", ge=1)] = 1
    longest: Annotated[int, Meta("Pieces to write at most.", ge=1)] = 64
    window: (
        Annotated[int, Meta("Word pieces the model reads at once. Default: what it was trained on.", ge=8)]
        | None
    ) = None

    def __post_init__(self) -> None:
        """Refuse options that contradict each other. Raises: ValueError."""
        super().__post_init__()
        if self.peft != "none":
            raise ValueError("--peft is for models that read; this task trains the whole model: leave it out")


@hookimpl
def envkit_task() -> Task:
    """Describe the task."""
    return Task(options=Seq2seqOptions, headline="exact_match", own_models=(SMALL,))


@hookimpl
def envkit_read(request: Request[Seq2seqOptions]) -> Seq2seqData:
    """Read and check the texts and what they are to become."""
    from envkit_seq2seq.read import read

    return read(request)


@hookimpl
def envkit_finetune(run: Run[Seq2seqOptions, Seq2seqData]) -> Result:
    """Train, save and score a model."""
    run.report.phase("load")  # before the import, of which torch alone takes seconds
    from envkit_seq2seq.train import finetune

    return finetune(run)


@hookimpl
def envkit_corpus(request: Request[Seq2seqOptions]) -> Corpus:
    """Read all texts with whatever is wrong in them."""
    from envkit_seq2seq.corpus import read_corpus

    return read_corpus(request)


@hookimpl
def envkit_predictor(request: PredictorRequest[Seq2seqOptions]) -> Predictor:
    """Load a model that a run has saved."""
    from envkit_seq2seq.predictor import Seq2seqPredictor

    return Seq2seqPredictor.load(request)
