"""Checks of the operating system: what torch's wheels ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envkit.api.checks import Check, Finding
from envkit.torchbuild import load_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import MachineFacts, Platform
    from envkit.doctor.surroundings import Surroundings

_APPLE = ("Apple", "VirtualApple")


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of the operating system."""
    return (
        Check(
            id="platform.system",
            summary="envkit and torch run on this system and processor",
            needs=("platform", "cpu"),
            run=_check_system,
        ),
        Check(
            id="platform.libc",
            summary="torch's wheels take this C library",
            needs=("platform",),
            run=_check_libc,
        ),
        Check(
            id="platform.locale",
            summary="Text is read and written as UTF-8",
            needs=("platform", "variables"),
            run=_check_locale,
        ),
    )


def _check_system(context: CheckContext) -> Iterator[Finding]:
    facts, platform = context.facts, context.facts.platform
    described = describe_system(platform)
    if platform.system == "windows":
        yield Finding(
            severity="error",
            summary="envkit does not run on native Windows",
            evidence=(described,),
            fix="wsl --install   # then install envkit inside WSL",
        )
        return
    yield Finding(severity="ok", summary=described)
    if platform.machine == "x86_64" and (facts.cpu.model or "").startswith(_APPLE):
        yield _emulated(facts)
    elif platform.is_wsl and platform.kernel.startswith("4.4."):
        yield Finding(
            severity="info",
            summary="This is WSL 1: no GPU can be used in it, and files are slow",
            evidence=(f"kernel {platform.kernel}",),
            fix="wsl --set-version DISTRIBUTION 2   # in Windows; wsl --list names the distributions",
        )


def describe_system(platform: Platform) -> str:
    """Return system, processor and where it runs, in a line."""
    name = platform.os_name or platform.system
    release = ".".join((platform.os_version or "").split(".")[:2])
    if release not in name:
        name = f"{name} {platform.os_version}"
    inside = (" in WSL" if platform.is_wsl else "") + (" in a container" if platform.is_container else "")
    return f"{name} on {platform.machine}{inside}"


def _emulated(facts: MachineFacts) -> Finding:
    evidence = (f"processor {facts.cpu.model}", f"the system says {facts.platform.machine}")
    if facts.platform.system == "darwin":
        return Finding(
            severity="error",
            summary="This Python is Intel's and runs under Rosetta: torch has no wheels for it",
            evidence=evidence,
            fix="uv python install cpython-3.12-macos-aarch64   # then install envkit with that Python",
        )
    return Finding(
        severity="warn",
        summary="This container is Intel's and emulated on Apple silicon: it is slow",
        evidence=evidence,
        fix="docker run --platform linux/arm64 …   # of an image that is made for it",
    )


def _check_libc(context: CheckContext) -> Iterator[Finding]:
    platform = context.facts.platform
    if platform.libc == "musl":
        yield Finding(
            severity="error",
            summary="torch has no wheels for this system's C library, musl",
            evidence=(describe_system(platform),),
            fix="Use a system with glibc; as an image, python:3.12-slim in place of python:3.12-alpine.",
        )
        return
    oldest = _oldest_glibc(platform.machine)
    if platform.libc != "glibc" or platform.libc_version is None or oldest is None:
        return
    try:
        is_old = Version(platform.libc_version) < Version(oldest)
    except InvalidVersion:
        return
    if is_old:
        yield Finding(
            severity="error",
            summary=f"This system is too old for torch's wheels: they need glibc {oldest} or newer",
            evidence=(f"glibc {platform.libc_version}", describe_system(platform)),
            fix="Upgrade the system (Debian 10, Ubuntu 20.04, RHEL 8 and newer have it), or use a container.",
        )


def _oldest_glibc(machine: str) -> str | None:
    """Return the oldest glibc that any release of torch takes on this processor."""
    rows = (row for release in load_table().releases for row in release.systems)
    needs = [row.needs for row in rows if (row.system, row.machine) == ("linux", machine) and row.needs]
    return min(needs, key=Version, default=None)


def _check_locale(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    # The first that is set counts. In C and POSIX, as in none, Python takes UTF-8 by itself (PEP 538, 540).
    found = next(((name, facts.variable(name)) for name in _LOCALE if facts.variable(name)), None)
    if facts.platform.system != "linux" or found is None or facts.variable("PYTHONUTF8") == "1":
        return
    name, value = found[0], found[1] or ""
    encoding = value.partition("@")[0].partition(".")[2].lower().replace("-", "")
    if value in ("C", "POSIX") or encoding == "utf8" or value.upper() == "UTF-8":
        return
    yield Finding(
        severity="warn",
        summary="The locale is not UTF-8: texts beyond ASCII may be misread or not printed",
        evidence=(f"{name} is {value}",),
        fix=f"export {name}=C.UTF-8",
    )


_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
