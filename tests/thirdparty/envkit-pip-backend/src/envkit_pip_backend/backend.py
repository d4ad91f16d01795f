"""Make environments with the standard library's venv."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from envkit.api import Base, EnvError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import BackendContext, BaseProgress, BaseRequest

_VERSION_CODE = "import platform; print(platform.python_version())"
_PROBE_SECONDS, _MAKE_SECONDS = 20.0, 300.0
# What venv writes for each shell, and the word that reads it.
_SCRIPTS = {
    "bash": ". {}",
    "zsh": ". {}",
    "sh": ". {}",
    "dash": ". {}",
    "ksh": ". {}",
    "fish": "source {}.fish",
    "csh": "source {}.csh",
    "tcsh": "source {}.csh",
}
# Of the environment that envkit itself runs in; they would lead the new one astray.
_MISLEADING = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"})


class PipBackend:
    """Makes venvs with pip inside, from the interpreters of this machine."""

    name = "pip"
    summary = "a venv of one of this machine's Pythons, with pip inside"
    uses_interpreters = True  # it brings no Python of its own

    def plan(self, request: BaseRequest, *, context: BackendContext) -> Base:
        """Choose the first interpreter in the range. Raises: EnvError where none fits."""
        if request.packages:
            raise EnvError(
                f"a venv holds Python's packages alone, not {', '.join(request.packages)}",
                hint="Make it a conda environment: --backend conda",
            )
        wanted = SpecifierSet(request.python)
        seen = []
        for found in request.pythons:
            version = _ask_version(found.path, environ=context.environ)
            if version is not None and wanted.contains(version, prereleases=True):
                return Base(backend=self.name, python=version, interpreter=found.path)
            seen.append(f"{found.path} ({version or 'which does not start'})")
        raise EnvError(
            f"Python {request.python} is asked for, and here is {', '.join(seen) or 'none'}",
            hint="Install that Python, or let conda bring it: --backend conda",
        )

    def install(
        self,
        base: Base,
        prefix: Path,
        *,
        requested: Sequence[str],
        context: BackendContext,
        progress: BaseProgress,
        inherited: Sequence[int],
    ) -> None:
        """Make the venv, pip from what that Python brings. Raises: EnvError where it has no venv or no room."""
        progress.step("making the venv, with pip")
        made = _run(
            [base.interpreter, "-I", "-m", "venv", str(prefix)],
            environ=context.environ,
            inherited=inherited,
        )
        if made.returncode != 0:
            said = (made.stderr + made.stdout).strip().splitlines() or ["it said nothing"]
            raise EnvError(
                f"{base.interpreter} cannot make a venv: {said[-1]}",
                hint="On Debian and Ubuntu: apt install python3-venv",
            )
        version = _ask_version(str(prefix / "bin" / "python"), environ=context.environ)
        if version != base.python:
            raise EnvError(
                f"{base.interpreter} is Python {version}, not {base.python} as planned",
                hint="Try again: the plan is made anew",
            )

    def activate(self, prefix: Path, *, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables as ``bin/activate`` leaves them."""
        own = str(prefix / "bin")
        left = {own}
        if earlier := environ.get("VIRTUAL_ENV"):
            left.add(str(Path(earlier, "bin")))
        folders = environ.get("PATH", os.defpath).split(os.pathsep)
        path = os.pathsep.join([own, *(folder for folder in folders if folder not in left)])
        kept = {name: text for name, text in environ.items() if name != "PYTHONHOME"}
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(prefix)}

    def activation_script(self, prefix: Path, *, shell: str) -> str:
        """Return the line that reads venv's own script. Raises: EnvError for a shell that it has none for."""
        if shell not in _SCRIPTS:
            raise EnvError(
                f"venv has no script for the shell {shell!r}", hint=f"It has for: {', '.join(_SCRIPTS)}"
            )
        return _SCRIPTS[shell].format(shlex.quote(str(prefix / "bin" / "activate"))) + "\n"


def _ask_version(python: str, *, environ: Mapping[str, str]) -> str | None:
    """Return the full version of an interpreter, None where it does not start."""
    try:
        done = _run([python, "-I", "-S", "-c", _VERSION_CODE], environ=environ, seconds=_PROBE_SECONDS)
    except EnvError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _run(
    cmd: Sequence[str],
    *,
    environ: Mapping[str, str],
    inherited: Sequence[int] = (),
    seconds: float = _MAKE_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; it keeps the open files that it inherits. Raises: EnvError."""
    try:
        return subprocess.run(
            cmd,
            env={name: text for name, text in environ.items() if name not in _MISLEADING},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            pass_fds=inherited,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvError(
            f"{cmd[0]} does not run: {error}", hint=f"See what it says: {cmd[0]} --version"
        ) from error
