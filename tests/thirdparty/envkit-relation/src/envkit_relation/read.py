"""Read texts with two entities and mark these, and refuse what could not be learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.api import DataError, Inputs
from envkit.data.rows import TextRow
from envkit.data.splits import SplitFiles, cut_dev, find_splits
from envkit.data.streaming import stream_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Request
    from envkit.data.streaming import Record
    from envkit_relation.plugin import RelationOptions

SAMPLE = {split: Path(__file__).parent / "sample" / f"{split}.jsonl" for split in ("train", "dev", "test")}
MARKERS = ("[E1]", "[/E1]", "[E2]", "[/E2]")


class Pair(msgspec.Struct, frozen=True):
    """A row as it is written: ``head`` and ``tail`` are [start, stop) in ``tokens``, or in the letters of ``text``."""

    text: str = ""
    tokens: tuple[str, ...] | None = None
    head: tuple[int, int] | None = None
    tail: tuple[int, int] | None = None
    relation: str | None = None


@dataclass(frozen=True)
class RelationData:
    """Marked texts, each with its one relation, and all that training can teach; ``test`` may be empty."""

    train: Sequence[TextRow]
    dev: Sequence[TextRow]
    test: Sequence[TextRow]
    labels: tuple[str, ...]


def read(request: Request[RelationOptions]) -> RelationData:
    """Read what the options name, or the sample where they name nothing. Raises: DataError."""
    options, report = request.options, request.report
    files = find_files(options)
    if options.train is None and options.data is None:
        report.say("No data given: this run uses the small sample that comes along")
    train = read_file(files.train, options)
    labels = tuple(sorted({label for row in train for label in row.labels}))
    if len(labels) < 2:
        raise DataError(f"every pair has the relation {labels[0]!r}, nothing to tell apart", file=files.train)
    if files.dev is None:
        train, dev = cut_dev(train, seed=options.seed)
    else:
        dev = read_file(files.dev, options)
    test = [] if files.test is None else read_file(files.test, options)
    check_labels([*dev, *test], labels)
    report.say(f"{len(train)} pairs to train on, {len(dev)} dev, {len(test)} test; {len(labels)} relations")
    return RelationData(train, dev, test, labels)


def find_files(options: RelationOptions) -> SplitFiles:
    """Return the files that the options name, or those of the sample. Raises: DataError."""
    return find_splits(options) or SplitFiles(*SAMPLE.values())


def read_file(file: Path, options: RelationOptions) -> list[TextRow]:
    """Read JSON lines with ``text`` or ``tokens``, ``head``, ``tail`` and ``relation``. Raises: DataError."""
    inputs = Inputs(file=file, format=options.format, encoding=options.encoding)
    rows = [
        make_row(record, needs_label=True) for record in stream_records(inputs, named=["text", "relation"])
    ]
    if not rows:
        raise DataError("the file has no rows", file=file)
    return rows


def make_row(record: Record, *, needs_label: bool = False) -> TextRow:
    """Return what the model reads of a record, in training and in use. Raises: DataError."""
    try:
        pair = msgspec.convert(record.values, Pair)
    except msgspec.ValidationError as error:
        raise DataError(str(error), file=record.name) from error
    if needs_label and not pair.relation:
        raise DataError("there is no relation", file=record.name, hint='As in: "relation": "born_in"')
    return TextRow(mark(pair, record.name), (str(pair.relation),) if needs_label else (), record.name)


def mark(pair: Pair, name: str) -> str:
    """Return the text with markers around both entities, which a typed text has already. Raises: DataError."""
    parts = list(pair.text if pair.tokens is None else pair.tokens)
    edges = []
    for span, start_marker, stop_marker in ((pair.head, *MARKERS[:2]), (pair.tail, *MARKERS[2:])):
        start, stop = span or (0, 0)
        if span and not 0 <= start < stop <= len(parts):
            raise DataError(f"the span {[start, stop]} is not within 0 and {len(parts)}", file=name)
        if span:
            # Of two entities, one within the other, the outer one begins first and ends last.
            edges += [(start, 1, -stop, f" {start_marker} "), (stop, 0, -start, f" {stop_marker} ")]
    for place, _, _, marker in sorted(edges, reverse=True):
        parts.insert(place, marker)
    text = " ".join(("" if pair.tokens is None else " ").join(parts).split())
    if any(text.count(marker) != 1 for marker in MARKERS):
        raise DataError(
            "there are not two entities",
            file=name,
            hint='Give their spans, as in "head": [0, 3], or a text as in [E1] Ada [/E1] lived in [E2] Rome [/E2]',
        )
    return text


def check_labels(rows: Sequence[TextRow], labels: Sequence[str]) -> None:
    """Refuse rows with a relation that was not trained on. Raises: DataError."""
    for row in rows:
        if row.labels[0] not in labels:
            raise DataError(f"the relation {row.labels[0]!r} is not in the training data", file=row.name)
