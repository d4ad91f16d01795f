"""``python -m envkit.worker RUN_DIR``: do one run, in the interpreter that this is."""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvkitError, RunCancelled, UsageError
from envkit.api.errors import ResumeRefused
from envkit.checkpoints import discard_after
from envkit.worker.account import read_account
from envkit.worker.deprecations import tell_deprecations
from envkit.worker.failures import record_failure
from envkit.worker.folder import RunFolder
from envkit.worker.log_limit import LogLimit
from envkit.worker.printing import print_anything
from envkit.worker.reporter import EventFile, EventReporter
from envkit.worker.resume import ANEW, find_beginning
from envkit.worker.stop import (
    GRACE_SECONDS,
    LifeLine,
    StopRequest,
    kill_group,
    stop_on_signals,
    stop_with_host,
)
from envkit.worker.work import cancelled, open_task, work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envkit.api.records import RunRequest, RunResult


def main(arguments: Sequence[str]) -> int:
    """Do the run and return the exit code. What is raised ends up on standard error, the worker's log."""
    given = _parse(arguments)
    if given.log is not None:
        try:
            _print_to(given.log)
        except OSError as error:
            return _say_why(
                f"the log {given.log} cannot be written: {error.strerror}", None, UsageError.exit_code
            )
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    print_anything()
    stop = StopRequest()
    stop_on_signals(stop)
    if given.host is not None:
        stop_with_host(given.host, stop)
    folder = RunFolder(given.run_dir.absolute())
    try:
        code, is_cut = _run(folder, stop, given)
    except EnvkitError as error:
        return _say_why(error.message, error.hint, error.exit_code)
    if is_cut or (given.host is not None and os.getppid() != given.host):
        kill_group()  # the host would have done it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # all is written: nothing is left to be saved
    return code


def _run(folder: RunFolder, stop: StopRequest, given: argparse.Namespace) -> tuple[int, bool]:
    """Do the run; return its exit code and whether the host has gone."""
    request = folder.read_request()
    folder.lock()
    folder.refuse_finished()

    account = read_account(folder.events_file) if given.resume else None
    report = EventReporter(EventFile(folder.events_file).write, account=account)
    task, beginning = None, ANEW
    if given.resume:
        try:
            task = open_task(folder, request)
            beginning = find_beginning(folder.path, task.made_by, is_forced=given.force)
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; the run stays as it is
            return _refuse(error, folder, request, report=report), False
    end = folder.take_end()
    if beginning.checkpoint is None:
        discard_after(folder.path, -1)
    report.hello(
        plugin=f"{request.plugin.distribution} {request.plugin.version}", from_step=beginning.from_step
    )
    for warning in beginning.warnings:
        report.warn(warning)
    tell_deprecations(report.warn, plugin=f"{request.plugin.distribution} {request.plugin.version}")
    _limit_log(folder, request, report)

    def give_up() -> None:
        try:
            report.end(cancelled(request, report), folder.write_result)
        finally:
            kill_group()
            os._exit(RunCancelled.exit_code)  # started by hand, in a group that others share

    life_line = LifeLine(stop, grace=given.grace, on_overdue=give_up)
    life_line.watch()
    try:
        result = work(folder, request, report=report, stop=stop, beginning=beginning, task=task)
    except ResumeRefused as error:
        life_line.release()
        code = _refuse(error, folder, request, report=report, put_back=end.put_back)
        return code, life_line.is_cut
    life_line.release()
    report.end(result, folder.write_result)
    return _exit_code(result), life_line.is_cut


def _limit_log(folder: RunFolder, request: RunRequest, report: EventReporter) -> None:
    """Keep what the plugin prints from filling the disk; the user is told once."""
    told = False

    def tell(left_out: int) -> None:
        nonlocal told
        if not told:
            plugin = f"{request.plugin.distribution} {request.plugin.version}"
            report.warn(f"{plugin} floods its log: of what it prints, the beginning and the end are kept")
        told = True

    try:
        start = folder.log_file.stat().st_size
    except OSError:  # it is printed elsewhere
        return
    LogLimit(file=folder.log_file, start=start, on_cut=tell).watch()


def _refuse(
    error: BaseException,
    folder: RunFolder,
    request: RunRequest,
    *,
    report: EventReporter,
    put_back: Callable[[], None] = lambda: None,
) -> int:
    """Say why the run is not resumed, its folder left as it was; return the exit code."""
    why = record_failure(error, entry=None, request=request, run_dir=folder.path)
    report.refuse(why, put_back)
    if why.traceback is not None:
        sys.stderr.write(f"{why.traceback}\n")
    return _say_why(why.message, why.hint, why.exit_code)


def _say_why(message: str, hint: str | None, exit_code: int) -> int:
    sys.stderr.write(f"error: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")
    return exit_code


def _print_to(log: Path) -> None:
    """Let all that this process and its children print go to the end of a file. Raises: OSError."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def _exit_code(result: RunResult) -> int:
    if result.error is not None:
        return result.error.exit_code
    return RunCancelled.exit_code if result.status == "cancelled" else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="envkit.worker", description="Do the run of a run folder.")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest sound checkpoint, or start over without"
    )
    parser.add_argument(
        "--force", action="store_true", help="resume although data, options or packages have changed"
    )
    parser.add_argument("--host", type=int, metavar="PID", help="stop when this parent process has gone")
    parser.add_argument(
        "--grace",
        type=float,
        default=GRACE_SECONDS,
        metavar="SECONDS",
        help="how long the loop may take to stop once the host has gone (default: %(default)g)",
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="append what is printed to this file (default: print it)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
