"""Cut the rows to choose a model by off the texts to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.data.cut.copies import copy_keys, plain_text, stratify_texts
from envkit.data.cut.stratify import Shares

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from envkit.data.rows import TextRow

SHARED_TEXTS = (
    "There are too few different texts to keep copies together: dev holds texts that are trained on, so that its "
    "scores say little. Give more texts, or --dev FILE"
)


def cut_texts(
    rows: Sequence[TextRow], keys: Sequence[Hashable], *, seed: int, share: float
) -> tuple[tuple[TextRow, ...], tuple[TextRow, ...]]:
    """Return the rows to train on and those of dev, every key with its ``share``, copies of a text together.

    Both keep the order of the rows. Where each key has one text alone its copies are divided, which
    ``share_texts`` tells. Raises: UsageError for fewer than two rows.
    """
    texts = copy_keys([row.text if row.pair is None else f"{row.text} {row.pair}" for row in rows])
    splits = stratify_texts(keys, texts, Shares(dev=share), seed=seed)
    train, dev = (
        tuple(row for row, other in zip(rows, splits, strict=True) if other == split)
        for split in ("train", "dev")
    )
    return train, dev


def describe_cut(dev: Sequence[TextRow], rows: Sequence[TextRow]) -> str:
    """Say how many of the rows were cut off."""
    return f"No dev data given: {len(dev)} of {len(rows)} training texts, cut by the seed"


def share_texts(one: Sequence[TextRow], other: Sequence[TextRow]) -> bool:
    """Tell whether some text stands in both, case and blanks aside."""
    there = {plain_text(row.text, row.pair) for row in one}
    return any(plain_text(row.text, row.pair) in there for row in other)
