"""Find the files to train, choose and score on, and cut a part for choosing where none is given."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from envkit.api import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.api import Options

RowT = TypeVar("RowT")

_STEMS = {"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)}


@dataclass(frozen=True)
class SplitFiles:
    """The file of each split; None where there is none."""

    train: Path
    dev: Path | None = None
    test: Path | None = None


def find_splits(options: Options) -> SplitFiles | None:
    """Return the files that the options name, or None where they name no data.

    ``--data`` names one file to train on, or a folder with ``train.*`` and, if there,
    ``dev.*`` (or ``valid.*``, ``validation.*``) and ``test.*``. Raises: DataError.
    """
    if options.data is None:
        return None if options.train is None else SplitFiles(options.train, options.dev, options.test)
    if not options.data.is_dir():
        return SplitFiles(options.data)
    train = _find_split(options.data, "train")
    if train is None:
        there = ", ".join(sorted(entry.name for entry in options.data.iterdir())[:8])
        only = f", only {there}" if there else ", which is empty"
        raise DataError(
            f"there is no file train.* in this folder{only}",
            file=options.data,
            hint="Name the files: --train FILE --dev FILE --test FILE",
        )
    return SplitFiles(train, _find_split(options.data, "dev"), _find_split(options.data, "test"))


def cut_dev(rows: Sequence[RowT], *, seed: int, share: float = 0.1) -> tuple[list[RowT], list[RowT]]:
    """Return the rows to train on and the ``share`` (a fraction, at least one row) cut off by the seed.

    Both keep the order of the rows. Raises: DataError for fewer than two rows.
    """
    if len(rows) < 2:
        raise DataError(
            "there is one row to train on, expected at least two: one is cut off to choose by",
            hint="Give more rows, or a file to choose by: --dev FILE",
        )
    number = min(max(1, round(len(rows) * share)), len(rows) - 1)
    chosen = set(random.Random(seed).sample(range(len(rows)), number))
    train = [row for index, row in enumerate(rows) if index not in chosen]
    return train, [rows[index] for index in sorted(chosen)]


def _find_split(folder: Path, split: str) -> Path | None:
    stems = _STEMS[split]
    found = sorted(
        entry
        for entry in folder.iterdir()
        if (entry.suffix and entry.stem in stems or entry.name in stems)
        and not entry.name.endswith("~")
        and entry.is_file()
    )
    if len(found) > 1:
        named = " and ".join(entry.name for entry in found)
        raise DataError(
            f"{named} could all be the file for {split}, expected one",
            file=folder,
            hint=f"Name the one to use: --train FILE{'' if split == 'train' else f' --{split} FILE'}",
        )
    return found[0] if found else None
