"""``envkit data split FILE``: cut a file into train, dev and test."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from envkit.api import DataError, UsageError
from envkit.cli import envelope
from envkit.cli.data.reading import file_argument, reading_options

if TYPE_CHECKING:
    from envkit.data.cut.units import By

_MIXED = (
    "There are too few different texts to keep copies together: the same text stands in several of the files, "
    "so that scores on them say little"
)


class SplitFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written, as ``--json`` gives it."""

    split: str
    file: str
    rows: int


class SplitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``envkit data split`` did; ``notes`` are what a person should know of it."""

    by: str
    seed: int
    files: list[SplitFile]
    notes: list[str] = []


@click.command("split", short_help="Cut a file into train, dev and test.")
@file_argument
@click.option(
    "--dev",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Share of the rows for dev.",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="SHARE",
    help="Share of the rows for test. [default: none]",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of what is drawn.")
@click.option(
    "--by",
    type=click.Choice(["label", "paragraph", "document", "none"]),
    help="Keep the shares of each label alike; or keep paragraphs (of questions) or documents (of CoNLL) "
    "whole. [default: what suits the file]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder to write into. [default: beside the file]",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    file: Path,
    dev: float,
    test: float,
    seed: int,
    by: By | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Cut FILE into train, dev and test, in its own format, its lines as they are.

    What goes where follows from the seed alone. A header stands in each file.
    """
    from envkit.data.cut.file import cut_file, draw_splits  # --help needs no reader
    from envkit.data.cut.stratify import Shares
    from envkit.data.cut.units import Reading

    cut = cut_file(file, Reading(**reading), by=by)
    splits = draw_splits(cut, Shares(dev=dev, test=test), seed=seed)
    folder, suffix = (Path(), cut.suffix) if file == Path("-") else (file.parent, _suffix(file))
    places = {split.split: (output or folder) / f"{split.split}{suffix}" for split in splits}
    _check_free(places.values(), source=file, is_forced=force)
    for split in splits:
        _write(places[split.split], split.text, encoding=reading["encoding"])
    written = [
        SplitFile(split=split.split, file=str(places[split.split]), rows=split.rows) for split in splits
    ]
    notes = [_MIXED] if any(split.is_mixed for split in splits) else []
    if as_json:
        envelope.write(["data", "split"], data=SplitReport(by=cut.by, seed=seed, files=written, notes=notes))
        return
    for one in written:
        click.echo(f"{one.split:<6} {one.rows:>8} {cut.noun}s   {one.file}")
    said = {
        "label": "every label with its share",
        "paragraph": "paragraphs whole",
        "document": "documents whole",
        "none": "without a look at labels",
    }
    click.echo(f"drawn with seed {seed}, {said[cut.by]}")
    for note in notes:
        click.echo(f"warning: {note}", err=True)


def _suffix(file: Path) -> str:
    suffixes = [suffix for suffix in file.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def _check_free(places: Any, *, source: Path, is_forced: bool) -> None:
    """Refuse to write over files. Raises: UsageError; over the source itself, always."""
    there = [place for place in places if place.exists()]
    if any(place.samefile(source) for place in there if source.exists()):
        raise UsageError(
            f"the split would be written over {source} itself",
            hint=f"Write it elsewhere: envkit data split {shlex.quote(str(source))} --output splits",
        )
    if there and not is_forced:
        raise UsageError(
            f"{' and '.join(map(str, there))} {'is' if len(there) == 1 else 'are'} there already",
            hint="Name another folder with --output, or write over with --force",
        )


def _write(file: Path, text: str, *, encoding: str | None) -> None:
    """Write the text as it is, whole or not at all. Raises: OSError; DataError where the encoding lacks a character."""
    try:
        content = text.encode(encoding or "utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"{encoding or 'UTF-8'} has no {text[error.start]!a}, which the split holds",
            file=file,
            hint="Give the file in UTF-8: iconv -t UTF-8 FILE",
        ) from error
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(content)
    draft.replace(file)
