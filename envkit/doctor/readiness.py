"""Is this machine ready for a task: ``envkit doctor --task ner [--train FILE]``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit import config
from envkit.api import EnvkitError, MachineError
from envkit.api.checks import Finding
from envkit.data.parquet import data_extras
from envkit.doctor.data_look import data_files
from envkit.doctor.readiness_data import IMAGE, data_findings, failed_finding
from envkit.doctor.readiness_size import disk_finding, memory_finding
from envkit.environments.disk_space import estimate_size
from envkit.environments.foresee import Foreseen, foresee_environment
from envkit.environments.records import format_size
from envkit.machine.time_limit import call_in_time
from envkit.registry import load_task
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import Options
    from envkit.api.facts import MachineFacts
    from envkit.config import Settings
    from envkit.doctor.surroundings import Surroundings
    from envkit.registry import LoadedTask

_PLACE_SECONDS = 8.0  # a home that does not answer takes no other finding's time
_SILENT = "the files that a run reads first, of pip, uv, envkit and the models, do not answer"
_SILENT_HINT = "Mend or unmount what they lie on, or name another: HOME, XDG_CONFIG_HOME, XDG_CACHE_HOME"


def task_findings(
    task: str,
    *,
    train: Path | None,
    facts: MachineFacts,
    surroundings: Surroundings,
    settings: Settings,
    is_elsewhere: bool = False,
    folder: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    seconds: float = _PLACE_SECONDS,
) -> tuple[Finding, ...]:
    """Return what a run of this task on this machine would meet: an error is where it would fail.

    ``train`` is what to train on, a file or a folder, else what the configuration says, else the task's own
    sample. ``folder`` is where the run would be started. With ``is_elsewhere`` the facts are another
    machine's, where nobody can look for environments, models and earlier runs. Nothing is made or fetched. What is
    read besides the data has to answer in ``seconds``.
    """
    where = folder or Path.cwd()

    def look() -> tuple[Options, tuple[Finding, ...]]:
        options = _options(loaded, train, folder=where, environ=environ)
        place = _place_findings(
            loaded, options, facts, surroundings, settings, environ=environ, is_elsewhere=is_elsewhere
        )
        return options, place

    try:
        loaded = call_in_time(lambda: load_task(task), seconds=seconds)
    except TimeoutError as error:
        late = MachineError(
            f"the plugin of {task} cannot be imported here: {error}",
            hint="envkit plugin list tells which and why",
        )
        return (failed_finding("task.environment", late),)
    except EnvkitError as error:
        return (failed_finding("task.environment", error),)
    try:
        options, place = call_in_time(look, seconds=seconds)
    except TimeoutError as error:
        return (failed_finding("task.environment", MachineError(f"{_SILENT}: {error}", hint=_SILENT_HINT)),)
    except EnvkitError as error:
        return (failed_finding("task.environment", error),)
    return (*place, *data_findings(loaded, options, facts, settings, is_elsewhere=is_elsewhere))


def _place_findings(
    loaded: LoadedTask,
    options: Options,
    facts: MachineFacts,
    surroundings: Surroundings,
    settings: Settings,
    *,
    environ: Mapping[str, str],
    is_elsewhere: bool,
) -> tuple[Finding, ...]:
    """Return what a run would be in, and whether that has the room it needs."""
    choice = settings.env
    if choice.startswith(IMAGE):
        image = choice.removeprefix(IMAGE)
        summary = f"a run would be in a container of the image {image}"
        fix = f"envkit image check {image}"
        return (Finding(id="task.environment", severity="info", summary=summary, fix=fix),)
    foreseen: Foreseen | None = None
    try:
        foreseen = foresee_environment(
            choice,
            entry=loaded.entry,
            model=options.model,
            facts=facts,
            settings=settings,
            host_extras=data_extras(file for file in data_files(options) if file.exists()),
            environ=environ,
            is_elsewhere=is_elsewhere,
        )
        place: tuple[Finding, ...] = (
            _environment_finding(foreseen),
            _torch_finding(foreseen, options, facts),
        )
    except EnvkitError as error:
        check = "task.torch" if isinstance(error, MachineError) else "task.environment"
        place = (failed_finding(check, error),)
    return (
        *place,
        disk_finding(foreseen, options, facts=facts, surroundings=surroundings, environ=environ),
        memory_finding(options, facts=facts, environ=environ),
    )


def _options(loaded: LoadedTask, train: Path | None, *, folder: Path, environ: Mapping[str, str]) -> Options:
    """Return the options that a run would have. Raises: ConfigError, UsageError."""
    flags: dict[str, Any] = {}
    if train is not None:
        flags["data" if train.is_dir() else "train"] = str(train)
    layers = config.read_layers(folder)
    options, _ = config.resolve_options(
        loaded.entry.name, loaded.task.options, flags=flags, layers=layers, folder=folder, environ=environ
    )
    return options


def _environment_finding(foreseen: Foreseen) -> Finding:
    if foreseen.kind == "current":
        return Finding(id="task.environment", severity="ok", summary=foreseen.reason)
    if foreseen.kind == "made":
        return Finding(
            id="task.environment",
            severity="ok",
            summary=f"the environment {foreseen.name} would be used, {foreseen.reason}",
        )
    size = format_size(estimate_size(foreseen.torch))
    return Finding(
        id="task.environment",
        severity="info",
        summary=f"the environment {foreseen.name} would be made, about {size}",
        evidence=(foreseen.reason,),
    )


def _torch_finding(foreseen: Foreseen, options: Options, facts: MachineFacts) -> Finding:
    """Return which torch a run would compute with, and whether on the device that is asked for."""
    build, version = foreseen.torch, foreseen.installed
    name = f"torch {version}" if version else "no torch"
    evidence: tuple[str, ...] = ()
    if foreseen.kind != "current" and build is not None:
        name, evidence = f"torch {build.version} ({build.variant})", (build.reason,)
    elif version is None:
        return Finding(id="task.torch", severity="skip", summary="this task needs no torch")
    wanted = str(getattr(options, "device", "auto"))
    has_gpu = bool(usable_gpus(facts)) or bool(facts.amd.gpus)
    if wanted.startswith("cuda") and not has_gpu:
        return Finding(
            id="task.torch",
            severity="error",
            summary=f"--device {wanted} was asked for, and no GPU of this machine answers",
            evidence=(name, *evidence),
            fix="envkit doctor --only gpu says why; or compute on the CPU: --device cpu",
        )
    if wanted == "mps" and not facts.apple.has_mps:
        return Finding(
            id="task.torch",
            severity="error",
            summary="--device mps was asked for, and this machine has no GPU of Apple's",
            evidence=(name, *evidence),
            fix="Compute on the CPU: --device cpu",
        )
    is_for_cpu = _is_for_cpu(foreseen)
    if has_gpu and is_for_cpu and wanted != "cpu":
        return Finding(
            id="task.torch",
            severity="warn",
            summary=f"{name} would compute on the CPU, though there is a GPU",
            evidence=evidence,
            fix="envkit torch says which build the GPU needs, and what keeps it from being chosen",
        )
    is_on_gpu = wanted != "cpu" and (has_gpu or facts.apple.has_mps)
    where = "on the GPU" if is_on_gpu else "on the CPU"
    return Finding(id="task.torch", severity="ok", summary=f"{name} would compute {where}", evidence=evidence)


def _is_for_cpu(foreseen: Foreseen) -> bool:
    if foreseen.installed is not None:
        return foreseen.installed.endswith("+cpu")
    return foreseen.torch is not None and foreseen.torch.variant == "cpu"
