"""What the commands that use a saved model share: model and environment found, a worker ended as commands end."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from envkit import config
from envkit.api import DataError, PluginError, RunFailed, UsageError
from envkit.api.options import Options, from_builtins
from envkit.api.records import EnvironmentUse
from envkit.data.parquet import data_extras
from envkit.data.text import STANDARD_INPUT
from envkit.environments.activation import activated
from envkit.environments.provide import provide_again, provide_environment
from envkit.environments.store import list_environments
from envkit.images.layout import IMAGE_PREFIX
from envkit.machine import read_facts
from envkit.mirrors import hub_environ
from envkit.registry import find_task
from envkit.runs.saved_model import find_model

if TYPE_CHECKING:
    from types import TracebackType

    from envkit.cli.progress import RunScreen
    from envkit.config import Settings
    from envkit.environments.progress import Progress
    from envkit.environments.records import Environment
    from envkit.registry import TaskEntry
    from envkit.runs.saved_model import SavedModel
    from envkit.runs.use import UseEnd


@dataclass(frozen=True, kw_only=True)
class ReadyModel:
    """A model, and the environment to use it in.

    ``held`` are open files that keep that environment, ``environ`` the variables of a worker in it.
    """

    model: SavedModel
    environment: EnvironmentUse
    held: tuple[int, ...]
    environ: dict[str, str]


def ready_model(name: str, *, env_choice: str | None, data: Path | None) -> ReadyModel:
    """Find the model, and an environment in which it can read ``data``: the one asked for, that of its run, or
    one that fits.

    Nothing is said unless an environment has to be made. Raises: EnvkitError of every kind.
    """
    model = find_model(name)
    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    _refuse_image(env_choice or settings.env, name)
    entry = _find_plugin(model)
    with _MakingScreen() as view:
        environment = _provide(
            model, entry, settings=settings, env_choice=env_choice, data=data, progress=view
        )
        if environment.created:
            view.say(environment.reason)
    use = EnvironmentUse(
        kind=environment.kind,
        name=environment.name,
        python=str(environment.python),
        reason=environment.reason,
    )
    held = () if environment.hold is None else (environment.hold.fileno(),)
    variables = activated(environment, hub_environ(settings.model_hub))
    return ReadyModel(model=model, environment=use, held=held, environ=variables)


def _refuse_image(choice: str, name: str) -> None:
    """Refuse an image as the environment. Raises: UsageError."""
    if choice.startswith(IMAGE_PREFIX):
        raise UsageError(
            f"a saved model is not used in a container of another image ({choice})",
            hint=f"Build one that holds the model: envkit build predict --from-run {shlex.quote(name)}; "
            "or use it here: --env auto",
        )


def check_device(device: str) -> None:
    """Refuse a device that is none, before anything slow is done. Raises: UsageError."""
    try:
        from_builtins({"device": device}, Options)
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise UsageError(
            f"--device: {device!r} is no device", hint="Known: auto, cpu, cuda, cuda:N and mps"
        ) from error


def check_file(file: Path) -> None:
    """Refuse a file that is not there or may not be read; ``-`` is standard input. Raises: DataError."""
    if file == STANDARD_INPUT:
        return
    if not file.exists():
        raise DataError("no such file", file=file, hint=f"To see what is there: ls {file.parent}")
    if not os.access(file, os.R_OK):
        raise DataError("may not be read", file=file, hint=f"chmod u+r {file}")


def raise_if_failed(end: UseEnd, *, as_json: bool = False) -> None:
    """Raises: RunFailed with what went wrong, if anything did; its traceback, if it has one, is shown."""
    if end.error is not None:
        if end.error.traceback and not as_json:
            click.echo(end.error.traceback.rstrip(), err=True)
        raise RunFailed(end.error.message, hint=end.error.hint, exit_code=end.error.exit_code)


class _MakingScreen:
    """The screen on which environments are made, which only opens when there is something to be made."""

    def __init__(self) -> None:
        self._screen: RunScreen | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is not None:
            self._screen.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._open().say(text)

    def step(self, text: str) -> None:
        """Show what is being done now."""
        self._open().step(text)

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show how many bytes are there."""
        self._open().bytes(done, total, what)

    def _open(self) -> RunScreen:
        if self._screen is None:
            from envkit.cli.progress import run_screen  # with it comes rich, of which a use has no need

            self._screen = run_screen(headline="")
            self._screen.__enter__()
        return self._screen


def _provide(
    model: SavedModel,
    entry: TaskEntry,
    *,
    settings: Settings,
    env_choice: str | None,
    data: Path | None,
    progress: Progress,
) -> Environment:
    facts = read_facts(folders=(settings.home,))
    base = str(model.path)  # all that is needed of a model is there, whatever it began from
    used = model.record.environment
    extras = data_extras([] if data is None or data == STANDARD_INPUT else [data])
    # A model may come from another machine, or have outlived its environment: then any that fits serves.
    is_there = used.kind != "current" and used.name in {
        stored.name for stored in list_environments(settings.home)
    }
    if env_choice is None and is_there and not extras:
        return provide_again(
            used,
            entry=entry,
            model=base,
            facts=facts,
            settings=settings,
            progress=progress,
            is_renewed=True,
        )
    return provide_environment(
        env_choice or settings.env,
        entry=entry,
        model=base,
        facts=facts,
        settings=settings,
        progress=progress,
        host_extras=extras,
    )


def _find_plugin(model: SavedModel) -> TaskEntry:
    try:
        return find_task(model.record.task, prefer=model.record.plugin.distribution)
    except UsageError as error:
        plugin = model.record.plugin
        raise PluginError(
            f"the model is of the task {model.record.task!r}, and its plugin is not installed here: "
            f"{plugin.distribution} {plugin.version}",
            hint=f"envkit plugin install {plugin.distribution}",
        ) from error
