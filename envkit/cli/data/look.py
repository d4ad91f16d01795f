"""Look over the data of a task: here, or in an environment that a run has made, and show what was found."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from envkit import config
from envkit.api import EnvError, EnvkitError, RunCancelled
from envkit.api.options import to_builtins
from envkit.cli import envelope
from envkit.data.check.pieces import TOKENIZER_FILE, has_tokenizers
from envkit.data.parquet import PARQUET_PACKAGE, data_extras, has_parquet_reader
from envkit.data.text import STANDARD_INPUT
from envkit.machine import MachineFacts, read_facts
from envkit.mirrors import hub_environ
from envkit.models import find_model
from envkit.runs.earlier_speed import find_earlier_speed
from envkit.worker.data_check import CheckAnswer, CheckRequest, check_task

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from envkit.api import Options
    from envkit.api.records import DataReport
    from envkit.config import Settings
    from envkit.environments.records import Environment
    from envkit.registry import LoadedTask

# Processes that want to run, as a share of the cores, from which on the machine is busy.
_BUSY = 0.8


def look_over(
    loaded: LoadedTask,
    *,
    flags: Mapping[str, Any],
    env_choice: str | None,
    as_json: bool,
    by_order: Collection[str] = (),
) -> None:
    """Read, look over and show; ``by_order`` are splits whose file was told by the order of the files.

    Raises: click's Exit with 1 for data that would end a run; EnvkitError.
    """
    folder = Path.cwd()
    layers = config.read_layers(folder)
    options, _ = config.resolve_options(
        loaded.entry.name, loaded.task.options, flags=flags, layers=layers, folder=folder
    )
    settings = config.resolve_settings(layers)

    @cache
    def facts() -> MachineFacts:
        return read_facts(folders=(settings.home,))

    speed = find_earlier_speed(loaded.entry.name, options, facts=facts)
    request = CheckRequest(
        task=loaded.entry.name,
        options=to_builtins(options),
        speed=speed,
        guess="none" if speed is not None else _guess(options, facts()),
    )
    environment = _find_environment(env_choice or settings.env, loaded, options, settings)
    report = check_task(loaded, request) if environment is None else _ask(environment, request, settings)
    if as_json:
        envelope.write(["data", "check", loaded.entry.name], data=report)
    else:
        from envkit.cli.data.screen import print_data_report

        print_data_report(report, by_order=by_order)
    if any(problem.level == "error" for problem in report.problems):
        raise click.exceptions.Exit(1)


def _guess(options: Options, facts: MachineFacts) -> Literal["none", "float32", "bfloat16"]:
    """Return by which processor the speed of a run can be guessed; not where a GPU would do the work.

    Nor while others are at work here: a matrix product would measure them.
    """
    cores = facts.cpu.logical_cores or os.cpu_count() or 1
    if os.getloadavg()[0] > _BUSY * cores:
        return "none"
    is_on_cpu = options.device == "cpu" or (options.device == "auto" and not facts.nvidia.pci_devices)
    if not is_on_cpu or facts.nvidia.gpus or facts.platform.system == "darwin":
        return "none"
    is_fast = {"avx512_bf16", "amx_bf16", "bf16"} & set(facts.cpu.features)
    return "bfloat16" if is_fast and getattr(options, "precision", "auto") != "float32" else "float32"


def _find_environment(
    choice: str, loaded: LoadedTask, options: Options, settings: Settings
) -> Environment | None:
    """Return the environment to look in, None for this interpreter; none is ever made.

    Raises: EnvError for one that was asked for by name and is not there, or lacks something.
    """
    is_parquet = bool(data_extras(_files(options)))
    if choice == "current" or (
        choice == "auto"
        and _can_count(options, loaded.task.own_models)
        and (has_parquet_reader() or not is_parquet)
    ):
        return None
    from envkit.environments.find_made import find_made, find_named  # a check here needs no store

    if choice == "auto":
        # Where none can read the data, this interpreter does, or says what it lacks.
        packages = [PARQUET_PACKAGE] if is_parquet else []
        return find_made(loaded.entry, home=settings.home, packages=packages)
    return find_named(choice, home=settings.home)


def _files(options: Options) -> list[Path]:
    named = [getattr(options, name, None) for name in ("data", "train", "dev", "test")]
    return [file for file in named if isinstance(file, Path) and file != STANDARD_INPUT]


def _can_count(options: Options, own_models: Collection[str]) -> bool:
    """Tell whether this interpreter can count the model's pieces, or none can."""
    if options.model in own_models:
        return True
    found = find_model(options.model) if has_tokenizers() else None
    return found is not None and (found.path / TOKENIZER_FILE).is_file()


def _ask(environment: Environment, request: CheckRequest, settings: Settings) -> DataReport:
    """Have the environment look over the data. Raises: the EnvkitError that ended it."""
    from envkit.environments.activation import activated

    command = [
        str(environment.python),
        *("-I", "-m", "envkit.worker.data_check"),
        msgspec.json.encode(request).decode(),
    ]
    variables = activated(environment, hub_environ(settings.model_hub))
    done = subprocess.run(command, stdout=subprocess.PIPE, env=variables, check=False)
    if done.returncode == RunCancelled.exit_code:
        raise RunCancelled("stopped")
    try:
        answer = msgspec.json.decode(done.stdout, type=CheckAnswer)
    except msgspec.DecodeError as error:
        raise EnvError(
            f"the environment {environment.name} did not answer (exit {done.returncode})",
            hint="Look without it: --env current",
        ) from error
    if answer.report is None:
        raise _error(answer)
    return answer.report


def _error(answer: CheckAnswer) -> EnvkitError:
    assert answer.error is not None
    error = EnvkitError(answer.error.message, hint=answer.error.hint)
    error.exit_code = answer.error.exit_code
    return error
