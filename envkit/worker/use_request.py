"""What a worker is asked where a model is used, and the scores that it gives back."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from envkit.api.records import EnvironmentUse, ModelRecord
from envkit.worker.scores import PlainScores

RowFormat = Literal["jsonl", "csv", "conll"]
ROW_FORMATS: tuple[RowFormat, ...] = get_args(RowFormat)


class UseRequest(msgspec.Struct, frozen=True, kw_only=True, tag_field="use"):
    """What every use has: the model's folder and record, the environment it is used in, and the device."""

    model_dir: str
    model: ModelRecord
    environment: EnvironmentUse
    device: str = "auto"


class PredictRequest(UseRequest, frozen=True, kw_only=True, tag="predict"):
    """Predict on ``texts``, or on the rows of ``file`` (``-`` is standard input), and write rows as ``to`` says.

    ``text_column`` is the column of the texts in that file; None means that of the training.
    """

    texts: list[str] = []
    file: str | None = None
    format: str = "auto"
    encoding: str | None = None
    to: RowFormat = "jsonl"
    text_column: str | None = None


class ScoreRequest(UseRequest, frozen=True, kw_only=True, tag="score"):
    """Score the model on ``file``; it is read as the training's data were where nothing else is said."""

    file: str
    format: str | None = None
    encoding: str | None = None


AnyUse = PredictRequest | ScoreRequest
_decoder: msgspec.json.Decoder[AnyUse] = msgspec.json.Decoder(AnyUse)


def decode_use(content: bytes) -> AnyUse:
    """Return the request that was encoded as JSON. Raises: msgspec.DecodeError."""
    return _decoder.decode(content)


def reads_standard_input(request: AnyUse) -> bool:
    """Tell whether the rows come from standard input."""
    return request.file == "-"


class Scores(PlainScores, frozen=True, kw_only=True):
    """What a model scores on a file; ``headline`` is without its split.

    ``kept`` is how many predictions were, where that was asked.
    """

    task: str
    headline: str
    kept: int | None = None
