"""How long a task would train on its data, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import EnvError, EnvkitError
from envkit.api.checks import Finding
from envkit.data.text import STANDARD_INPUT
from envkit.doctor.data_look import data_files, look_at_data

if TYPE_CHECKING:
    from envkit.api import Options
    from envkit.api.facts import MachineFacts
    from envkit.api.records import DataReport, DurationRecord
    from envkit.config import Settings
    from envkit.registry import LoadedTask

IMAGE = "docker:"  # how the setting of the environment says that it is an image
_LOOK_SECONDS = 20.0  # of the 30 that all checks have together
_MOST_PROBLEMS = 5


def data_findings(
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
        return _no_time("the data cannot be read"), failed_finding("task.data", no_file)
    if STANDARD_INPUT in (getattr(options, name, None) for name in ("train", "dev", "test")):
        skip = Finding(id="task.data", severity="skip", summary="standard input is read by the run alone")
        return _no_time("the data come with the run"), skip
    choice = "current" if settings.env.startswith(IMAGE) else settings.env
    if is_elsewhere:  # an environment that is named lies there, and the data here
        choice = "auto"
    try:
        report = look_at_data(
            loaded,
            options,
            choice=choice,
            settings=settings,
            facts=lambda: facts,
            seconds=_LOOK_SECONDS,
            is_look=True,
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
        return _no_time("the data cannot be read"), failed_finding("task.data", error)
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


def failed_finding(check: str, error: EnvkitError) -> Finding:
    """Return the finding of a check that this error answers."""
    return Finding(id=check, severity="error", summary=error.message, fix=error.hint)
