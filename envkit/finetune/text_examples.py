"""Texts with one label, or one set of labels, as the loops of text tasks work on them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy
import torch

from envkit.finetune.evaluation import most_tokens
from envkit.finetune.first_position import first_position_alone
from envkit.finetune.inputs import Encoded, InputTemplate, encode_texts
from envkit.finetune.long_texts import LongText, cut_text, lost_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transformers import PreTrainedTokenizerBase

    from envkit.data.rows import TextRow


@dataclass(frozen=True, slots=True)
class TextExample:
    """A text as the model reads it: one input, or several windows of a long one.

    ``row`` is its number among the rows it was made from; ``label`` a class number, a number for each
    label, or None. ``length`` counts the pieces of its text or texts, ``lost`` those in no window.
    """

    name: str
    row: int
    windows: tuple[Encoded, ...]
    label: Any = None
    length: int = 0
    lost: int = 0

    @property
    def pieces(self) -> tuple[int, ...]:
        """Return the pieces of all windows, one after the other: what the model computes on."""
        if len(self.windows) == 1:
            return self.windows[0].pieces
        return tuple(chain.from_iterable(window.pieces for window in self.windows))

    @property
    def items(self) -> int:
        """Return 1: a text is one item, however long."""
        return 1


@dataclass(frozen=True)
class TextBatch:
    """Examples as tensors: ``inputs`` [windows, pieces], what the model is called with.

    ``owners`` [windows] is each window's example, by number and in order; ``labels`` [examples] of class
    numbers (int64) or [examples, labels] (float32), None where examples have none; ``tokens`` counts real
    pieces.
    """

    inputs: dict[str, torch.Tensor]
    owners: torch.Tensor
    labels: Any
    tokens: int
    size: int  # examples


def make_text_examples(
    rows: Sequence[TextRow],
    tokenizer: PreTrainedTokenizerBase,
    *,
    template: InputTemplate,
    window: int,
    long_text: LongText = "window",
    label_of: Callable[[TextRow], Any] | None = None,
) -> list[TextExample]:
    """Turn rows into examples, in their order; ``label_of`` gives the label as a batch is to hold it."""
    texts = [row.text for row in rows] + [row.pair for row in rows if row.pair is not None]
    encoded = encode_texts(tokenizer, texts)
    seconds = iter(encoded[len(rows) :])
    examples = []
    for number, (row, one) in enumerate(zip(rows, encoded[: len(rows)], strict=True)):
        first, second = one.pieces, None if row.pair is None else next(seconds).pieces
        lengths = (len(first), None if second is None else len(second))
        examples.append(
            TextExample(
                name=row.name,
                row=number,
                windows=cut_text(first, second, template=template, window=window, long_text=long_text),
                label=None if label_of is None else label_of(row),
                length=len(first) + (lengths[1] or 0),
                lost=lost_pieces(*lengths, template=template, window=window, long_text=long_text),
            )
        )
    return examples


def describe_long_texts(
    examples: Sequence[TextExample], *, window: int, long_text: LongText = "window"
) -> str | None:
    """Say what becomes of the texts that are longer than the window; None where there are none."""
    lost = sum(example.lost for example in examples)
    if lost:
        share = lost / sum(example.length for example in examples)
        texts = sum(example.lost > 0 for example in examples)
        return (
            f"--long-text {long_text} leaves out {lost:,} pieces ({share:.1%}), of {texts:,} of "
            f"{len(examples):,} texts; --long-text window reads all"
        )
    long = sum(len(example.windows) > 1 for example in examples)
    if long:
        return f"{long:,} of {len(examples):,} texts are longer than {window} pieces: read in windows, nothing lost"
    return None


def make_text_batch(examples: Sequence[TextExample], *, pad: int, device: torch.device) -> TextBatch:
    """Pad these examples on the right, with the piece ``pad``."""
    windows = [window for example in examples for window in example.windows]
    # All rows at once: a tensor a row costs ten times as much.
    lengths = numpy.array([len(window.pieces) for window in windows])
    is_real = numpy.arange(max(1, lengths.max())) < lengths[:, None]
    inputs = {
        "input_ids": _fill(is_real, [window.pieces for window in windows], blank=pad),
        "attention_mask": is_real.astype(numpy.int64),
    }
    if any(window.types is not None for window in windows):
        types = [window.types or (0,) * len(window.pieces) for window in windows]
        inputs["token_type_ids"] = _fill(is_real, types, blank=0)
    owners = numpy.repeat(numpy.arange(len(examples)), [len(example.windows) for example in examples])
    return TextBatch(
        inputs={name: torch.from_numpy(array).to(device) for name, array in inputs.items()},
        owners=torch.from_numpy(owners).to(device),
        labels=_labels(examples, device),
        tokens=int(lengths.sum()),
        size=len(examples),
    )


def pooled_logits(model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
    """Return the logits of each example [examples, labels]: the mean over its windows, in float32 or better."""
    logits = _window_logits(model, batch.inputs)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if len(batch.owners) == batch.size:
        return logits
    # As a product, whose order of adding up is fixed, which that of index_add is not on a GPU.
    is_of = torch.arange(batch.size, device=logits.device)[:, None] == batch.owners
    of_each = is_of.to(logits.dtype)
    return (of_each / of_each.sum(1, keepdim=True)) @ logits


def _window_logits(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the logits of all windows [windows, labels]; where nothing is learned, a few windows at a time.

    A text may be a book: its windows are one row, which no batch divides.
    """
    count, width = inputs["input_ids"].shape
    at_once = count if torch.is_grad_enabled() else max(1, most_tokens(inputs["input_ids"].device) // width)
    with first_position_alone(model):
        parts = [
            model(**{name: values[begin : begin + at_once] for name, values in inputs.items()}).logits
            for begin in range(0, count, at_once)
        ]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _labels(examples: Sequence[TextExample], device: torch.device) -> Any:
    if any(example.label is None for example in examples):
        return None
    labels = numpy.array([example.label for example in examples])
    kind = numpy.int64 if labels.ndim == 1 and labels.dtype.kind in "iub" else numpy.float32
    return torch.from_numpy(labels.astype(kind)).to(device)


def _fill(is_real: Any, rows: Sequence[Sequence[int]], *, blank: int) -> Any:
    """Return the numbers of the rows [rows, longest], with ``blank`` where there is none."""
    filled = numpy.full(is_real.shape, blank, dtype=numpy.int64)
    filled[is_real] = numpy.fromiter(chain.from_iterable(rows), dtype=numpy.int64)
    return filled
