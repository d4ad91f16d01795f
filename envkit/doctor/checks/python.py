"""Checks of the Python that runs, and of what leaks into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envkit.api.checks import Check, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.specifiers import SpecifierSet

    from envkit.api.checks import CheckContext
    from envkit.api.facts import Interpreter
    from envkit.doctor.surroundings import Surroundings


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of Python."""
    wanted = surroundings.wanted_python
    return (
        Check(
            id="python.range",
            summary="The installed tasks take this Python",
            needs=("python", "interpreters"),
            run=lambda context: _check_range(context, wanted),
        ),
        Check(
            id="python.word-size",
            summary="Python is a 64-bit program",
            needs=("python",),
            run=_check_word_size,
        ),
        Check(
            id="python.externally-managed",
            summary="pip may install into this Python",
            needs=("python",),
            run=_check_externally_managed,
        ),
        Check(
            id="python.path-variable",
            summary="No variable puts foreign packages on Python's path",
            needs=("variables",),
            run=_check_path_variable,
        ),
        Check(
            id="python.user-site",
            summary="Python reads no packages from the home folder",
            needs=("python", "torch_sites"),
            run=_check_user_site,
        ),
        Check(
            id="python.conda-in-venv",
            summary="venv and conda are not active at once",
            needs=("python", "variables"),
            run=_check_conda_in_venv,
        ),
    )


def _check_range(context: CheckContext, wanted: SpecifierSet) -> Iterator[Finding]:
    python = context.facts.python
    here = f"Python {python.version} ({python.path})"
    if python.implementation != "cpython":
        yield Finding(
            severity="error",
            summary=f"{python.implementation} {python.version} runs envkit, and torch has no wheels for it",
            evidence=(here,),
            fix="uv python install 3.12   # then install envkit with that Python",
        )
        return
    if _is_in(python.version, wanted):
        yield Finding(severity="ok", summary=here)
        return
    others = [each for each in context.facts.interpreters if _is_in(each.version, wanted)]
    evidence = [here, f"the installed tasks take Python {wanted}"]
    evidence += [f"Python {each.version} is on PATH: {each.path}" for each in others]
    if others:
        yield Finding(
            severity="info",
            summary=f"The tasks do not take Python {python.version}; envkit makes environments of another",
            evidence=tuple(evidence),
        )
        return
    yield Finding(
        severity="error",
        summary=f"The installed tasks need Python {wanted}, and there is none here",
        evidence=tuple(evidence),
        fix=f"uv python install {_newest_in(wanted)}   # and have it on PATH",
    )


def _is_in(version: str, wanted: SpecifierSet) -> bool:
    """Tell whether a version, known to its minor part at least, can be in the range."""
    try:
        Version(version)
    except InvalidVersion:
        return True  # not known is no reason to warn
    whole = version.count(".") >= 2
    versions = (version,) if whole else (f"{version}.{patch}" for patch in range(60))
    return any(wanted.contains(each, prereleases=True) for each in versions)


def _newest_in(wanted: SpecifierSet) -> str:
    known = (f"3.{minor}" for minor in (12, 13, 11, 14, 10))
    return next((each for each in known if _is_in(each, wanted)), "3.12")


def _check_word_size(context: CheckContext) -> Iterator[Finding]:
    python = context.facts.python
    if not python.is_64bit:
        yield Finding(
            severity="error",
            summary="This Python is a 32-bit program, and torch has wheels for 64 bits alone",
            evidence=(f"Python {python.version} ({python.path})",),
            fix="uv python install 3.12   # then install envkit with that Python",
        )


def _check_externally_managed(context: CheckContext) -> Iterator[Finding]:
    python = context.facts.python
    if python.externally_managed is None or _is_venv(python):
        return
    yield Finding(
        severity="info",
        summary="This Python belongs to the system: pip does not install into it",
        evidence=(python.externally_managed, f"Python {python.version} ({python.path})"),
        fix="envkit env create work   # then: envkit env sync work --with PACKAGE",
    )


def _is_venv(python: Interpreter) -> bool:
    return python.prefix != python.base_prefix


def _check_path_variable(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    named = [each for each in (facts.variable("PYTHONPATH") or "").split(":") if each]
    # One that is not there harms nothing.
    folders = [each for each in named if context.is_elsewhere or Path(each).exists()]
    if folders:
        packages = [site.path for site in facts.torch_sites if site.packages and not site.environment]
        is_warned = any(_holds_packages(folder, packages) for folder in folders)
        yield Finding(
            severity="warn" if is_warned else "info",
            summary="PYTHONPATH puts packages before those of every environment"
            if is_warned
            else "PYTHONPATH puts its modules before those of every environment",
            evidence=tuple(f"PYTHONPATH holds {each}" for each in folders),
            fix="unset PYTHONPATH   # and take it out of ~/.bashrc, ~/.profile or the like",
        )
    home = facts.variable("PYTHONHOME")
    if home:
        yield Finding(
            severity="warn",
            summary="PYTHONHOME makes every Python read another one's library",
            evidence=(f"PYTHONHOME is {home}",),
            fix="unset PYTHONHOME   # and take it out of ~/.bashrc, ~/.profile or the like",
        )


def _holds_packages(folder: str, sites: list[str]) -> bool:
    """Tell whether installers put packages here, which are another environment's; a project's sources are meant."""
    parts = Path(folder).parts
    return "site-packages" in parts or "dist-packages" in parts or folder.rstrip("/") in sites


def _check_user_site(context: CheckContext) -> Iterator[Finding]:
    folder = context.facts.python.user_site
    if folder is None:
        return
    inside = [
        f"{package.name} {package.version} lies there"
        for site in context.facts.torch_sites
        if not site.environment and site.path.startswith(folder)
        for package in site.packages
    ]
    yield Finding(
        severity="warn",
        summary="Python also loads packages from your home folder (user site)",
        evidence=(folder, *inside),
        fix="export PYTHONNOUSERSITE=1",
    )


def _check_conda_in_venv(context: CheckContext) -> Iterator[Finding]:
    facts, python = context.facts, context.facts.python
    venv, conda = facts.variable("VIRTUAL_ENV"), facts.variable("CONDA_PREFIX")
    if venv and conda:
        yield Finding(
            severity="warn",
            summary="A venv and a conda environment are active at once: programs of both get mixed",
            evidence=(f"VIRTUAL_ENV is {venv}", f"CONDA_PREFIX is {conda}", f"Python is {python.path}"),
            fix="conda deactivate   # or, to stay in conda's: deactivate",
        )
    elif python.origin == "conda" and _is_venv(python):
        yield Finding(
            severity="info",
            summary="This venv is made of conda's Python and breaks when that is updated or removed",
            evidence=(f"venv {python.prefix}", f"made of {python.base_prefix}"),
        )
