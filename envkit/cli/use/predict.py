"""Predict: inputs, model and environment, worker, rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envkit.api import RunCancelled, UsageError
from envkit.cli.streams import check_input
from envkit.cli.use.model import check_device, check_file, raise_if_failed, ready_model
from envkit.cli.use.screen import UseScreen, can_write_over
from envkit.data.text import STANDARD_INPUT
from envkit.runs.output import check_free, opened_output
from envkit.runs.use import use_model
from envkit.worker.use_request import PredictRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.worker.use_request import RowFormat


def predict(
    name: str,
    *,
    texts: Sequence[str],
    file: Path | None,
    to: RowFormat,
    output: Path | None,
    is_forced: bool,
    format: str,
    encoding: str | None,
    text_column: str | None,
    device: str,
    env_choice: str | None,
    is_quiet: bool,
) -> None:
    """Predict on texts, a file or standard input, and write the rows. Raises: EnvkitError of every kind."""
    source = _choose_source(texts, file)
    check_device(device)
    if source is None:
        _warn_of_file(texts)
    else:
        texts = ()
        check_file(source)
    check_free(output, option="--output", source=source, is_forced=is_forced)
    ready = ready_model(name, env_choice=env_choice, data=source)
    request = PredictRequest(
        model_dir=str(ready.model.path),
        model=ready.model.record,
        environment=ready.environment,
        device=device,
        texts=list(texts),
        file=None if source is None else str(source),
        format=format,
        encoding=encoding,
        to=to,
        text_column=text_column,
    )
    # A terminal that shows the rows has no room for a line that is written over.
    is_live = can_write_over() and (output is not None or not _is_terminal(sys.stdout))
    with opened_output(output) as results:
        with UseScreen(is_live=is_live, is_quiet=is_quiet) as view:
            end = use_model(
                request,
                results=results,
                on_event=view.event,
                inherited=ready.held,
                environ=ready.environ,
            )
        raise_if_failed(end)
        if end.status != "finished":  # without a word, as filters end: its reader has left, or Ctrl-C
            raise click.exceptions.Exit(0 if end.status == "unread" else RunCancelled.exit_code)


def _choose_source(texts: Sequence[str], file: Path | None) -> Path | None:
    """Return the file to read, None where texts were typed. Raises: UsageError."""
    if texts and file is not None:
        raise UsageError(
            "there are texts and there is --file: give one or the other", hint="envkit predict --help"
        )
    if list(texts) == [str(STANDARD_INPUT)] or file == STANDARD_INPUT:
        check_input()
        return STANDARD_INPUT
    if texts or file is not None:
        return file
    if _is_terminal(sys.stdin):
        raise UsageError(
            "there is nothing to predict on",
            hint="Give a text (envkit predict RUN 'Some text.'), a file (--file FILE), or pipe text into it",
        )
    check_input()
    return STANDARD_INPUT


def _warn_of_file(texts: Sequence[str]) -> None:
    if len(texts) == 1 and len(texts[0]) < 256 and Path(texts[0]).is_file():
        click.echo(
            f"warning: {texts[0]!r} is taken as a text; to predict on the file: --file {texts[0]}", err=True
        )


def _is_terminal(stream: object) -> bool:
    return bool(stream) and stream.isatty()  # type: ignore[attr-defined]
