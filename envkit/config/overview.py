"""Every value of the configuration with the place that it is from, and what is wrong with it."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from envkit.api import EnvkitError
from envkit.config.lines import located
from envkit.config.names import OTHER_VARIABLES, find_name, variable_of
from envkit.config.preferences import show_preferences
from envkit.config.records import MIRROR_NAMES, PLAIN_NAMES, Settings
from envkit.config.settings import check_setting, default_home, settings_of_variables
from envkit.config.shown import (
    ConfigFile,
    ConfigProblem,
    Overview,
    ShownValue,
    TaskValues,
    defaults_of,
    show_values,
)
from envkit.config.stated import Stated, check_stated, state
from envkit.config_files import PLUGINS_TABLE, PROJECT_FILE, PYPROJECT_FILE, Layer, user_config_file
from envkit.masking import mask_secrets
from envkit.mirrors import MIRRORS_TABLE
from envkit.option_values import Value
from envkit.registry import find_tasks, load_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from envkit.api.options import Options


def config_files(layers: Sequence[Layer], *, folder: Path, user_file: Path | None = None) -> list[ConfigFile]:
    """Return the files that are asked in this folder, weakest first, those not there at their usual places."""
    own = user_file or user_config_file()
    found = {layer.file.name: layer.file for layer in layers if layer.file != own}
    project = [found.get(name, folder / name) for name in (PYPROJECT_FILE, PROJECT_FILE)]
    return [
        ConfigFile(path=str(own), scope="user", is_there=any(layer.file == own for layer in layers)),
        *(
            ConfigFile(path=str(file), scope="project", is_there=file in found.values())
            for file in project
            if file in found.values() or file.name == PROJECT_FILE
        ),
    ]


def show_config(
    layers: Sequence[Layer],
    *,
    task: str | None = None,
    folder: Path,
    user_file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Overview:
    """Return every value with its place, of this task all options, of others what is stated of them.

    What is wrong is listed, not raised. Raises: UsageError for a task that is not installed.
    """
    return _Reader(layers, environ=environ, folder=folder).overview(task, user_file=user_file)


class _Reader:
    """Gathers values and, beside them, the problems that another command would end with."""

    def __init__(self, layers: Sequence[Layer], *, environ: Mapping[str, str], folder: Path) -> None:
        self.layers = layers
        self.environ = environ
        self.folder = folder
        self.installed = find_tasks()
        self.problems: dict[str, ConfigProblem] = {}

    def overview(self, task: str | None, *, user_file: Path | None) -> Overview:
        mirrors, plain = self._settings(MIRROR_NAMES), self._settings(PLAIN_NAMES)
        tables = dict.fromkeys(key for layer in self.layers for key in layer.tables)
        tables.pop(MIRRORS_TABLE, None)
        tables.pop(PLUGINS_TABLE, None)
        named = {name: None for name in self.installed if self._variables_of(name)}
        chosen = [task] if task else [*tables, *(name for name in named if name not in tables)]
        tasks = tuple(self._task(name, is_asked=name == task) for name in chosen)
        plugins = show_preferences(self.layers, environ=self.environ, note=self._note)
        self._find_strange_variables()
        return Overview(
            files=tuple(config_files(self.layers, folder=self.folder, user_file=user_file)),
            settings=plain,
            mirrors=mirrors,
            tasks=tasks,
            problems=tuple(self.problems.values()),
            plugins=plugins,
        )

    def _settings(self, names: Sequence[str]) -> tuple[ShownValue, ...]:
        table = MIRRORS_TABLE if names is MIRROR_NAMES else None
        stated = list(self._in_files(names, table=table))
        stated += [each for each in settings_of_variables(self.environ) if each.name in names]
        defaults = {**defaults_of(Settings), "home": default_home()}
        prefix = "" if table is None else f"{table}."
        return show_values(
            stated, check=check_setting, note=self._note, defaults=defaults, names=names, prefix=prefix
        )

    def _task(self, task: str, *, is_asked: bool) -> TaskValues:
        options = self._options_of(task, is_asked=is_asked)
        if options is None:
            raw = [
                Stated(key, Value(value, str(layer.file)), layer.file, (*layer.root, task, key))
                for layer in self.layers
                for key, value in layer.tables.get(task, {}).items()
            ]
            names = tuple(dict.fromkeys(each.name for each in raw))
            values = show_values(
                raw, check=lambda each: each.value.raw, note=self._note, names=names, prefix=f"{task}."
            )
            return TaskValues(task=task, plugin=None, values=values)
        names = options.__struct_fields__
        stated = [*self._in_files(names, table=task), *self._in_variables(task, names)]
        shown = show_values(
            stated,
            check=lambda each: check_stated(options, each),
            note=self._note,
            defaults=defaults_of(options) if is_asked else {},
            names=names,
            prefix=f"{task}.",
        )
        return TaskValues(task=task, plugin=str(self.installed[task][0]), values=shown)

    def _options_of(self, task: str, *, is_asked: bool) -> type[Options] | None:
        if task in self.installed or is_asked:
            try:
                return load_task(task).task.options
            except EnvkitError as error:
                if is_asked:
                    raise
                self._note(error)
                return None
        near = difflib.get_close_matches(task, [MIRRORS_TABLE, PLUGINS_TABLE, *self.installed], n=1)
        for layer in self.layers:
            if near and task in layer.tables:
                meant = ".".join((*layer.root, near[0]))
                where = located(layer.file, (*layer.root, task))
                self._add(f"{where}: there is no table {task!r}", f"Did you mean [{meant}]?")
        return None

    def _in_files(self, names: Sequence[str], *, table: str | None) -> Iterator[Stated]:
        for layer in self.layers:
            content = layer.settings if table is None else layer.tables.get(table, {})
            for key, raw in content.items():
                try:
                    yield state(layer, key, raw, names=names, table=table)
                except EnvkitError as error:
                    self._note(error)

    def _in_variables(self, task: str, names: Sequence[str]) -> Iterator[Stated]:
        prefix = f"{variable_of(task)}_"
        for variable in self._variables_of(task):
            try:
                name = find_name(variable[len(prefix) :].lower(), names, where=f"the variable {variable}")
            except EnvkitError as error:
                self._note(error)
            else:
                value = Value(self.environ[variable], variable, is_text=True, folder=self.folder)
                yield Stated(name, value)

    def _variables_of(self, task: str) -> list[str]:
        prefix = f"{variable_of(task)}_"
        return sorted(name for name, text in self.environ.items() if name.startswith(prefix) and text)

    def _find_strange_variables(self) -> None:
        known = [variable_of(name) for name in Settings.__struct_fields__]
        prefixes = tuple(f"{variable_of(task)}_" for task in self.installed)
        for variable in sorted(self.environ):
            if not variable.startswith("ENVKIT_") or variable.startswith(prefixes):
                continue
            if variable not in known and variable not in OTHER_VARIABLES:
                near = difflib.get_close_matches(variable, [*known, *prefixes], n=1, cutoff=0.8)
                if near:
                    self._add(f"there is no variable {variable}", f"Did you mean {near[0]}?")

    def _note(self, error: EnvkitError) -> None:
        self._add(error.message, error.hint)

    def _add(self, message: str, hint: str | None) -> None:
        message = mask_secrets(message)
        self.problems.setdefault(message, ConfigProblem(message=message, hint=hint))
