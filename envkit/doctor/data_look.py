"""Have the data of a task looked over: here, or in an environment that a run has made, which none is for this."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.api import EnvError, EnvkitError, RunCancelled
from envkit.api.options import to_builtins
from envkit.data.check.pieces import TOKENIZER_FILE, has_tokenizers
from envkit.data.parquet import PARQUET_PACKAGE, data_extras, has_parquet_reader
from envkit.data.text import STANDARD_INPUT
from envkit.mirrors import hub_environ
from envkit.models import find_model
from envkit.runs.earlier_speed import find_earlier_speed
from envkit.worker.data_check import CheckAnswer, CheckRequest, check_task

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from envkit.api import Options
    from envkit.api.facts import MachineFacts
    from envkit.api.records import DataReport
    from envkit.config import Settings
    from envkit.environments.records import Environment
    from envkit.registry import LoadedTask

# Processes that want to run, as a share of the cores, from which on the machine is busy.
_BUSY = 0.8


def look_at_data(
    loaded: LoadedTask,
    options: Options,
    *,
    choice: str,
    settings: Settings,
    facts: Callable[[], MachineFacts],
    seconds: float | None = None,
    is_look: bool = False,
) -> DataReport:
    """Return what is in the data that these options name, and how long training on it may take here.

    ``choice`` names the environment whose tokenizer counts; with ``seconds`` it is done in a process of its own
    that is killed then, and with ``is_look`` it counts as no use of the environment. Raises: EnvkitError that a run
    would end with; EnvError for an environment that was named and is not there, or lacks something; TimeoutError.
    """
    speed = find_earlier_speed(loaded.entry.name, options, facts=facts)
    request = CheckRequest(
        task=loaded.entry.name,
        options=to_builtins(options),
        speed=speed,
        guess="none" if speed is not None else _guess(options, facts()),
    )
    environment = _find_environment(choice, loaded, options, settings, is_look=is_look)
    if environment is not None:
        return _ask_environment(environment, request, settings, seconds=seconds)
    if seconds is None:
        return check_task(loaded, request)
    cmd = [sys.executable, "-m", "envkit.worker.data_check"]
    return _ask(cmd, request, variables=dict(os.environ), who="this Python", seconds=seconds)


def data_files(options: Options) -> list[Path]:
    """Return the files and folders of data that the options name."""
    named = [getattr(options, name, None) for name in ("data", "train", "dev", "test")]
    return [file for file in named if isinstance(file, Path) and file != STANDARD_INPUT]


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
    choice: str, loaded: LoadedTask, options: Options, settings: Settings, *, is_look: bool
) -> Environment | None:
    """Return the environment to look in, None for this interpreter; none is ever made.

    Raises: EnvError for one that was asked for by name and is not there, or lacks something.
    """
    is_parquet = bool(data_extras(data_files(options)))
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
        return find_made(loaded.entry, home=settings.home, packages=packages, is_look=is_look)
    return find_named(choice, home=settings.home, is_look=is_look)


def _can_count(options: Options, own_models: Collection[str]) -> bool:
    """Tell whether this interpreter can count the model's pieces, or none can."""
    if options.model in own_models:
        return True
    found = find_model(options.model) if has_tokenizers() else None
    return found is not None and (found.path / TOKENIZER_FILE).is_file()


def _ask_environment(
    environment: Environment, request: CheckRequest, settings: Settings, *, seconds: float | None
) -> DataReport:
    from envkit.environments.activation import activated

    cmd = [str(environment.python), "-I", "-m", "envkit.worker.data_check"]
    variables = activated(environment, hub_environ(settings.model_hub))
    who = f"the environment {environment.name}"
    return _ask(cmd, request, variables=variables, who=who, seconds=seconds)


def _ask(
    cmd: Sequence[str], request: CheckRequest, *, variables: dict[str, str], who: str, seconds: float | None
) -> DataReport:
    """Have another process look over the data. Raises: the EnvkitError that ended it, TimeoutError."""
    words = [*cmd, msgspec.json.encode(request).decode()]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, env=variables, check=False, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"no answer in {seconds:.0f} s") from error
    except OSError as error:
        raise EnvError(
            f"{who} does not start: {error.filename}: {error.strerror}", hint="Look without it: --env current"
        ) from error
    if done.returncode == RunCancelled.exit_code:
        raise RunCancelled("stopped")
    try:
        answer = msgspec.json.decode(done.stdout, type=CheckAnswer)
    except msgspec.DecodeError as error:
        raise EnvError(
            f"{who} did not answer (exit {done.returncode})", hint="Look without it: --env current"
        ) from error
    if answer.report is None:
        raise _error(answer)
    return answer.report


def _error(answer: CheckAnswer) -> EnvkitError:
    assert answer.error is not None
    error = EnvkitError(answer.error.message, hint=answer.error.hint)
    error.exit_code = answer.error.exit_code
    return error
