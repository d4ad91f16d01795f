"""What ended a container, or kept it from starting, in words that say what to do."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.engine.failures import daemon_stopped, explain_engine_error
from envkit.images.layout import IMAGE_PYTHON
from envkit.runs.launch import Death
from envkit.worker.failures import hint_for_memory

if TYPE_CHECKING:
    from envkit.api.records import RunRequest
    from envkit.images.engine.disk import EngineDisk

# A shell's way to say that a program ended by a signal; the container's first process says it so, too.
_SIGNAL_BASE = 128
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
# The worker's own code where it was stopped, which the same way of counting would take for SIGINT.
_CANCELLED = 130
_NO_SOURCE = re.compile(
    r"bind source path does not exist: (?P<path>.+?)\.?$|statfs (?P<other>/.+?): no such file"
)
_NO_GPUS = re.compile(
    r"could not select device driver|nvidia-container-cli|unresolvable CDI devices", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class ContainerEnd:
    """How a container ended, as its engine tells.

    ``exit_code`` is None where nobody heard it; ``signals`` are those that others sent to it through the
    engine; ``is_engine_lost`` tells that the engine does not answer any more.
    """

    exit_code: int | None
    is_out_of_memory: bool = False
    signals: tuple[int, ...] = ()
    is_engine_lost: bool = False


def process_code(end: ContainerEnd) -> int:
    """Return the exit code as a parent sees it: that of a signal negative."""
    if end.exit_code is None:
        return -signal.SIGKILL
    number = end.exit_code - _SIGNAL_BASE
    is_signal = number in set(signal.Signals) and end.exit_code != _CANCELLED
    return -number if is_signal else end.exit_code


def explain_end(end: ContainerEnd, *, reference: str, endpoint: str, request: RunRequest) -> Death | None:
    """Return what ended the container, None where its exit code says no less."""
    if end.is_engine_lost:
        error = daemon_stopped(doing=f"go on with the run {request.id}", endpoint=endpoint)
        hint = (error.hint or "").partition(". Then")[0]
        return Death(message=error.message, hint=hint, exit_code=error.exit_code)
    code = process_code(end)
    if code == -signal.SIGKILL and end.is_out_of_memory:
        return Death(
            message="the container was killed by the system because memory ran out",
            hint=hint_for_memory(request),
            exit_code=1,
        )
    if code == -signal.SIGKILL and signal.SIGKILL in end.signals:
        return Death(
            message="the container was killed by somebody else (docker kill, or docker stop)",
            hint="See what the engine heard: docker events --since 1h --until 0s",
            exit_code=1,
        )
    if code in (_NOT_EXECUTABLE, _NOT_FOUND):
        what = f"{reference} has no Python at {IMAGE_PYTHON}"
        if code == _NOT_EXECUTABLE:
            what = f"the Python of {reference} does not start ({IMAGE_PYTHON})"
        return Death(
            message=f"{what}, where envkit puts it",
            hint=f"Build it anew: {build_command(request.task)}",
            exit_code=ImageError.exit_code,
        )
    return None


def explain_start(
    error: BaseException, *, reference: str, endpoint: str, task: str, disk: EngineDisk | None = None
) -> ImageError:
    """Return why a container was not made or did not start."""
    words = str(getattr(error, "explanation", None) or error)
    if "no such image" in words.lower():
        return missing_image(reference, task=task)
    if match := _NO_SOURCE.search(words):
        path = match["path"] or match["other"]
        return ImageError(
            f"the engine at {endpoint} does not see {path}: it has another file system than envkit",
            hint="Share the folder with it (Docker Desktop: Settings, Resources, File sharing). Where envkit itself "
            "runs in a container, run it outside",
        )
    if _NO_GPUS.search(words):
        return ImageError(
            f"the engine does not give the GPUs to a container: {words.strip()}",
            hint="sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker; "
            "or compute on the CPU: --device cpu",
        )
    if "exec format error" in words or "no match for platform" in words:
        return ImageError(
            f"{reference} is for another processor than this machine's",
            hint=f"Build it here: {build_command(task)}",
        )
    doing = f"start a container of {reference}"
    return explain_engine_error(error, doing=doing, endpoint=endpoint, disk=disk)


def missing_image(reference: str, *, task: str) -> ImageError:
    """Return the error for an image that the engine does not hold."""
    return ImageError(
        f"there is no image {reference} on this machine",
        hint=f"Fetch it: docker pull {reference}; or build it: {build_command(task)} --tag {reference}",
    )


def build_command(task: str) -> str:
    """Return the command that builds an image for a task."""
    return f"envkit build task --task {task}"
