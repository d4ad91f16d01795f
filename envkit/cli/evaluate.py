"""``envkit evaluate``: the scores of a saved model on a file with labels."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from envkit.api.data_options import Format


@click.command(name="evaluate", short_help="Score a model on a file.")
@click.argument("model", metavar="RUN|MODEL_DIR")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep what was predicted, with what was right, as JSONL.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(get_args(Format)),
    default=None,
    help="Format of FILE. [default: as the run's data]",
)
@click.option("--encoding", metavar="NAME", help="Encoding of FILE. [default: as the run's data]")
@click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:N or mps."
)
@click.option(
    "--env",
    metavar="NAME",
    help="Environment: auto, current, or a name from `envkit env list`. [default: that of the run]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(
    model: str,
    file: Path,
    predictions: Path | None,
    force: bool,
    format_: str | None,
    encoding: str | None,
    device: str,
    env: str | None,
    as_json: bool,
) -> None:
    """Score a model on FILE, which has labels and is read as the run's data were; - is standard input.

    The model is that of a run (its folder, its id, or the end of its id), or a model's folder.

    \b
    envkit evaluate 4f2a new.conll
    envkit evaluate 4f2a new.conll --predictions mistakes.jsonl
    """
    from envkit.cli.use.evaluate import evaluate  # with it comes all that --help does not need

    evaluate(
        model,
        file=file,
        predictions=predictions,
        is_forced=force,
        format=format_,
        encoding=encoding,
        device=device,
        env_choice=env,
        as_json=as_json,
    )
