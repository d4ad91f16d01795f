"""Find the files to train, choose and score on, and cut a part for choosing where none is given."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from envkit.api import DataError, TextOptions
from envkit.data.folders import is_class_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.api import Options

RowT = TypeVar("RowT")

_STEMS = {"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)}
_PACKED = ".gz"
# As exports in Parquet name their parts: train-00000-of-00001.parquet.
_PART = re.compile(r"-\d+-of-\d+$")


@dataclass(frozen=True)
class SplitFiles:
    """The file of each split; None where there is none."""

    train: Path
    dev: Path | None = None
    test: Path | None = None


def find_splits(options: Options) -> SplitFiles | None:
    """Return the files that the options name, or None where they name no data.

    ``--data`` names one file to train on, or a folder with ``train.*`` and, if there,
    ``dev.*`` (or ``valid.*``, ``validation.*``) and ``test.*``, packed as ``.gz`` or not. For tasks whose
    options are TextOptions, these may be folders that hold a folder a class, and ``--data`` such a one
    itself. Raises: DataError.
    """
    has_classes = isinstance(options, TextOptions)
    if options.data is None:
        return None if options.train is None else SplitFiles(options.train, options.dev, options.test)
    if not options.data.is_dir():
        return SplitFiles(options.data)
    train = _find_split(options.data, "train", has_classes=has_classes)
    if train is None and has_classes and is_class_folder(options.data):
        return SplitFiles(options.data)
    if train is None:
        there = ", ".join(sorted(entry.name for entry in options.data.iterdir())[:8])
        only = f", only {there}" if there else ", which is empty"
        raise DataError(
            f"there is no file train.* in this folder{only}",
            file=options.data,
            hint="Name the files: --train FILE --dev FILE --test FILE",
        )
    dev, test = (_find_split(options.data, split, has_classes=has_classes) for split in ("dev", "test"))
    return SplitFiles(train, dev, test)


def split_named(file: Path) -> str | None:
    """Return the split that a file in the folder of ``--data`` is by its name, None for one that is none."""
    stem = _stem(file)
    return next((split for split, stems in _STEMS.items() if stem in stems), None)


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


def _find_split(folder: Path, split: str, *, has_classes: bool) -> Path | None:
    found = sorted(
        entry
        for entry in folder.iterdir()
        if split_named(entry) == split
        and not entry.name.endswith("~")
        and (entry.is_file() or (has_classes and is_class_folder(entry)))
    )
    if len(found) > 1:
        named = " and ".join(entry.name for entry in found)
        raise DataError(
            f"{named} could all be the file for {split}, expected one",
            file=folder,
            hint=f"Name the one to use: --train FILE{'' if split == 'train' else f' --{split} FILE'}",
        )
    return found[0] if found else None


def _stem(entry: Path) -> str:
    name = entry.name.removesuffix(_PACKED)
    return _PART.sub("", name.rpartition(".")[0] or name)
