"""Evaluate: model and environment, worker, tables and scores."""

from __future__ import annotations

import contextlib
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import RunCancelled, RunFailed
from envkit.cli import envelope
from envkit.cli.piped_data import keep_input
from envkit.cli.streams import check_input
from envkit.cli.use.model import check_device, check_file, raise_if_failed, ready_model
from envkit.cli.use.screen import UseScreen, can_write_over
from envkit.data.text import STANDARD_INPUT, name_of
from envkit.runs.output import check_free, opened_output
from envkit.runs.use import use_model
from envkit.worker.use_request import ScoreRequest, Scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.cli.use.model import ReadyModel


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What an evaluation prints under ``--json``; ``predictions`` is the file that has them."""

    model: str
    file: str
    predictions: str | None
    result: Scores


def evaluate(
    name: str,
    *,
    file: Path,
    predictions: Path | None,
    is_forced: bool,
    format: str | None,
    encoding: str | None,
    device: str,
    env_choice: str | None,
    as_json: bool,
) -> None:
    """Score a model on a file and show the scores. Raises: EnvkitError of every kind."""
    check_device(device)
    check_file(file)
    check_free(predictions, option="--predictions", source=file, is_forced=is_forced)
    with _readable(file) as data:
        ready = ready_model(name, env_choice=env_choice, data=data)
        request = ScoreRequest(
            model_dir=str(ready.model.path),
            model=ready.model.record,
            environment=ready.environment,
            device=device,
            file=str(data),
            format=format,
            encoding=encoding,
        )
        scores = _score(request, ready, predictions, as_json=as_json)
    if scores.kept == 0:
        click.echo(f"warning: the plugin gives no predictions: {predictions} is empty", err=True)
    if as_json:
        evaluation = Evaluation(
            model=request.model_dir,
            file=str(file),
            predictions=None if predictions is None else str(predictions),
            result=scores,
        )
        envelope.write(["evaluate"], data=evaluation)
        return
    _print(scores, model=ready.model.path, file=file, predictions=predictions)


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[Path]:
    """Give a file that a plugin can read: standard input is kept in one, whose folder errors do not name.

    Raises: UsageError, DataError.
    """
    if file != STANDARD_INPUT:
        yield file
        return
    check_input()
    with tempfile.TemporaryDirectory(prefix="envkit-") as folder:
        kept = Path(folder, name_of(file))  # as rows of it are named
        keep_input(kept, name="FILE", example="envkit evaluate RUN - < test.csv")
        try:
            yield kept
        except RunFailed as error:
            message, hint = (text and text.replace(f"{folder}/", "") for text in (error.message, error.hint))
            raise RunFailed(message or "", hint=hint, exit_code=error.exit_code) from error


def _score(request: ScoreRequest, ready: ReadyModel, predictions: Path | None, *, as_json: bool) -> Scores:
    with ExitStack() as stack:
        results = stack.enter_context(tempfile.TemporaryFile())
        kept = None if predictions is None else stack.enter_context(opened_output(predictions))
        with UseScreen(is_live=can_write_over()) as view:
            end = use_model(
                request,
                results=results.fileno(),
                predictions=kept,
                on_event=view.event,
                inherited=ready.held,
                environ=ready.environ,
            )
        raise_if_failed(end, as_json=as_json)
        if end.status == "stopped":
            raise RunCancelled("the evaluation was stopped")
        results.seek(0)
        return msgspec.json.decode(results.read(), type=Scores)


def _print(scores: Scores, *, model: Path, file: Path, predictions: Path | None) -> None:
    from envkit.cli import outcome, render

    console = render.screen()
    for table in scores.tables:
        render.print_record_table(table, console=console)
    console.print()
    shown = outcome.shown_scores(scores.metrics, headline=scores.headline, tables=scores.tables)
    pairs = [(name, score + outcome.interval_text(scores.intervals.get(name))) for name, score in shown]
    pairs += [("model", render.path_text(model)), ("file", str(file))]
    if predictions is not None:
        pairs += [("predictions", str(predictions))]
    render.print_pairs(pairs, console=console)
