"""Start the processes that load a plugin for a check of it, and take what they answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.authoring import check_weight
from envkit.authoring.check_child import Asked
from envkit.authoring.check_records import Look, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envkit.registry import AnyEntry

    Arguments = Callable[[int], list[str]]

LOAD_SECONDS = 20.0
WEIGH_SECONDS = 12.0
WEIGH_TIMES = 3  # the least of three: whatever else the machine does can only add
# What takes seconds to import, or hundreds of megabytes: the worker's half of a plugin alone may.
HEAVY = (
    "accelerate", "aiohttp", "datasets", "docker", "gensim", "huggingface_hub", "jax", "keras", "matplotlib",
    "nltk", "numpy", "pandas", "peft", "polars", "pyarrow", "pydantic", "requests", "safetensors", "scipy", "seqeval",
    "sentence_transformers", "sklearn", "spacy", "tensorflow", "tokenizers", "torch", "torchmetrics", "transformers",
    "envkit.finetune", "envkit.testing",
)  # fmt: skip
_LOOK = "import sys; sys.path[:] = sys.argv[2:]; from envkit.authoring.check_child import main; main()"
# Compiled code is what a user's second command finds.
_NOT_PASSED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "ENVKIT_DISABLE_PLUGINS")


class NoWord(Exception):
    """Report a process that ended, or was ended, without an answer."""


def weigh_entry(
    entry: AnyEntry, *, search_path: Sequence[str], times: int = WEIGH_TIMES, timeout: float = WEIGH_SECONDS
) -> Weight:
    """Return the weight of an entry's module, the lightest of several tries, each in a process of its own."""
    module = entry.entry_point.module
    heavy = ",".join((*HEAVY, f"{module.partition('.')[0]}.contract"))
    tried: list[Weight] = []
    for _ in range(times):
        try:
            answer = _ask(
                lambda answers: [str(Path(check_weight.__file__)), str(answers), module, heavy, *search_path],
                timeout=timeout,
            )
        except NoWord as error:
            return Weight(problem=str(error))
        tried.append(msgspec.json.decode(answer, type=Weight))
        if tried[-1].problem is not None:
            return tried[-1]
    bare = min(each.bare_seconds for each in tried)
    return msgspec.structs.replace(min(tried, key=lambda each: each.seconds), bare_seconds=bare)


def look_at_entry(entry: AnyEntry, *, search_path: Sequence[str], timeout: float = LOAD_SECONDS) -> Look:
    """Return what is in an entry's module; of one that takes its process down, that it does."""

    def arguments(answers: int) -> list[str]:
        asked = Asked(kind=entry.kind, name=entry.name, plugin=entry.plugin, answers=answers)
        return ["-c", _LOOK, msgspec.json.encode(asked).decode(), *search_path]

    try:
        return msgspec.json.decode(_ask(arguments, timeout=timeout), type=Look)
    except NoWord as error:
        return Look(problem=str(error))


def child_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of such a process."""
    return {name: text for name, text in environ.items() if name not in _NOT_PASSED}


def _ask(arguments: Arguments, *, timeout: float) -> bytes:
    """Run this Python and return what it writes to its descriptor; all that it started ends with it."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as answers:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", *arguments(writer)],
                env=child_environ(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(writer,),
                start_new_session=True,
            )
        finally:
            os.close(writer)
        try:
            return _read(answers.fileno(), process, timeout=timeout)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(descriptor: int, process: subprocess.Popen[bytes], *, timeout: float) -> bytes:
    """Return an answer as soon as it is whole: a thread or a child of the plugin's may hold the pipe open."""
    os.set_blocking(descriptor, False)
    deadline, answer = time.monotonic() + timeout, b""
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None  # asked before the pipe is: what it wrote last is still read
        try:
            chunk = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            if has_ended:
                break
            time.sleep(0.002)
            continue
        answer += chunk
        if answer and _is_whole(answer):
            return answer
        if not chunk:
            break
    else:
        raise NoWord(f"importing it does not end within {timeout:g} s")
    status = process.wait(timeout=timeout)
    if status < 0:
        raise NoWord(f"importing it ends the process by {signal.Signals(-status).name}")
    raise NoWord(f"importing it ends the process with status {status}")


def _is_whole(answer: bytes) -> bool:
    try:
        msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return False
    return True
