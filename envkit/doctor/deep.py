"""Checks of ``envkit doctor --deep``: compute on every device, in processes of their own, and start a container."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.api import EnvError
from envkit.api.checks import Check, CheckContext, Finding
from envkit.doctor.deep_container import start_container
from envkit.environments.store import find_stored, python_of
from envkit.machine.process import run_process
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from envkit.api.facts import MachineFacts
    from envkit.doctor.surroundings import Surroundings
    from envkit.machine.process import ProcessOutput, RunProcess

Subject = Literal["cpu", "gpu", "bfloat16"]

DEEP_SECONDS = 60.0
_CHILD = Path(__file__).with_name("deep_child.py")
_LAST_WORDS_SECONDS = 5.0  # for the child to end itself, so that what it has said is not lost
_LAST_LINES = 4
_SUMMARIES: dict[Subject, str] = {
    "cpu": "torch computes on the processor as it should",
    "gpu": "torch computes on every GPU as it should",
    "bfloat16": "torch computes in bfloat16 on every device",
}


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the child: of torch, or of one device."""

    torch: str = ""
    built_for: str = ""
    kernels: tuple[str, ...] = ()
    device: str = ""
    state: Literal["", "begun", "right", "wrong", "failed"] = ""
    name: str | None = None
    capability: str | None = None
    difference: float | None = None
    seconds: float | None = None
    error: str = ""


def deep_checks(
    surroundings: Surroundings,
    *,
    environ: Mapping[str, str] = os.environ,
    run_process: RunProcess = run_process,
    timeout: float = DEEP_SECONDS,
) -> tuple[Check, ...]:
    """Return the checks that compute; each is a process with a limit of ``timeout`` seconds.

    They need a Python that has torch: this one, else the newest environment of envkit's that has it.
    """

    def compute(subject: Subject, context: CheckContext) -> Iterator[Finding]:
        if context.is_elsewhere:
            yield Finding(severity="skip", summary="nothing can be computed on another machine")
            return
        python = find_torch_python(context.facts, home=surroundings.home)
        if python is None:
            yield Finding(
                severity="skip",
                summary="no Python here has torch to compute with",
                fix="envkit env create NAME --task TASK makes an environment with the torch that fits",
            )
            return
        if subject == "gpu" and not _has_gpus(context.facts):
            yield Finding(severity="skip", summary="this machine has no GPU to compute on")
            return
        cmd = [python, "-I", str(_CHILD), subject, f"{max(timeout - _LAST_WORDS_SECONDS, 1):g}"]
        try:
            output = run_process(cmd, environ=environ, timeout=timeout)
        except OSError as error:
            yield Finding(severity="error", summary=f"{python} does not start: {error.strerror}")
            return
        yield judge_output(subject, output, python=python, facts=context.facts, timeout=timeout)

    def contain(context: CheckContext) -> Iterator[Finding]:
        yield start_container(context, environ=environ, timeout=timeout)

    made: list[tuple[str, str, tuple[str, ...], Callable[[CheckContext], Iterator[Finding]]]] = [
        (f"deep.{subject}", summary, ("python", "nvidia", "torch_sites"), partial(compute, subject))
        for subject, summary in _SUMMARIES.items()
    ]
    made.append(
        ("deep.container", "a container starts, with the GPUs of this machine", ("docker", "nvidia"), contain)
    )
    return tuple(
        Check(id=name, summary=summary, needs=needs, cost="slow", run=run)
        for name, summary, needs, run in made
    )


def find_torch_python(facts: MachineFacts, *, home: Path) -> str | None:
    """Return a Python that has torch: the running one, else that of the newest environment, else None."""
    made: list[tuple[str, str]] = []
    for site in facts.torch_sites:
        if not any(package.name == "torch" for package in site.packages):
            continue
        if not site.environment:
            return facts.python.path
        try:
            stored = find_stored(home, site.environment)
        except EnvError:
            continue  # removed since
        made.append((stored.record.created, str(python_of(stored.prefix))))
    return max(made)[1] if made else None


