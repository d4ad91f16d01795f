"""The backend of venvs: an interpreter of this machine, in a folder of its own, made by uv."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.api import Base, EnvError
from envkit.environments.prefix_names import environment_name, link_of
from envkit.environments.shell_words import C_SHELLS, FISH_SHELLS, POSIX_SHELLS, POWERSHELLS, SHELLS, quote
from envkit.environments.uv import run_uv
from envkit.environments.uv_environment import without_misleading
from envkit.environments.uv_failures import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import BackendContext, BaseProgress, BaseRequest, FoundPython

_SILENCE_SECONDS = 120.0  # uv venv asks the interpreter a few questions and writes a dozen files
_PROBE_SECONDS = 20.0
_VERSION_CODE = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
# What each shell reads, of the files that uv puts into a venv.
_SCRIPTS = dict.fromkeys(POSIX_SHELLS, "activate") | dict.fromkeys(FISH_SHELLS, "activate.fish")
_SCRIPTS |= dict.fromkeys(C_SHELLS, "activate.csh") | dict.fromkeys(POWERSHELLS, "activate.ps1")


class VenvBackend:
    """Makes venvs from the interpreters of this machine."""

    name = "venv"
    summary = "a venv of one of this machine's Pythons"
    uses_interpreters = True

    def plan(self, request: BaseRequest, *, context: BackendContext) -> Base:
        """Choose the first interpreter in the range. Raises: EnvError where none fits."""
        if request.packages:
            raise EnvError(
                f"a venv cannot hold conda packages: {', '.join(request.packages)}",
                hint="Make it a conda environment: --backend conda",
            )
        wanted = _range(request.python)
        seen: list[str] = []
        for found in request.pythons:
            try:
                version = _full_version(found, wanted, environ=context.environ)
            except EnvError as error:  # such as a name of pyenv's, where that version is not chosen
                seen.append(error.message)
                continue
            if wanted.contains(version, prereleases=True):
                return Base(backend=self.name, python=version, interpreter=found.path)
            seen.append(f"{version} ({found.path})")
        here = f"here is {', '.join(seen)}" if seen else "none is here"
        raise EnvError(
            f"a venv needs Python {request.python or 'of any version'}, and {here}",
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
        """Make the venv. Raises: EnvError, also where the interpreter is another one by now."""
        progress.step("making the venv")
        with tempfile.TemporaryDirectory(prefix="envkit-") as folder:
            run_uv(
                [
                    "venv",
                    "--no-project",
                    "--no-config",
                    "--prompt",
                    environment_name(prefix),
                    "--python",
                    base.interpreter,
                    str(prefix),
                ],
                # A project's own settings for uv are not meant for this environment.
                environ=_uv_environ(context.environ, folder=folder),
                place=Place(home=context.cache_dir.parent),
                silence=_SILENCE_SECONDS,
                inherited=inherited,
            )
        made = _version_in(prefix)
        if made != base.python:
            raise EnvError(
                f"{base.interpreter} is Python {made or 'of an unknown version'}, not {base.python} as planned",
                hint="Try again: the plan is made anew",
            )
        _name_link(prefix)

    def activate(self, prefix: Path, *, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that ``bin/activate`` leaves. Source: CPython, Lib/venv/scripts."""
        variables = {name: text for name, text in environ.items() if name != "PYTHONHOME"}
        folders = variables.get("PATH", os.defpath).split(os.pathsep)
        if earlier := variables.get("VIRTUAL_ENV"):
            folders = [folder for folder in folders if folder != str(Path(earlier, "bin"))]
        bin_dir = str(prefix / "bin")
        variables["PATH"] = os.pathsep.join([bin_dir, *(folder for folder in folders if folder != bin_dir)])
        variables["VIRTUAL_ENV"] = str(prefix)
        variables["VIRTUAL_ENV_PROMPT"] = environment_name(prefix)
        return variables

    def activation_script(self, prefix: Path, *, shell: str) -> str:
        """Return the line that reads the venv's own script; ``deactivate`` comes with it.

        Raises: EnvError for a shell that venvs have no script for.
        """
        if shell not in _SCRIPTS:
            raise EnvError(
                f"a venv has no activation for the shell {shell!r}", hint=f"It has for: {', '.join(SHELLS)}"
            )
        script = quote(str(prefix / "bin" / _SCRIPTS[shell]), shell=shell)
        return f"{'source' if shell in (*FISH_SHELLS, *C_SHELLS) else '.'} {script}\n"


def _range(text: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier as error:
        raise EnvError(f"{text!r} is no range of Python versions", hint="Write it as >=3.11,<3.14") from error


def _full_version(found: FoundPython, wanted: SpecifierSet, *, environ: Mapping[str, str]) -> str:
    """Return its full version, asking the interpreter only where its name leaves the matter open.

    Raises: EnvError where it does not start.
    """
    if found.version.count(".") >= 2:
        return found.version
    if found.version and not _may_fit(found.version, wanted):
        return found.version
    try:
        done = subprocess.run(
            [found.path, "-I", "-S", "-c", _VERSION_CODE],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _dead(found, f"no answer in {_PROBE_SECONDS:.0f} s") from error
    except OSError as error:
        raise _dead(found, error.strerror or str(error)) from error
    answer = done.stdout.strip()
    if done.returncode == 0 and re.fullmatch(r"\d+\.\d+\.\d+", answer):
        return answer
    if done.returncode == 0:
        raise _dead(found, f"asked for its version, it says {answer[:40]!r}")
    said = next((line.strip() for line in done.stderr.splitlines() if line.strip()), "")
    raise _dead(found, said or f"exit {done.returncode}, without a word")


def _dead(found: FoundPython, why: str) -> EnvError:
    return EnvError(
        f"{found.path}, which does not start ({why})", hint=f"Mend it, or take it off PATH: {found.path}"
    )


def _may_fit(minor: str, wanted: SpecifierSet) -> bool:
    """Tell whether some release of a minor version may be in the range."""
    try:
        Version(minor)
    except InvalidVersion:
        return True
    return any(wanted.contains(f"{minor}.{patch}") for patch in range(100))


def _uv_environ(environ: Mapping[str, str], *, folder: str) -> dict[str, str]:
    unwanted = ("UV_VENV_CLEAR", "UV_VENV_SEED", "UV_VENV_RELOCATABLE", "VIRTUAL_ENV", "CONDA_PREFIX")
    variables = {name: text for name, text in without_misleading(environ).items() if name not in unwanted}
    return variables | {
        "UV_PROJECT": folder,
        "UV_PYTHON_DOWNLOADS": environ.get("UV_PYTHON_DOWNLOADS", "never"),
        "NO_COLOR": "1",
        "UV_NO_PROGRESS": "1",
    }


def _name_link(prefix: Path) -> None:
    """Let the scripts that activate a generation name its link, which outlives a change of the environment."""
    link = link_of(prefix)
    if link == prefix:
        return
    # Of the folder only this end is written alike in every shell's quotes: a name has nothing to be quoted.
    ending = re.compile(rf"/{re.escape(prefix.parent.name)}/{re.escape(prefix.name)}(?=['\"])")
    for script in (prefix / "bin").glob("activate*"):
        text = script.read_text(encoding="utf-8", errors="surrogateescape")
        script.write_text(ending.sub(f"/{link.name}", text), encoding="utf-8", errors="surrogateescape")


def _version_in(prefix: Path) -> str:
    """Return the full version that the venv's own file names."""
    text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    found = re.search(r"^version(?:_info)? = (\d+\.\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else ""
