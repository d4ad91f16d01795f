"""Is this machine ready for a task: ``envkit doctor --task ner [--train FILE]``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit import config
from envkit.api import EnvError, EnvkitError, MachineError
from envkit.api.checks import Finding
from envkit.data.parquet import data_extras
from envkit.data.text import STANDARD_INPUT
from envkit.doctor.data_look import data_files, look_at_data
from envkit.doctor.readiness_size import disk_finding, memory_finding
from envkit.environments.disk_space import estimate_size
from envkit.environments.foresee import Foreseen, foresee_environment
from envkit.environments.records import format_size
from envkit.registry import load_task
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import Options
    from envkit.api.facts import MachineFacts
    from envkit.api.records import DataReport, DurationRecord
    from envkit.config import Settings
    from envkit.doctor.surroundings import Surroundings
    from envkit.registry import LoadedTask

_LOOK_SECONDS = 20.0  # of the 30 that all checks have together
_IMAGE = "docker:"
_MOST_PROBLEMS = 5


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
) -> tuple[Finding, ...]:
    """Return what a run of this task on this machine would meet: an error is where it would fail.

    ``train`` is what to train on, a file or a folder, else what the configuration says, else the task's own
    sample. ``folder`` is where the run would be started. With ``is_elsewhere`` the facts are another
    machine's, where nobody can look for environments, models and earlier runs. Nothing is made or fetched.
    """
    try:
        loaded = load_task(task)
        options = _options(loaded, train, folder=folder or Path.cwd(), environ=environ)
    except EnvkitError as error:
        return (_failed("task.environment", error),)
    choice = settings.env
    if choice.startswith(_IMAGE):
        return (
            Finding(
                id="task.environment",
                severity="info",
                summary=f"a run would be in a container of the image {choice.removeprefix(_IMAGE)}",
                fix=f"envkit image check {choice.removeprefix(_IMAGE)}",
            ),
            *_data_findings(loaded, options, facts, settings, is_elsewhere=is_elsewhere),
        )
    foreseen: Foreseen | None = None
    try:
        found = foresee_environment(
            choice,
            entry=loaded.entry,
            model=options.model,
            facts=facts,
            settings=settings,
            host_extras=data_extras(file for file in data_files(options) if file.exists()),
            environ=environ,
            is_elsewhere=is_elsewhere,
        )
    except MachineError as error:
        place: tuple[Finding, ...] = (_failed("task.torch", error),)
    except EnvkitError as error:
        place = (_failed("task.environment", error),)
    else:
        foreseen = found
        place = (_environment_finding(found), _torch_finding(found, options, facts))
    return (
        *place,
        disk_finding(foreseen, options, facts=facts, surroundings=surroundings, environ=environ),
        memory_finding(options, facts=facts, environ=environ),
        *_data_findings(loaded, options, facts, settings, is_elsewhere=is_elsewhere),
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


def _failed(check: str, error: EnvkitError) -> Finding:
    return Finding(id=check, severity="error", summary=error.message, fix=error.hint)


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


def _data_findings(
    loaded: LoadedTask,
    options: Options,
    facts: MachineFacts,
    settings: Settings,
    *,
    is_elsewhere: bool,
) -> tuple[Finding, Finding]:
    """Return how long training may take, and what is wrong with the data."""
    missing = [file for file in data_files(options) if not file.exists()]
    if missing:
        no_file = EnvkitError(
            f"{missing[0]}: no such file or folder", hint="Name what there is: --train FILE"
        )
        return _no_time("the data cannot be read"), _failed("task.data", no_file)
    if STANDARD_INPUT in (getattr(options, name, None) for name in ("train", "dev", "test")):
        skip = Finding(id="task.data", severity="skip", summary="standard input is read by the run alone")
        return _no_time("the data come with the run"), skip
    choice = "current" if settings.env.startswith(_IMAGE) else settings.env
    try:
        report = look_at_data(
            loaded,
            options,
            choice=choice,
            settings=settings,
            facts=lambda: facts,
            seconds=_LOOK_SECONDS,
        )
    except TimeoutError:
        fix = f"envkit data check {loaded.entry.name} FILE takes the time it needs"
        slow = Finding(
            id="task.data", severity="info", summary="the data are too large to look over here", fix=fix
        )
        return _no_time("the data are too large to look over here"), slow
    except EnvError as error:  # of the environment, which has a finding of its own
        return _no_time(error.message), Finding(id="task.data", severity="skip", summary=error.message)
    except EnvkitError as error:
        return _no_time("the data cannot be read"), _failed("task.data", error)
    time = (
        _no_time(_why_no_time(report, facts))
        if is_elsewhere or not report.training
        else _time(report.training)
    )
    return time, _data_finding(report, is_sample=not data_files(options))


def _why_no_time(report: DataReport, facts: MachineFacts) -> str:
    if report.left_out:
        return report.left_out[0]
    if facts.nvidia.gpus or facts.amd.gpus or facts.apple.has_mps:
        return "no run of this model on this GPU is known to go by"
    return "no earlier run is known to go by, and the machine is busy"


def _no_time(why: str) -> Finding:
    return Finding(
        id="task.time", severity="skip", summary="how long training takes is not known", evidence=(why,)
    )


def _time(training: DurationRecord) -> Finding:
    rough = "very roughly " if training.is_rough else ""
    epochs = f"{training.epochs} epoch{'s'[: training.epochs != 1]}"
    return Finding(
        id="task.time",
        severity="ok",
        summary=f"{epochs} would take {rough}{_span(training.least)} to {_span(training.most)}",
        evidence=(f"{training.tokens_per_second:.0f} tokens a second by {training.source}",),
    )


def _span(seconds: float) -> str:
    """Return a duration as people say it: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _data_finding(report: DataReport, *, is_sample: bool) -> Finding:
    problems = [problem for problem in report.problems if problem.level != "note"]
    errors = [problem for problem in problems if problem.level == "error"]
    rows = ", ".join(f"{split.rows} rows of {split.split}" for split in report.splits)
    if is_sample and not errors:
        what = "no data are named, so the task's own sample would be used"
        return Finding(
            id="task.data",
            severity="info",
            summary=what,
            evidence=(rows,),
            fix=f"Name yours: envkit doctor --task {report.task} --train FILE",
        )
    if not problems:
        return Finding(id="task.data", severity="ok", summary=f"the data are sound: {rows}")
    shown = errors or problems
    files = " ".join(report.files.values())
    return Finding(
        id="task.data",
        severity="error" if errors else "warn",
        summary=shown[0].message + (f", and {len(shown) - 1} more" if len(shown) > 1 else ""),
        evidence=(
            rows,
            *(
                f"{problem.place}: {problem.message}" if problem.place else problem.message
                for problem in shown[:_MOST_PROBLEMS]
            ),
        ),
        fix=shown[0].hint or f"envkit data check {report.task} {files}".rstrip(),
    )
