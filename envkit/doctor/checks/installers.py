"""Checks of what installs: uv, pip's configuration, which counts for uv too, and conda."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from envkit.api.checks import Check, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import CondaTool, PipSetting
    from envkit.doctor.surroundings import Surroundings

# As in envkit's own requirements.
_OLDEST_UV = Version("0.9")
# The first conda with libmamba as its solver. Source: conda's release notes, 23.10.0.
_FIRST_QUICK_CONDA = Version("23.10")
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# Where they make pip put packages, environments do not look.
_MISPLACING = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of installers."""
    return (
        Check(id="installer.uv", summary="uv is there", needs=("python", "uv"), run=_check_uv),
        Check(
            id="installer.pip-configuration",
            summary="pip's configuration can be obeyed, and is safe",
            needs=("pip", "variables"),
            run=lambda context: _check_pip(context, surroundings.silent_links),
        ),
        Check(
            id="installer.conda",
            summary="conda, where it is installed, solves with libmamba",
            needs=("conda",),
            run=_check_conda,
        ),
    )


def _check_uv(context: CheckContext) -> Iterator[Finding]:
    uv = context.facts.uv
    install = f"{shlex.quote(context.facts.python.path)} -m pip install --force-reinstall uv"
    if uv.path is None:
        yield Finding(
            severity="error",
            summary="uv, which makes environments, is not beside this Python",
            evidence=(f"Python: {context.facts.python.path}",),
            fix=install,
        )
        return
    version = _version(uv.version)
    if version is not None and version < _OLDEST_UV:
        yield Finding(
            severity="error",
            summary=f"uv {uv.version} is too old: envkit needs {_OLDEST_UV} or newer",
            evidence=(f"uv: {uv.path}",),
            fix=install.replace("--force-reinstall", "--upgrade"),
        )


def _check_pip(context: CheckContext, silent: tuple[str, ...]) -> Iterator[Finding]:
    pip = context.facts.pip
    if silent and not context.is_elsewhere:
        yield Finding(
            severity="error",
            summary="What pip is told to look into gives no answer: an installation would hang",
            evidence=silent,
            fix="Mend or unmount what it lies on, or take it out of pip's configuration (pip config debug)",
        )
    if pip.problem is not None:
        yield Finding(
            severity="error",
            summary="pip's configuration cannot be read: neither pip nor envkit can install",
            evidence=(pip.problem,),
            fix="Mend the file (pip config debug lists them), or leave pip's files out: "
            "export PIP_CONFIG_FILE=/dev/null",
        )
        return
    found = {setting.name: setting for setting in pip.settings}
    for name, judge in (
        ("trusted-host", _judge_trusted_host),
        ("index-url", _judge_address),
        ("extra-index-url", _judge_address),
        ("no-index", _judge_no_index),
        ("no-binary", _judge_no_binary),
    ):
        if name in found and (finding := judge(found[name], found)) is not None:
            yield finding
    for name in _MISPLACING:
        if value := context.facts.variable(name):
            yield Finding(
                severity="warn",
                summary=f"{name} makes pip install where no environment looks",
                evidence=(f"{name}={value}",),
                fix=f"unset {name}",
            )


def _judge_trusted_host(setting: PipSetting, found: dict[str, PipSetting]) -> Finding | None:
    return Finding(
        severity="warn",
        summary="pip takes packages from these hosts without looking at their certificates",
        evidence=(_said(setting),),
        fix="Name the certificates of your network instead (pip config set global.cert FILE), and take it out: "
        "pip config unset global.trusted-host",
    )


def _judge_address(setting: PipSetting, found: dict[str, PipSetting]) -> Finding | None:
    plain = [each for each in setting.value.split() if _is_open(each)]
    if not plain:
        return None
    return Finding(
        severity="warn",
        summary="Packages come over http: anybody on the way can change them",
        evidence=(_said(setting),),
        fix=f"pip config set global.{setting.name} {shlex.quote(plain[0].replace('http://', 'https://', 1))}",
    )


def _is_open(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS


def _judge_no_index(setting: PipSetting, found: dict[str, PipSetting]) -> Finding | None:
    if setting.value != "true" or "find-links" in found:
        return None
    return Finding(
        severity="error",
        summary="pip may ask no index and knows no folder of wheels: nothing can be installed",
        evidence=(_said(setting),),
        fix="Name a folder of wheels (pip config set global.find-links DIR), or allow the index: "
        "pip config unset global.no-index",
    )


def _judge_no_binary(setting: PipSetting, found: dict[str, PipSetting]) -> Finding | None:
    names = {name.strip() for name in setting.value.replace(",", " ").split()}
    if not names & {":all:", "torch"}:
        return None
    return Finding(
        severity="error",
        summary="pip may use no wheel of torch, and no index has its source",
        evidence=(_said(setting),),
        fix="pip config unset global.no-binary   # or PIP_NO_BINARY",
    )


def _said(setting: PipSetting) -> str:
    return f"{setting.name} = {setting.value}, from {setting.source}"


def _check_conda(context: CheckContext) -> Iterator[Finding]:
    for tool in context.facts.conda:
        if tool.name != "conda" or not _is_slow(tool):
            continue
        conda = shlex.quote(tool.path)
        is_old = tool.solver is None
        yield Finding(
            severity="info",
            summary="conda's own solver is the classic one, which can take minutes; envkit does not use it",
            evidence=(f"{tool.path}, conda {tool.version or 'of unknown version'}",)
            + ((f"solver: {tool.solver}",) if tool.solver else ()),
            fix=f"{conda} update -n base conda" if is_old else f"{conda} config --set solver libmamba",
            safe_fix=() if is_old else (tool.path, "config", "--set", "solver", "libmamba"),
        )


def _is_slow(tool: CondaTool) -> bool:
    if tool.solver is not None:
        return tool.solver == "classic"
    version = _version(tool.version)
    return version is not None and version < _FIRST_QUICK_CONDA


def _version(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None
