"""Resume a run: its folder and environment again, a worker that goes on, the end that every run has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit import config
from envkit.api import EnvkitError, UsageError
from envkit.api.metric_names import find_headline
from envkit.cli.outcome import end_run, run_name
from envkit.cli.progress import run_screen
from envkit.cli.render import path_text
from envkit.cli.workplace import in_environment, in_image, is_image
from envkit.data.parquet import data_extras
from envkit.environments.provide import provide_again
from envkit.machine import read_facts
from envkit.option_fields import path_fields
from envkit.registry import find_task, load_entry
from envkit.runs.conduct import run_worker
from envkit.runs.folder import read_status, record_machine
from envkit.runs.progress import read_progress
from envkit.runs.trackers.kinds import chosen_trackers, trackers_of
from envkit.runs.trackers.process import tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api.records import EnvironmentUse, RunRequest, RunResult
    from envkit.cli.progress import RunScreen
    from envkit.cli.workplace import Workplace
    from envkit.config import Settings
    from envkit.machine import MachineFacts
    from envkit.worker.folder import RunFolder

_COMMAND = ("runs", "resume")


def resume_run(folder: RunFolder, *, is_forced: bool, as_json: bool) -> None:
    """Go on with a run in its own folder, and show how it ended; a finished one is shown as it is.

    Raises: UsageError while it runs; RunFailed where something has changed since its checkpoint and it is not
    forced, the folder then being left as it was; EnvkitError of every other kind.
    """
    request = folder.read_request()
    status = read_status(folder)
    if status == "running":
        raise _is_running(folder)
    finished = folder.read_result() if status == "finished" else None
    if finished is not None:
        click.echo(f"The run {run_name(folder)} is finished already", err=True)
        end_run(finished, folder=folder, headline=request.headline, command=_COMMAND, as_json=as_json)
        return
    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    headline = find_headline(request.headline, asked=request.options.get("metric"))
    with run_screen(headline=headline, progress=read_progress(folder)) as view:
        view.step("Looking at this machine")
        facts = read_facts(folders=(settings.home,))
        place = _find_place_again(request, facts=facts, settings=settings, view=view)
        view.say(place.use.reason)
        view.say(f"Run folder: {path_text(folder.path)}")
        trackers = chosen_trackers(trackers_of(folder), default=settings.track)
        with tracking(trackers, folder, on_event=view.event) as on_event:
            result = _in_environment(
                folder,
                request,
                place.use,
                run=lambda: run_worker(
                    folder,
                    on_event=on_event,
                    environ=place.environ,
                    inherited=place.held,
                    start=place.start,
                    resume=True,
                    force=is_forced,
                ),
            )
        record_machine(folder, facts)  # it may be another than the one where the run began
    end_run(result, folder=folder, headline=request.headline, command=_COMMAND, as_json=as_json)


def _find_place_again(
    request: RunRequest, *, facts: MachineFacts, settings: Settings, view: RunScreen
) -> Workplace:
    entry = find_task(request.task, prefer=request.plugin.distribution)
    model = str(request.options.get("model", ""))
    used = request.environment
    if is_image(used.name):
        task = load_entry(entry).task
        return in_image(
            used.name,
            entry=entry,
            facts=facts,
            settings=settings,
            view=view,
            device=request.options.get("device"),
            model=model,
            own_models=task.own_models,
            path_options=path_fields(task.options),
            image_id=used.image,
        )
    environment = provide_again(
        used,
        entry=entry,
        model=model,
        facts=facts,
        settings=settings,
        progress=view,
        host_extras=data_extras(_data_paths(request)),
    )
    return in_environment(environment, settings=settings)


def _data_paths(request: RunRequest) -> list[Path]:
    return [Path(path) for name in ("train", "dev", "test", "data") if (path := request.options.get(name))]


def _in_environment(
    folder: RunFolder, request: RunRequest, use: EnvironmentUse, *, run: Callable[[], RunResult]
) -> RunResult:
    """Run with this environment in the request; where nothing comes of it, the former stands there again."""
    before = request.environment
    if (use.kind, use.name, use.python, use.image) == (before.kind, before.name, before.python, before.image):
        return run()
    folder.write_request(msgspec.structs.replace(request, environment=use))
    try:
        return run()
    except EnvkitError:
        folder.write_request(request)
        raise


def _is_running(folder: RunFolder) -> UsageError:
    if folder.is_locked():
        return folder.taken_error()
    return UsageError(
        f"the run in {folder.path} is about to begin", hint=f"envkit runs show {run_name(folder)}"
    )
