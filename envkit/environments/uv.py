"""Run uv's binary: its lines as they come, a limit on silence, and nothing left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from envkit.api import EnvError
from envkit.environments.mirrors import mirror_hint
from envkit.environments.uv_failures import explain_failure
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from envkit.environments.uv_failures import Place

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_SECONDS = 0.5


class OnWait(Protocol):
    """Hear that uv works without a word: for how many seconds, and how much it wrote, if that is known."""

    def __call__(self, seconds: float, written: int | None) -> None:
        """Take note."""


@cache
def find_uv() -> Path:
    """Return uv's binary, which comes with the package of that name. Raises: EnvError."""
    try:
        import uv

        return Path(os.fsdecode(uv.find_uv_bin()))
    except (ImportError, FileNotFoundError) as error:
        from envkit.owner import install_command

        raise EnvError(
            f"uv, which makes environments, is not beside {sys.executable}",
            hint=f"Install it: {install_command('uv', is_anew=True)}",
        ) from error


def run_uv(
    arguments: Sequence[str],
    *,
    environ: Mapping[str, str],
    place: Place,
    silence: float,
    inherited: Sequence[int] = (),
    on_line: Callable[[str], None] = lambda line: None,
    on_wait: OnWait = lambda seconds, written: None,
    binary: Path | None = None,
) -> list[str]:
    """Run uv in the working folder and return its lines, passwords masked.

    It is killed when this process dies, when this call is left by an exception, and after ``silence``
    seconds in which it neither said nor wrote anything. ``inherited`` files stay open as long as it lives.
    Raises: EnvError that says what failed and, told by ``place``, which setting mends it.
    """
    process = subprocess.Popen(
        [str(binary or find_uv()), *arguments],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(inherited),
        preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  # one system call, looked up before the fork
    )
    lines: list[str] = []
    try:
        for line in _follow(process, silence=silence, on_wait=on_wait):
            lines.append(mask_secrets(line))
            on_line(lines[-1])
        status = process.wait()
    finally:
        _end(process)
    if status != 0:
        raise explain_failure(lines, status=status, place=place)
    return lines


def _follow(process: subprocess.Popen[bytes], *, silence: float, on_wait: OnWait) -> Iterator[str]:
    """Yield lines until the end of output."""
    assert process.stdout is not None
    rest, last_sign, last_line, written = b"", time.monotonic(), time.monotonic(), _written(process.pid)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=_LOOK_SECONDS):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    break
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
                last_sign = last_line = time.monotonic()
                continue
            now, before, written = time.monotonic(), written, _written(process.pid)
            if written != before:
                last_sign = now
            if now - last_sign > silence:
                raise EnvError(
                    f"uv has done nothing for {silence:.0f} seconds and was stopped",
                    hint="Try again; a slow index may need more time: PIP_DEFAULT_TIMEOUT=120. "
                    f"{mirror_hint('package-index')}",
                )
            on_wait(now - last_line, written)
    if rest:
        yield rest.decode("utf-8", "replace")


def _written(pid: int, *, root: Path = Path("/proc")) -> int | None:
    """Return how many bytes the process has written, None where the system does not tell."""
    try:
        fields = dict(line.split(": ") for line in (root / str(pid) / "io").read_text().splitlines())
        return int(fields["wchar"])
    except (OSError, ValueError, KeyError):
        return None


def die_with(parent: int) -> Callable[[], None] | None:
    """Return what the child runs first so that the kernel ends it with this process, on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork, where little is safe

    def die_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return die_with_parent


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with contextlib.suppress(OSError):
        if process.stdout is not None:
            process.stdout.close()
