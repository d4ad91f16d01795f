"""Prove that an environment works, before anybody relies on it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit.api import EnvError
from envkit.environments.backends import load_backend
from envkit.environments.records import DeviceProof, Proof
from envkit.environments.store import installed_in, python_of
from envkit.environments.uv import die_with
from envkit.torchbuild.fit import cuda_of, name_gpus, usable_gpus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envkit.api import EnvironmentBackend
    from envkit.environments.plan import Plan
    from envkit.environments.uv_calls import UvCalls

_CHILD = Path(__file__).with_name("proof_child.py")
# The first import of torch on a cold disk takes a minute; on a network's file system, several.
_TIMEOUT = 600.0
_LAST_LINES = 6
_CONFLICT = re.compile(r"^The package `(?P<name>[^`]+)` (?P<what>.*)")


class _Answer(msgspec.Struct, frozen=True):
    """What the child says."""

    python: str
    torch: str | None
    devices: list[tuple[str, float]]
    tasks: list[str]
    failed: str = ""
    error: str = ""


def prove(
    prefix: Path,
    *,
    plan: Plan,
    environ: Mapping[str, str],
    is_for_here: bool = True,
    backend: EnvironmentBackend | None = None,
    uv: UvCalls | None = None,
    inherited: Sequence[int] = (),
    timeout: float = _TIMEOUT,
    meanwhile: Callable[[], None] = lambda: None,
) -> Proof:
    """Run torch on each device, and import each task's plugin, in the new environment.

    ``is_for_here`` is False where it is made for another machine; ``backend`` is the plan's, if it is loaded
    already. Where there is neither torch nor a task to try, ``uv`` checks that each package has what it asks
    for. ``meanwhile`` is called while the environment's Python is at work. Raises: EnvError with the last words
    of what failed, and what ``meanwhile`` raises.
    """
    began = time.monotonic()
    # Also one from an address that the user named, or of the base: whatever is there has to work.
    has_torch = plan.torch is not None or "torch" in installed_in(prefix)
    request = {"torch": has_torch, "tasks": list(plan.spec.tasks)}
    variables = (backend or load_backend(plan.base.backend)).activate(prefix, environ=environ)
    for name in ("PYTHONPATH", "PYTHONHOME"):
        variables.pop(name, None)
    cmd = [str(python_of(prefix)), "-I", "-u", str(_CHILD), msgspec.json.encode(request).decode()]
    try:
        # -I: nothing of this machine's own Python settings; -u: a crash takes no last words along. Bytecode is
        # kept: the first run needs it too.
        process = subprocess.Popen(
            cmd,
            env=variables,
            cwd=prefix,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(inherited),
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  # one system call, looked up before the fork
        )
    except OSError as error:
        raise _failed(plan, f"its Python does not start: {error.strerror}", b"") from error
    with process:
        try:
            meanwhile()
            said, complaints = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise _failed(plan, f"it does not answer within {timeout:.0f} s", error.stderr or b"") from error
        except BaseException:
            process.kill()
            raise
    answer = _answer_in(said)
    if answer is None:
        raise _failed(plan, f"its Python ended with status {process.returncode}", complaints)
    if answer.failed:
        raise _failed(plan, f"not true that {answer.failed}: {answer.error}", complaints)
    if uv is not None and plan.torch is None and not plan.spec.tasks:
        # Not before Python ran: uv asks the same Python, and would leave no bytecode behind.
        check_consistency(prefix, plan=plan, uv=uv)
    devices = tuple(DeviceProof(device=device, seconds=seconds) for device, seconds in answer.devices)
    return Proof(
        python=answer.python,
        torch=answer.torch,
        devices=devices,
        tasks=tuple(answer.tasks),
        left_out=_left_out(plan, devices, environ=environ, is_for_here=is_for_here),
        seconds=round(time.monotonic() - began, 3),
    )


def check_consistency(prefix: Path, *, plan: Plan, uv: UvCalls) -> None:
    """Check that each package has what it asks for. Raises: EnvError that says which does not.

    Packages that come without their dependencies on purpose may lack some.
    """
    alone = {canonicalize_name(dist.metadata["Name"]) for dist in plan.distributions}
    alone |= {canonicalize_name(Requirement(text).name) for text in plan.unresolved}
    try:
        uv("pip", "check", "--python", str(python_of(prefix)))
    except EnvError as error:
        found = [match for line in error.message.splitlines() if (match := _CONFLICT.match(line.strip()))]
        wrong = [f"{match['name']} {match['what']}" for match in found if match["name"] not in alone]
        if wrong or not found:
            raise EnvError(
                f"the packages of {plan.name} do not fit together: {'; '.join(wrong) or error.message}",
                hint="Ask for other versions: --with 'PACKAGE<VERSION'",
            ) from error


def _answer_in(said: bytes) -> _Answer | None:
    """Return the last line that is an answer: what a sitecustomize or a ``.pth`` file prints goes before it."""
    for line in reversed(said.splitlines()):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(line, type=_Answer)
    return None


def _left_out(
    plan: Plan, devices: Sequence[DeviceProof], *, environ: Mapping[str, str], is_for_here: bool
) -> tuple[str, ...]:
    """Return what the machine that it is for has and that was not tried. Raises: EnvError if it had to be."""
    if plan.torch is None:
        return ()
    gpus = usable_gpus(plan.facts)
    tried = sum(each.device.startswith("cuda") for each in devices)
    is_cuda = cuda_of(plan.torch.variant) is not None
    if is_cuda and gpus and not tried:
        hidden = next((n for n in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES") if n in environ), None)
        if is_for_here and hidden is None:
            raise EnvError(
                f"torch {plan.torch.version} in {plan.name} finds no GPU, and this machine has {name_gpus(gpus)}",
                hint="envkit doctor says what keeps a GPU from being used",
            )
        why = f"{hidden} hides it here" if is_for_here else "this machine has none"
        return (f"CUDA on {name_gpus(gpus)}: {why}",)
    if is_cuda and not tried:
        return (f"CUDA ({plan.torch.variant}): this machine has no NVIDIA GPU that can be used",)
    if plan.torch.variant == "mps" and not any(each.device == "mps" for each in devices):
        return ("MPS: no Apple GPU can be used here",)
    return ()


def _failed(plan: Plan, what: str, said: bytes) -> EnvError:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()][-_LAST_LINES:]
    words = "".join(f"\n  {line}" for line in lines)
    tasks = " ".join(f"--task {task}" for task in plan.spec.tasks)
    return EnvError(
        f"the environment {plan.name} was made but does not work: {what}{words}",
        hint=f"What was there before is as it was. Another torch may do: --torch cpu {tasks}".strip()
        if plan.torch is not None
        else "What was there before is as it was",
    )
