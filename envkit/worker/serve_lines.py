"""Answer standard input: a row of JSON for each text or row that comes in, as soon as it is known."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import msgspec

from envkit.api import RunCancelled
from envkit.worker.reporter import EventReporter
from envkit.worker.rows_out import RowsFile
from envkit.worker.signal_watch import watch_signals
from envkit.worker.use import use

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.worker.said_lines import SaidLines
    from envkit.worker.use_request import PredictRequest

_STANDARD_INPUT = re.compile(r"^-(?=:)")  # as a file is named; rows of it are stdin:1 and so on


def serve_lines(
    request: PredictRequest, *, said: SaidLines, end_process: Callable[[int], object] = os._exit
) -> int:
    """Read standard input to its end, write rows to standard output, and return the exit code.

    What the plugin or a library prints goes to standard error. A signal ends it between two rows.
    """
    watch_signals(lambda _: end_process(RunCancelled.exit_code))
    rows = os.dup(1)  # not for the processes that a plugin may start
    os.dup2(2, 1)
    end = use(
        msgspec.structs.replace(request, texts=[], file="-"),
        report=EventReporter(said.event),
        results=RowsFile(rows),
        predictions=None,
    )
    if end.error is None:  # also where nobody reads the rows any more, as filters end
        return 0
    message = _STANDARD_INPUT.sub("stdin", end.error.message)
    said.error(msgspec.structs.replace(end.error, message=message))
    return end.error.exit_code
