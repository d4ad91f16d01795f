"""``python -m envkit.worker.alone [TASK] [OPTIONS]``: a run without a host, as an image of a task begins with.

Options are flags, or variables; progress is plain lines on standard error, the result a line on standard
output. The run's folder is as any run's, so that a host can show it, score it and go on with it.
"""

from __future__ import annotations

import faulthandler
import os
import secrets
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from envkit import __version__
from envkit.api import EnvkitError, PluginError, RunCancelled, UsageError
from envkit.api.options import to_builtins
from envkit.api.records import EnvironmentUse, ErrorRecord, PluginRecord, RunRequest, RunResult
from envkit.registry import LoadedTask, find_tasks, load_task
from envkit.worker.alone_options import AS_YOURSELF, Resolved, help_text, read_flags, resolve
from envkit.worker.folder import RunFolder
from envkit.worker.kept import is_gone_with_container
from envkit.worker.printing import print_anything
from envkit.worker.progress_lines import ProgressLines
from envkit.worker.reporter import EventFile, EventReporter
from envkit.worker.said_lines import SaidLines
from envkit.worker.stop import StopRequest
from envkit.worker.work import cancelled, work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envkit.api.events import AnyEvent

_RUNS_DIR = Path("runs")
_STOPPING = "Stopping at the next step. Once more ends the run at once."


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says and return the exit code."""
    # Numbers 1 and 2 become the run's log: what a library prints is no progress and no result.
    progress, answers = _kept_open(2), _kept_open(1)
    faulthandler.enable(progress)  # a crash in native code leaves its stack where people look
    print_anything()
    said = SaidLines(progress)
    try:
        return _run(arguments, said=said, answers=SaidLines(answers))
    except EnvkitError as error:
        said.error(ErrorRecord(message=error.message, hint=error.hint, exit_code=error.exit_code))
        return error.exit_code


def _run(arguments: Sequence[str], *, said: SaidLines, answers: SaidLines) -> int:
    loaded, words = _find_task(arguments)
    flags = read_flags(words, loaded.task.options)
    if flags.asks_for_help:
        answers.say(help_text(loaded))
        return 0
    here = Path.cwd()
    request = _request(loaded, resolve(loaded, flags.values, folder=here))
    folder = _make_folder(request, here / (flags.run_dir or _RUNS_DIR / request.id))
    path = folder.path.relative_to(here) if folder.path.is_relative_to(here) else folder.path
    # A control character in a folder's name is no command to the terminal that shows it.
    shown = Path("".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(path)))
    said.say(f"Run folder: {shown}")
    if is_gone_with_container(folder.path):
        said.say(
            "warning: nothing is mounted there, so the run's folder will be gone with the container; to keep "
            f'it: docker run --user "$(id -u):$(id -g)" -v "$PWD:{here}" IMAGE'
        )
    result = _work(folder, request, said=said)
    if result.error is not None:
        hint = result.error.hint or f"What it printed: {shown / folder.log_file.name}"
        said.error(msgspec.structs.replace(result.error, hint=hint))
        return result.error.exit_code
    if result.status == "cancelled":
        kept = f"; the model so far: {shown / result.model_dir}" if result.model_dir else ""
        said.say(f"error: the run was stopped{kept}")
        return RunCancelled.exit_code
    answers.say(_result_line(result, request, shown=shown))
    return 0


def _find_task(arguments: Sequence[str]) -> tuple[LoadedTask, Sequence[str]]:
    """Return the task that the first word names, or the only one, and the other words. Raises: UsageError, PluginError."""
    if arguments and not arguments[0].startswith("-"):
        return load_task(arguments[0]), arguments[1:]
    tasks = list(find_tasks())
    if len(tasks) > 1:
        raise UsageError(f"which task? Here are {', '.join(tasks)}", hint="Name one before its options")
    if not tasks:
        raise PluginError("no plugin is installed here, so there is no task", hint="Build another image")
    return load_task(tasks[0]), arguments


def _request(loaded: LoadedTask, resolved: Resolved) -> RunRequest:
    entry = loaded.entry
    now = datetime.now()
    return RunRequest(
        id=f"{now:%Y%m%d-%H%M%S}-{entry.name}-{secrets.token_hex(2)}",
        task=entry.name,
        plugin=PluginRecord(distribution=entry.plugin, version=entry.version),
        options=to_builtins(resolved.options),
        sources=dict(resolved.sources),
        environment=EnvironmentUse(
            kind="docker",
            name="docker",
            python=sys.executable,
            reason="the Python that the run was started with",
        ),
        envkit=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        headline=loaded.task.headline,
    )


def _make_folder(request: RunRequest, path: Path) -> RunFolder:
    """Make the run's folder, take it, and record the request in it. Raises: UsageError."""
    folder = RunFolder(path.absolute())
    try:
        msgspec.json.encode(request)
    except UnicodeEncodeError as error:
        raise UsageError(f"{error.object!r} is not UTF-8", hint="Rename the file or folder") from error
    if os.path.lexists(path):  # where nobody may look, making it says why
        raise UsageError(
            f"the run folder {path} exists already, and a run never writes over another",
            hint="Name another with --run-dir, or leave --run-dir out",
        )
    try:
        folder.path.mkdir(parents=True)
        folder.write_request(request)
    except OSError as error:
        raise UsageError(
            f"the run folder {path} cannot be made: {error.strerror}",
            hint=f"Mount a folder of your own and be yourself in it: {AS_YOURSELF}",
        ) from error
    folder.lock()
    return folder


def _work(folder: RunFolder, request: RunRequest, *, said: SaidLines) -> RunResult:
    """Do the run; what it prints goes into its log, what happens into its events and to ``said``."""
    with folder.log_file.open("ab", buffering=0) as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    lines = ProgressLines(said, headline=request.headline)
    events = EventFile(folder.events_file)

    def write(event: AnyEvent) -> None:
        events.write(event)
        lines.event(event)

    report = EventReporter(write)
    stop = StopRequest()

    def give_up() -> None:
        report.end(cancelled(request, report), folder.write_result)
        said.say("error: the run was ended before it could save")
        os._exit(RunCancelled.exit_code)

    _stop_on_signals(stop, said=said, give_up=give_up)
    report.hello(plugin=f"{request.plugin.distribution} {request.plugin.version}")
    result = work(folder, request, report=report, stop=stop)
    report.end(result, folder.write_result)
    return result


def _stop_on_signals(stop: StopRequest, *, said: SaidLines, give_up: Callable[[], None]) -> None:
    """Let the first signal ask for a stop at the next step; the next one calls ``give_up``."""
    asked = False

    def on_signal(*_: object) -> None:
        nonlocal asked
        if asked:
            give_up()
        asked = True
        stop.ask()
        said.say(_STOPPING)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, on_signal)


def _result_line(result: RunResult, request: RunRequest, *, shown: Path) -> str:
    headline = result.headline or request.headline
    scores = [
        f"{name} {value:.4f}"
        for name, value in result.metrics.items()
        if name in (f"dev/{headline}", f"test/{headline}")
    ]
    model = [f"model {shown / result.model_dir}"] if result.model_dir else []
    return "  ".join([*scores, *(model or [f"run {shown}"])])


def _kept_open(number: int) -> IO[str]:
    """Return a stream of its own to where this descriptor leads; nowhere, where it is closed."""
    try:
        descriptor = os.dup(number)
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY)
    # What the locale lacks is no reason to fail.
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # a thread of the plugin's would hold a gentler end up
