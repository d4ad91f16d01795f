"""Run docker's command line client, which alone speaks to BuildKit, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envkit.environments.uv import die_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from envkit.images.building.builders import Builder

# What the client gets to tell the engine that the build is off.
_CANCEL_SECONDS = 10.0
# What the client itself, or the loader that starts it, hears in its environment.
_HEARD = ("DOCKER_", "BUILDX_", "BUILDKIT_", "LD_", "DYLD_", "GO", "SSL_", "XDG_", "TMPDIR", "PATH", "HOME")


@dataclass(frozen=True, kw_only=True)
class ClientCall:
    """A call of the client; ``environ`` holds values that must not be seen on the command line."""

    cmd: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)


def build_call(
    builder: Builder,
    context_dir: Path,
    *,
    iid_file: Path,
    environ: Mapping[str, str],
    platform: str = "",
    build_args: Mapping[str, str] | None = None,
    proxies: Mapping[str, str] | None = None,
    secret_files: Mapping[str, Path] | None = None,
    no_cache: bool = False,
    pull: bool = False,
) -> ClientCall:
    """Return the call that builds a context into an image without a name and writes its id to ``iid_file``."""
    cmd = [
        str(builder.binary),
        *(("buildx",) if builder.name == "buildx" else ()),
        "build",
        "--progress=plain",
    ]
    cmd += ["--iidfile", str(iid_file)]
    if builder.name == "buildx":
        cmd += ["--load", "--metadata-file", str(metadata_file(iid_file))]
    if platform:
        cmd += ["--platform", platform]
    cmd += [flag for flag, is_set in (("--no-cache", no_cache), ("--pull", pull)) if is_set]
    # Two builds of the same are to be the same: no record of when and how is added.
    variables = {**environ, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    for name, value in {**(proxies or {}), **(build_args or {})}.items():
        if name.upper().startswith(_HEARD):
            cmd += ["--build-arg", f"{name}={value}"]
        else:
            cmd += ["--build-arg", name]
            variables[name] = value
    for secret_id, file in (secret_files or {}).items():
        cmd += ["--secret", f"id={secret_id},src={file}"]
    return ClientCall(cmd=(*cmd, str(context_dir)), environ=variables)


def metadata_file(iid_file: Path) -> Path:
    """Return where buildx writes what it made, beside the id."""
    return iid_file.with_suffix(".json")


def run_client(
    call: ClientCall, *, on_line: Callable[[str], None], timeout: float | None = None
) -> int | None:
    """Run the client to its end and return its status, None where it took longer than ``timeout`` seconds.

    It dies with this process. When the call is left by an exception, Ctrl-C's among them, the client is told
    to cancel the build and is gone before the exception goes on. Raises: OSError if it cannot start.
    """
    process = subprocess.Popen(
        call.cmd,
        env=dict(call.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A group of its own: it ends with its plugins, and Ctrl-C is for this process to judge.
        process_group=0,
        preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  # one system call, looked up before the fork
    )
    try:
        if timeout is not None:
            return _run_within(process, timeout, on_line)
        assert process.stdout is not None
        for line in process.stdout:
            on_line(line.decode("utf-8", "replace"))
        return process.wait()
    finally:
        _end(process)


def _run_within(
    process: subprocess.Popen[bytes], timeout: float, on_line: Callable[[str], None]
) -> int | None:
    try:
        said, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    _feed(said.decode("utf-8", "replace").splitlines(), on_line)
    return process.returncode


def _feed(lines: Iterable[str], on_line: Callable[[str], None]) -> None:
    for line in lines:
        on_line(line)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left: first politely, so that the engine hears of it."""
    try:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_CANCEL_SECONDS)
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