def judge_output(
    subject: Subject, output: ProcessOutput, *, python: str, facts: MachineFacts, timeout: float
) -> Finding:
    """Return what the lines of the child, and how it ended, tell."""
    said = list(_lines(output.out))
    torch = next((each for each in said if each.torch), None)
    names = {each.device: each for each in said if each.state == "begun"}
    ends = {each.device: each for each in said if each.state in ("right", "wrong", "failed")}
    evidence = (
        *([f"torch {torch.torch}, built for {torch.built_for}, of {python}"] if torch else [python]),
        *(_device_text(ends[device], names[device]) for device in names if device in ends),
    )
    silent = [device for device in names if device not in ends]
    if output.status != 0 or silent:
        where = f" on {silent[-1]}" if silent else "" if torch else ": it cannot be imported"
        how = _end_text(output, timeout=timeout)
        return Finding(
            severity="error",
            summary=f"torch {how}{where}",
            evidence=(*evidence, *_last_words(output.err)),
            fix="envkit torch says which build fits; envkit doctor says what is wrong with driver and GPU",
        )
    bad = [end for end in ends.values() if end.state != "right"]
    if bad:
        return Finding(
            severity=_severity(subject, bad),
            summary="; ".join(f"{end.device}: {_trouble(subject, end)}" for end in bad),
            evidence=(*evidence, *_lacking_kernels(torch, names)),
            fix=_fix(subject),
        )
    if subject == "gpu" and not names and not usable_gpus(facts):
        return Finding(
            severity="skip", summary="this torch is not built for the GPU that is here", evidence=evidence
        )
    missing = _missing_gpus(subject, facts, names)
    if missing:
        return Finding(
            severity="error",
            summary=missing,
            evidence=evidence,
            fix="envkit torch says which build fits; envkit doctor why the driver does not answer",
        )
    word = "computes in bfloat16 on" if subject == "bfloat16" else "computes on"
    return Finding(severity="ok", summary=f"torch {word} {', '.join(names)}", evidence=evidence)


def _lines(out: str) -> Iterator[_Said]:
    for line in out.splitlines():
        try:
            yield msgspec.json.decode(line, type=_Said)
        except msgspec.DecodeError:
            continue  # cut off by its end


def _device_text(end: _Said, begun: _Said) -> str:
    name = f" ({begun.name}, compute capability {begun.capability})" if begun.capability else ""
    name = name or (f" ({begun.name})" if begun.name else "")
    if end.state == "failed":
        return f"{end.device}{name}: {end.error}"
    seconds = f" in {end.seconds:.2f} s" if end.seconds is not None else ""
    far = "not a number" if end.difference is None else f"{end.difference:.1e}"
    return f"{end.device}{name}: {far} from float64{seconds}"


def _end_text(output: ProcessOutput, *, timeout: float) -> str:
    if output.status is None or "Timeout (" in output.err:
        return f"did not answer within {timeout:.0f} s"
    if output.status < 0:
        return f"was killed by signal {-output.status}"
    return "does not work"


def _last_words(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.strip()][-_LAST_LINES:]


def _severity(subject: Subject, bad: list[_Said]) -> Literal["error", "warn"]:
    # Without bfloat16 a run computes in float32; wrong numbers are wrong in any.
    return "warn" if subject == "bfloat16" and all(end.state == "failed" for end in bad) else "error"


def _trouble(subject: Subject, end: _Said) -> str:
    if end.state == "wrong":
        far = "no numbers" if end.difference is None else f"off by {100 * end.difference:.0f} %"
        return f"the results are wrong ({far})"
    first = end.error.splitlines()[0] if end.error else "it fails"
    return f"no bfloat16: {first}" if subject == "bfloat16" else first


def _lacking_kernels(torch: _Said | None, names: Mapping[str, _Said]) -> list[str]:
    """Say which GPUs the build has no kernels for; those of a lower minor version of the same major serve."""
    if torch is None or not torch.kernels:
        return []
    built = [kernel.partition("_")[2].rstrip("af") for kernel in torch.kernels if kernel.startswith("sm_")]
    known = {(int(each[:-1]), int(each[-1])) for each in built if each.isdecimal() and len(each) > 1}
    lacking = []
    for begun in names.values():
        major, _, minor = (begun.capability or "").partition(".")
        if major.isdecimal() and minor.isdecimal():
            has = any(each[0] == int(major) and each[1] <= int(minor) for each in known)
            if not has:
                lacking.append(f"no kernels for {begun.device} among {', '.join(torch.kernels)}")
    return lacking


def _fix(subject: Subject) -> str:
    if subject == "bfloat16":
        return "Train in float32: --precision float32"
    return "envkit torch says which build fits this machine; nvidia-smi -q shows errors of a GPU's memory"


def _has_gpus(facts: MachineFacts) -> bool:
    others = [gpu.is_integrated for gpu in facts.amd.gpus] + [gpu.is_integrated for gpu in facts.intel.gpus]
    return bool(usable_gpus(facts)) or not all(others) or facts.apple.has_mps


def _missing_gpus(subject: Subject, facts: MachineFacts, names: Mapping[str, _Said]) -> str:
    if subject != "gpu":
        return ""
    usable = usable_gpus(facts)
    hidden = facts.variable("CUDA_VISIBLE_DEVICES") is not None
    seen = sum(name.startswith("cuda") for name in names)
    if not names:
        return "torch sees no GPU" + (" (CUDA_VISIBLE_DEVICES hides them)" if hidden else "")
    if seen < len(usable) and not hidden:
        return f"torch sees {seen} of {len(usable)} GPUs"
    return ""
