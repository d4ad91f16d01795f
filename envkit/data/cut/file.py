"""Take a data file apart into units that a split takes whole, and draw the splits.

Lines are kept as they are; JSON documents are put together anew from the objects that were in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envkit.api import DataError, UsageError
from envkit.data.cut.copies import stratify_texts
from envkit.data.cut.questions import cut_questions
from envkit.data.cut.rows import cut_rows
from envkit.data.cut.sentences import cut_sentences
from envkit.data.cut.stratify import SPLITS, draw_groups
from envkit.data.kinds import find_kind
from envkit.data.tables import find_format, is_parquet_path
from envkit.data.text import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.data.cut.stratify import Shares, Split
    from envkit.data.cut.units import By, CutFile, Reading


@dataclass(frozen=True)
class DrawnSplit:
    """One split: the text of its file, and how many rows are in it; ``is_mixed`` where another has copies of some."""

    split: Split
    text: str
    rows: int
    is_mixed: bool = False


def cut_file(file: Path, reading: Reading, *, by: By | None = None) -> CutFile:
    """Take the file apart; without ``by``, as suits what is in it. Raises: DataError, UsageError."""
    if file.is_dir():
        raise DataError("a folder cannot be cut into splits", file=file, hint="Name a file that is in it")
    if is_parquet_path(file):
        raise DataError(
            "Parquet cannot be cut into splits as it is",
            file=file,
            hint=f"Make one file of lines first: envkit data convert {file} --to jsonl --output all.jsonl",
        )
    kind = find_kind(file, task=reading.task, format=reading.format, encoding=reading.encoding)
    text = read_text(file, encoding=reading.encoding)
    form = find_format(text, file=file)
    if kind == "words" and form not in ("json", "jsonl"):
        allowed = _allowed(by, "document", "label", "none")
        return replace(cut_sentences(text, file, reading, by=allowed), suffix=".conll")
    if kind == "questions":
        chosen = _allowed(by, "paragraph", "document", "none")
        cut = cut_questions(text, file, reading, by=chosen or "paragraph")
    else:
        cut = cut_rows(text, file, reading, kind, by=_allowed(by, "label", "none") or "label")
    return cut if form is None else replace(cut, suffix=f".{form}")


def draw_splits(cut: CutFile, shares: Shares, *, seed: int) -> list[DrawnSplit]:
    """Draw the splits: train, then dev and test where they have a share. Raises: UsageError."""
    if cut.by in ("label", "none"):
        keys = [unit.key for unit in cut.units]
        texts = [number if unit.text is None else unit.text for number, unit in enumerate(cut.units)]
        drawn = stratify_texts(keys, texts, shares, seed=seed)
    else:
        drawn = draw_groups([unit.rows for unit in cut.units], shares, seed=seed)
    found = []
    places: dict[str, set[Split]] = {}
    for unit, of in zip(cut.units, drawn, strict=True):
        if unit.text is not None:
            places.setdefault(unit.text, set()).add(of)
    mixed = {split for splits in places.values() if len(splits) > 1 for split in splits}
    for split in SPLITS:
        if split not in ("train", *(part for part, _ in shares.parts())):
            continue
        units = [unit for unit, of in zip(cut.units, drawn, strict=True) if of == split]
        rows = sum(unit.rows for unit in units)
        found.append(DrawnSplit(split, cut.join(units), rows, is_mixed=split in mixed))
    return found


def _allowed(by: By | None, *allowed: By) -> By | None:
    if by is not None and by not in allowed:
        raise UsageError(
            f"--by {by} does not suit this file", hint=f"For it: --by {' or --by '.join(allowed)}"
        )
    return by
