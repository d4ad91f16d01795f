"""``envkit predict``: what a saved model says of texts, files and standard input, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from envkit.api.data_options import Format
from envkit.worker.use_request import ROW_FORMATS, RowFormat

_EXAMPLE = "envkit predict RUN 'Some text.'"


@click.command(name="predict", short_help="Use a model on texts or files.")
@click.argument("model", metavar="RUN|MODEL_DIR")
@click.argument("texts", nargs=-1)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to predict on, read as the task reads its data; - is standard input.",
)
@click.option(
    "--to",
    type=click.Choice(ROW_FORMATS),
    default="jsonl",
    show_default=True,
    help="Format of the rows. In csv, the scores of the labels are a column each: score_LABEL.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to a file, which appears when all is done. [default: standard output]",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(get_args(Format)),
    default="auto",
    show_default=True,
    help="Format of --file.",
)
@click.option("--encoding", metavar="NAME", help="Encoding of --file. [default: UTF-8]")
@click.option(
    "--text-column",
    metavar="NAME",
    help="Column of the texts in --file: a name, or a number from 1. [default: that of the training]",
)
@click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:N or mps."
)
@click.option(
    "--env",
    metavar="NAME",
    help="Environment: auto, current, or a name from `envkit env list`. [default: that of the run]",
)
@click.option("--quiet", is_flag=True, help="Say nothing on stderr but warnings and errors.")
def command(
    model: str,
    texts: tuple[str, ...],
    file: Path | None,
    to: RowFormat,
    output: Path | None,
    force: bool,
    format_: str,
    encoding: str | None,
    text_column: str | None,
    device: str,
    env: str | None,
    quiet: bool,
) -> None:
    """Predict with a model, and print a row for each text as soon as it is known.

    The model is that of a run (its folder, its id, or the end of its id), or a model's folder. It reads the
    TEXTS (put -- before one that begins with a dash); or --file; or, with neither, standard input. Of plain text
    each line is a text; blank ones have no row, and stderr says how many there were.

    \b
    envkit predict 4f2a 'Ada Lovelace lived in London.'
    envkit predict 4f2a --file new.csv --to csv --output out.csv
    zcat news.gz | envkit predict 4f2a | grep ORG
    """
    from envkit.cli.use.predict import predict  # with it comes all that --help does not need

    predict(
        model,
        texts=texts,
        file=file,
        to=to,
        output=None if output == Path("-") else output,
        is_forced=force,
        format=format_,
        encoding=encoding,
        text_column=text_column,
        device=device,
        env_choice=env,
        is_quiet=quiet,
    )
