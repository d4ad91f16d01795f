"""Make run folders, find them again, and say how each stands."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.api import EnvkitError, UsageError
from envkit.worker.folder import RunFolder, write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api.records import RunRequest, RunResult
    from envkit.machine import MachineFacts

RUNS_DIR = Path("runs")
RunStatus = Literal["running", "finished", "cancelled", "failed", "crashed"]

# A worker that has not yet come to take its lock: Python starts in this time even on a busy network disk.
_START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run as a list shows it. ``result`` is None while there is none."""

    folder: RunFolder
    request: RunRequest
    status: RunStatus
    result: RunResult | None

    @property
    def headline(self) -> str:
        """Return the metric that says how good the model is, without its split."""
        return (self.result and self.result.headline) or self.request.headline


def new_run_id(task: str, *, now: datetime | None = None, token: str | None = None) -> str:
    """Return an id that sorts by local time, such as ``20261122-141503-ner-4f2a``."""
    moment = datetime.now() if now is None else now
    return f"{moment:%Y%m%d-%H%M%S}-{task}-{token or secrets.token_hex(2)}"


def check_run_dir(run_dir: Path) -> None:
    """Refuse a folder that exists, before anything slow is done for it. Raises: UsageError."""
    if run_dir.exists() or run_dir.is_symlink():
        raise UsageError(
            f"the run folder {run_dir} exists already, and a run never writes over another",
            hint="Name another with --run-dir, or leave --run-dir out: each run then gets a folder of its own",
        )


def run_path(run_id: str, *, run_dir: Path | None = None, runs_dir: Path = RUNS_DIR) -> Path:
    """Return where the folder of a run is made: ``runs_dir/<id>`` unless one is named."""
    return (runs_dir / run_id if run_dir is None else run_dir).absolute()


def create_run(
    request: RunRequest,
    *,
    run_dir: Path | None = None,
    runs_dir: Path = RUNS_DIR,
    facts: MachineFacts | None = None,
) -> RunFolder:
    """Make the run's folder, ``runs_dir/<id>`` unless one is named, and record the request and the machine in it.

    Raises: UsageError where the folder exists or cannot be made, or a path in the request is not UTF-8.
    """
    path = run_path(request.id, run_dir=run_dir, runs_dir=runs_dir)
    check_run_dir(path)
    folder = RunFolder(path)
    try:
        msgspec.json.encode(request)
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{error.object!r} is not UTF-8, which the record of a run must be",
            hint="Rename the file or folder",
        ) from error
    try:
        path.mkdir(parents=True)
        folder.write_request(request)
        if facts is not None:
            record_machine(folder, facts)
    except OSError as error:
        raise UsageError(
            f"the run folder {path} cannot be made: {error.strerror}", hint="Name another with --run-dir"
        ) from error
    return folder


def record_machine(folder: RunFolder, facts: MachineFacts) -> None:
    """Record the machine that a run is on. Raises: OSError."""
    with contextlib.suppress(UnicodeEncodeError):  # a folder's name on PATH is no reason not to run
        write_record(folder.machine_file, facts)


def read_status(folder: RunFolder, *, now: Callable[[], float] = time.time) -> RunStatus:
    """Return how the run stands. Without a result it runs if its lock is held, else it has crashed.

    Raises: EnvkitError for a damaged record.
    """
    if folder.is_locked():
        return "running"
    result = folder.read_result()
    if result is not None:
        return result.status
    is_starting = (
        not folder.events_file.exists() and now() - folder.request_file.stat().st_mtime < _START_SECONDS
    )
    return "running" if is_starting else "crashed"


def summarize_run(folder: RunFolder) -> RunSummary:
    """Return what a list shows of the run. Raises: UsageError for no run folder, EnvkitError."""
    request = folder.read_request()
    status = read_status(folder)
    result = None if status == "running" else folder.read_result()
    return RunSummary(folder=folder, request=request, status=status, result=result)


def list_runs(runs_dir: Path = RUNS_DIR) -> list[RunSummary]:
    """Return the runs in this folder, oldest first. What is no run, or damaged, is left out."""
    found = []
    for request_file in runs_dir.absolute().glob("*/request.json"):
        try:
            found.append(summarize_run(RunFolder(request_file.parent)))
        except (EnvkitError, OSError):
            continue  # removed meanwhile, or not ours: the list is of the others
    return sorted(found, key=lambda run: (run.request.created, run.request.id))


def find_run(name: str, *, runs_dir: Path = RUNS_DIR) -> RunFolder:
    """Return the run with this path, id, or end of an id that no other run shares. Raises: UsageError."""
    for path in (Path(name), runs_dir / name):
        if (path / "request.json").exists():
            return RunFolder(path.absolute())
    ids = sorted(file.parent.name for file in runs_dir.glob("*/request.json"))
    matches = [run_id for run_id in ids if run_id.endswith(name)]
    if len(matches) == 1:
        return RunFolder((runs_dir / matches[0]).absolute())
    if matches:
        raise UsageError(f"{name!r} may be any of these runs: {', '.join(matches)}")
    raise UsageError(
        f"there is no run {name!r} in {runs_dir.absolute()}",
        hint="To see the runs: envkit runs list" if ids else "Runs are kept where they were started",
    )
