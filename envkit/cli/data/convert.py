"""``envkit data convert FILE --to FORMAT``: write data in another format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from envkit.api import UsageError
from envkit.cli import envelope
from envkit.cli.data.reading import file_argument, reading_options


class ConvertReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``envkit data convert`` did."""

    file: str
    format: str
    rows: int
    notes: list[str]


@click.command("convert", short_help="Write data in another format.")
@file_argument
@click.option(
    "--to",
    type=click.Choice(["jsonl", "csv", "tsv", "conll", "spans", "squad"]),
    required=True,
    help="Texts: jsonl, csv, tsv. Words: conll, jsonl, spans (lines of JSON with character offsets). "
    "Questions: squad, jsonl.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write. [default: standard output]",
)
@click.option("--pair-column", metavar="NAME", help="Column of a second text. [default: none]")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON about it instead; needs --output.")
def command(
    file: Path,
    to: str,
    output: Path | None,
    pair_column: str | None,
    force: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Write the rows of FILE, whatever they are read from, in another format, as UTF-8."""
    if as_json and output is None:
        raise UsageError("--json and the data would both go to standard output", hint="Give --output FILE")
    if output is not None and output.exists() and not force:
        raise UsageError(f"{output} is there already", hint="Name another file, or write over with --force")
    from envkit.data.convert.file import convert_file  # --help needs no reader
    from envkit.data.cut.units import Reading

    converted = convert_file(file, Reading(**reading), to=to, pair_column=pair_column)
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(converted.text.encode("utf-8"))
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_name(f".{output.name}.draft")
    draft.write_bytes(converted.text.encode("utf-8"))
    draft.replace(output)
    if as_json:
        report = ConvertReport(file=str(output), format=to, rows=converted.rows, notes=list(converted.notes))
        envelope.write(["data", "convert"], data=report)
        return
    for note in converted.notes:
        click.echo(note, err=True)
    click.echo(f"{converted.rows} rows: {output}")
