"""Count the word pieces of rows with a model's own tokenizer, without torch or transformers."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.api import CorpusRow

TOKENIZER_FILE = "tokenizer.json"
MODEL_RECORD = "envkit.json"  # what a run writes beside its model
SENTENCE_FILE = "sentence_bert_config.json"  # sentence-transformers'
_TEXTS_AT_ONCE = 2000  # enough for all threads; what is kept of them at once stays small
_USUAL_WINDOW = 512
_NO_LIMIT = 10**6  # what tokenizers state that know no limit


@dataclass(frozen=True)
class PieceCounts:
    """The pieces of each row, special ones included, and how many of all of them are the unknown piece."""

    lengths: list[int]
    unknown: int

    @property
    def unknown_share(self) -> float:
        """Return the share of unknown pieces, a fraction of 1."""
        return self.unknown / max(1, sum(self.lengths))


class PieceCounter(Protocol):
    """Whatever counts the pieces that a model makes of texts."""

    @property
    def model(self) -> str:
        """Return the name of the model."""

    @property
    def window(self) -> int:
        """Return how many pieces the model reads at once, special ones included."""

    @property
    def usual_window(self) -> int:
        """Return how many of them the model was trained on, as far as its folder says so."""

    def count(self, rows: Sequence[tuple[str, ...]]) -> PieceCounts:
        """Count the pieces of these texts, or pairs of texts."""


@dataclass(frozen=True)
class TokenizerCounter:
    """Count with the tokenizer that lies beside a model. Texts are counted whole, each distinct one once."""

    model: str
    window: int
    usual_window: int
    tokenizer: Any

    def count(self, rows: Sequence[tuple[str, ...]]) -> PieceCounts:
        """Count the pieces of these texts, or pairs of texts."""
        texts = list(dict.fromkeys(text for row in rows for text in row))
        lengths: dict[str, int] = {}
        unknown: dict[str, int] = {}  # of the few texts that have any
        unknown_piece = _unknown_piece(self.tokenizer)
        encode = getattr(self.tokenizer, "encode_batch_fast", self.tokenizer.encode_batch)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = texts[start : start + _TEXTS_AT_ONCE]
            for text, encoding in zip(part, encode(part, add_special_tokens=False), strict=True):
                lengths[text] = len(encoding)
                if unknown_piece is not None and (found := encoding.ids.count(unknown_piece)):
                    unknown[text] = found
        special = [self.tokenizer.num_special_tokens_to_add(is_pair) for is_pair in (False, True)]
        return PieceCounts(
            [sum(lengths[text] for text in row) + special[len(row) > 1] for row in rows],
            sum(unknown.get(text, 0) for row in rows for text in row) if unknown else 0,
        )


class Counting:
    """Pieces of all splits that are being counted, in a thread of their own."""

    def __init__(self, counter: PieceCounter, splits: Mapping[str, Sequence[CorpusRow]]) -> None:
        self._counter = counter
        self._splits = splits
        self._counts: dict[str, PieceCounts] = {}
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._count, daemon=True)

    @classmethod
    def start(cls, counter: PieceCounter, splits: Mapping[str, Sequence[CorpusRow]]) -> Counting:
        """Begin to count."""
        counting = cls(counter, splits)
        counting._thread.start()
        return counting

    def result(self) -> dict[str, PieceCounts]:
        """Wait for the counts, and return those of each split. Raises: what ended the counting."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._counts

    def _count(self) -> None:
        try:
            for split, rows in self._splits.items():
                self._counts[split] = self._counter.count([row.texts for row in rows])
        except BaseException as error:  # noqa: BLE001 - raised again where the counts are used
            self._error = error


def open_counter(model_dir: Path, *, model: str) -> TokenizerCounter | None:
    """Return what counts with the tokenizer of a model's folder; None where there is no fast tokenizer.

    None as well where the running interpreter lacks the library ``tokenizers``, or it cannot read the file.
    """
    file = model_dir / TOKENIZER_FILE
    if not file.is_file() or not has_tokenizers():
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception:  # noqa: BLE001 - the library raises Exception itself, for a file of a newer version
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    usual_window = read_window(model_dir, is_usual=True)
    return TokenizerCounter(model, read_window(model_dir), usual_window, tokenizer)


def has_tokenizers() -> bool:
    """Tell whether the running interpreter has the library ``tokenizers``, which is not imported."""
    return find_spec("tokenizers") is not None


def read_window(model_dir: Path, *, is_usual: bool = False) -> int:
    """Return how many pieces the model of this folder reads at once, from what its files state.

    ``is_usual`` asks for no more than it was trained on: what tasks read that label whole texts.
    """
    config, settings = _read(model_dir / "config.json"), _read(model_dir / "tokenizer_config.json")
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and config.get("model_type") in _COUNTS_FROM_PADDING:
        positions -= int(config.get("pad_token_id") or 0) + 1
    longest = min(_limits(positions, settings.get("model_max_length")), default=_USUAL_WINDOW)
    return min(longest, read_trained_window(model_dir) or longest) if is_usual else longest


def read_trained_window(model_dir: Path) -> int | None:
    """Return how many pieces at once the model of this folder was trained on; None where it does not say.

    Models of envkit's say it of themselves, sentence models beside their weights. Of the two limits that the
    latter state the smaller one counts: all-MiniLM-L6-v2 allows 256 pieces and was trained on 128, as its card
    and its tokenizer's truncation say. Reviews of IMDB in windows of 256 it had not begun to learn after 48
    steps (loss 0.70), in windows of 128 it had (0.33; at half the learning rate 0.40; one run each).
    """
    decoding = _read(model_dir / MODEL_RECORD).get("decoding")
    own = _limits(decoding.get("window")) if isinstance(decoding, dict) else []
    if own or not (model_dir / SENTENCE_FILE).is_file():
        return min(own, default=None)
    cut_at = _read_truncation(model_dir / TOKENIZER_FILE).get("max_length")
    return min(_limits(_read(model_dir / SENTENCE_FILE).get("max_seq_length"), cut_at), default=None)


class _Cutting(msgspec.Struct):
    """What is read of a tokenizer's file, most of which is its vocabulary."""

    truncation: dict[str, Any] | None = None


def _read_truncation(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Cutting).truncation or {}
    except (OSError, msgspec.DecodeError):
        return {}


def _limits(*stated: Any) -> list[int]:
    """Return those of the stated numbers of pieces that are limits at all."""
    return [int(limit) for limit in stated if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT]


# RoBERTa and its kin count positions from behind the padding's.
_COUNTS_FROM_PADDING = frozenset(
    {"camembert", "longformer", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl"}
)


def _unknown_piece(tokenizer: Any) -> int | None:
    name = getattr(tokenizer.model, "unk_token", None)
    number = getattr(tokenizer.model, "unk_id", None) if name is None else tokenizer.token_to_id(name)
    return number if isinstance(number, int) else None


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
