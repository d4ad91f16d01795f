"""Run a task: options, machine, environment, worker, summary."""

from __future__ import annotations

import difflib
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit import __version__, config
from envkit.api import DataError, UsageError
from envkit.api.metric_names import find_headline
from envkit.api.options import to_builtins
from envkit.api.records import PluginRecord, RunRequest
from envkit.cli.outcome import end_run
from envkit.cli.piped_data import find_piped
from envkit.cli.progress import run_screen
from envkit.cli.render import path_text
from envkit.cli.workplace import in_environment, in_image, is_image
from envkit.data.parquet import PARQUET_EXTRA, data_extras
from envkit.data.text import STANDARD_INPUT
from envkit.environments.provide import provide_environment
from envkit.machine import read_facts
from envkit.models import is_model_dir
from envkit.option_fields import path_fields
from envkit.runs.conduct import run_worker
from envkit.runs.folder import check_run_dir, create_run, new_run_id, run_path
from envkit.runs.trackers.kinds import check_trackers, chosen_trackers
from envkit.runs.trackers.process import tracking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import Options
    from envkit.cli.piped_data import PipedData
    from envkit.cli.progress import RunScreen
    from envkit.cli.workplace import Workplace
    from envkit.config import Settings
    from envkit.machine import MachineFacts
    from envkit.registry import LoadedTask


@dataclass(frozen=True)
class Asked:
    """What the user asked for, from all sources, checked."""

    options: Options
    sources: dict[str, str]
    settings: Settings
    piped: PipedData | None
    host_extras: frozenset[str]


def run_task(
    loaded: LoadedTask,
    *,
    flags: Mapping[str, Any],
    env_choice: str | None,
    run_dir: Path | None,
    track: Sequence[str],
    as_json: bool,
) -> None:
    """Resolve the options, provide an environment, run in it, and show how it ended.

    Raises: EnvkitError of every kind; nothing slow happens before the options are known to be good.
    """
    asked = _resolve(loaded, flags)
    headline = find_headline(loaded.task.headline, asked=getattr(asked.options, "metric", None))
    trackers = chosen_trackers(track, default=asked.settings.track)
    check_trackers(trackers)
    if run_dir is not None:
        check_run_dir(run_dir)
    with run_screen(headline=headline) as view:
        began = time.monotonic()
        view.step("Looking at this machine")
        facts = read_facts(folders=(asked.settings.home,))
        choice = env_choice or asked.settings.env
        place = _find_place(choice, loaded, asked, facts=facts, view=view)
        view.say(place.use.reason)
        request = _request(loaded, asked, place, seconds=time.monotonic() - began)
        if is_image(choice):
            run_dir = run_path(
                request.id, run_dir=run_dir
            ).resolve()  # a container has no links of this machine's
        if asked.piped is not None:
            request = asked.piped.name_in(request, run_path=run_path(request.id, run_dir=run_dir))
        folder = create_run(request, run_dir=run_dir, facts=facts)
        if asked.piped is not None:
            view.step("Reading standard input")
            asked.piped.keep(run_path=folder.path)
        view.say(f"Run folder: {path_text(folder.path)}")
        with tracking(trackers, folder, on_event=view.event) as on_event:
            result = run_worker(
                folder,
                on_event=on_event,
                environ=place.environ,
                inherited=place.held,
                start=place.start,
            )
    end_run(
        result,
        folder=folder,
        headline=headline,
        command=["run", loaded.entry.name],
        as_json=as_json,
    )


def _resolve(loaded: LoadedTask, flags: Mapping[str, Any]) -> Asked:
    folder = Path.cwd()
    layers = config.read_layers(folder)
    options, sources = config.resolve_options(
        loaded.entry.name, loaded.task.options, flags=flags, layers=layers, folder=folder
    )
    names = path_fields(loaded.task.options)
    paths = {name: path for name in names if (path := getattr(options, name)) not in (None, STANDARD_INPUT)}
    for name, path in paths.items():
        _check_readable(path, source=sources[name])
    if options.model not in loaded.task.own_models:
        _check_model(options.model, source=sources["model"])
    piped = find_piped(options, names)
    extras = data_extras(paths.values())
    if piped is not None and piped.is_parquet:
        extras |= {PARQUET_EXTRA}
    return Asked(options, sources, config.resolve_settings(layers), piped, extras)


def _check_readable(path: Path, *, source: str) -> None:
    if not path.exists():
        siblings = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"Did you mean {path.parent / near[0]}?" if near else f"The path is from {source}"
        raise DataError("no such file or folder", file=path, hint=hint)
    if not path.is_file() and not path.is_dir():
        raise DataError("neither a file nor a folder", file=path, hint="Write the data into a file first")
    if not os.access(path, os.R_OK):
        raise DataError("may not be read", file=path, hint=f"chmod u+r {path}")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError("the file is empty", file=path, hint=f"The path is from {source}")


def _check_model(model: str, *, source: str) -> None:
    folder = Path(model).expanduser()
    looks_like_path = model.startswith((".", "~", "/")) or model.count("/") > 1 or folder.exists()
    if looks_like_path and not is_model_dir(folder):
        raise UsageError(
            f"{source}: {model!r} is no folder with a model in it (config.json and weights)",
            hint="--model takes a folder, or a name on the model hub such as bert-base-cased",
        )


def _find_place(
    choice: str, loaded: LoadedTask, asked: Asked, *, facts: MachineFacts, view: RunScreen
) -> Workplace:
    if is_image(choice):
        return in_image(
            choice,
            entry=loaded.entry,
            facts=facts,
            settings=asked.settings,
            view=view,
            device=getattr(asked.options, "device", None),
            model=asked.options.model,
            own_models=loaded.task.own_models,
            path_options=path_fields(loaded.task.options),
        )
    environment = provide_environment(
        choice,
        entry=loaded.entry,
        model=asked.options.model,
        facts=facts,
        settings=asked.settings,
        progress=view,
        host_extras=asked.host_extras,
    )
    return in_environment(environment, settings=asked.settings)


def _request(loaded: LoadedTask, asked: Asked, place: Workplace, *, seconds: float) -> RunRequest:
    values = to_builtins(asked.options)
    sources = dict(asked.sources)
    folder = Path(asked.options.model).expanduser()
    is_folder = folder.is_dir() and asked.options.model not in loaded.task.own_models
    if is_folder:  # the worker stands elsewhere, and so may who reads the record
        values["model"] = str(folder.absolute())
    if is_image(place.use.name):
        for name in (*path_fields(loaded.task.options), *(["model"] if is_folder else [])):
            if (
                ".." in Path(values[name] or "").parts
            ):  # the folder that it leads through is not in the container
                values[name] = str(Path(values[name]).resolve())
    if place.device is not None:
        values["device"], sources["device"] = place.device, "the GPUs of this machine, in a container"
    return RunRequest(
        id=new_run_id(loaded.entry.name),
        task=loaded.entry.name,
        plugin=PluginRecord(distribution=loaded.entry.plugin, version=loaded.entry.version),
        options=values,
        sources=sources,
        environment=place.use,
        envkit=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        headline=loaded.task.headline,
        seconds_before={"environment": round(seconds, 3)},
    )
