"""Read texts and what they are to become, and refuse what could not be learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DataError, Inputs
from envkit.data.rows import TextRow
from envkit.data.splits import SplitFiles, cut_dev, find_splits
from envkit.data.streaming import stream_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Request
    from envkit.data.streaming import Record
    from envkit_seq2seq.plugin import Seq2seqOptions

SAMPLE = {split: Path(__file__).parent / "sample" / f"{split}.csv" for split in ("train", "dev", "test")}


@dataclass(frozen=True)
class Seq2seqData:
    """Texts, each with its one label, which is the text to write; ``test`` may be empty."""

    train: Sequence[TextRow]
    dev: Sequence[TextRow]
    test: Sequence[TextRow]


def read(request: Request[Seq2seqOptions]) -> Seq2seqData:
    """Read what the options name, or the sample where they name nothing. Raises: DataError."""
    options, report = request.options, request.report
    files = find_files(options)
    if options.train is None and options.data is None:
        report.say("No data given: this run uses the small sample that comes along")
    train = read_file(files.train, options)
    if len({row.labels for row in train}) < 2:
        raise DataError(f"every text becomes {train[0].labels[0]!r}, nothing to learn", file=files.train)
    if files.dev is None:
        train, dev = cut_dev(train, seed=options.seed)
    else:
        dev = read_file(files.dev, options)
    test = [] if files.test is None else read_file(files.test, options)
    report.say(f"{len(train)} texts to train on, {len(dev)} dev, {len(test)} test")
    return Seq2seqData(train, dev, test)


def find_files(options: Seq2seqOptions) -> SplitFiles:
    """Return the files that the options name, or those of the sample. Raises: DataError."""
    return find_splits(options) or SplitFiles(*SAMPLE.values())


def read_file(file: Path, options: Seq2seqOptions) -> list[TextRow]:
    """Read a file with labels: a table or JSON lines with ``text`` and ``target``. Raises: DataError."""
    inputs = Inputs(file=file, format=options.format, encoding=options.encoding)
    rows = [make_row(record, needs_label=True) for record in stream_records(inputs, named=["text", "target"])]
    if not rows:
        raise DataError("the file has no rows", file=file)
    return rows


def make_row(record: Record, *, needs_label: bool = False) -> TextRow:
    """Return what the model reads of a record, in training and in use. Raises: DataError."""
    text, target = record.values.get("text"), record.values.get("target")
    if not isinstance(text, str) or not text.strip():
        raise DataError("there is no text", file=record.name, hint="Texts stand in a column named text")
    if needs_label and not target:
        raise DataError("there is no target", file=record.name, hint="It stands in a column named target")
    return TextRow(text, (str(target),) if needs_label else (), record.name)
