"""The variables of an activated conda prefix, for processes: without conda, and never through ``conda run``.

Source: conda, conda/activate.py: what is set, in which order, and what the packages' scripts may rely on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import EnvError
from envkit.environments.prefix_names import environment_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNSET = "***unset***"
_SCRIPT_SECONDS = 60.0
# What a shell sets for itself: of no concern to the process that is started.
_OF_THE_SHELL = ("_", "SHLVL", "PWD", "OLDPWD")
_RUN_SCRIPTS = 'exec 3>&1 1>&2; env="$1"; shift; for script; do . "$script"; done; exec "$env" -0 >&3'


def activated_variables(prefix: Path, *, environ: Mapping[str, str]) -> dict[str, str]:
    """Return all variables of a process in the prefix. Raises: EnvError where a package's script fails."""
    earlier = environ.get("CONDA_PREFIX")
    level = _level(environ)
    variables = dict(environ)
    stated = stated_variables(prefix)
    if earlier and level > 0:
        variables[f"CONDA_PREFIX_{level}"] = earlier
    for name in stated.keys() & environ.keys():
        variables[f"__CONDA_SHLVL_{level}_{name}"] = environ[name]  # by which conda deactivate restores it
    variables |= conda_variables(prefix, level=level + 1)
    variables["PATH"] = _path(prefix, earlier, environ)
    for name, text in stated.items():
        if text == _UNSET:
            variables.pop(name, None)
        else:
            variables[name] = text
    scripts = [*_scripts(Path(earlier), "deactivate.d")[::-1]] if earlier and Path(earlier) != prefix else []
    scripts += _scripts(prefix, "activate.d")
    return _after_scripts(scripts, variables, prefix=prefix) if scripts else variables


def conda_variables(prefix: Path, *, level: int) -> dict[str, str]:
    """Return the variables that stand for the prefix itself; ``level`` counts activations within another."""
    name = environment_name(prefix)
    return {
        "CONDA_PREFIX": str(prefix),
        "CONDA_SHLVL": str(level),
        "CONDA_DEFAULT_ENV": name,
        "CONDA_PROMPT_MODIFIER": f"({name}) ",
    }


def stated_variables(prefix: Path) -> dict[str, str]:
    """Return the variables that packages and the user gave the prefix; ``***unset***`` takes one away.

    Raises: EnvError for a file that cannot be read.
    """
    stated: dict[str, str] = {}
    for file in sorted((prefix / "etc/conda/env_vars.d").glob("*")):
        stated |= _texts(_read(file), file)
    state = prefix / "conda-meta" / "state"
    if state.is_file():
        stated |= _texts(_read(state).get("env_vars", {}), state)
    return stated


def activation_scripts(prefix: Path) -> list[Path]:
    """Return the POSIX shell scripts that activating runs, in their order."""
    return _scripts(prefix, "activate.d")


def _level(environ: Mapping[str, str]) -> int:
    text = environ.get("CONDA_SHLVL", "")
    return int(text) if text.isdigit() else 0


def _path(prefix: Path, earlier: str | None, environ: Mapping[str, str]) -> str:
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    unwanted = {str(prefix / "bin"), *([str(Path(earlier, "bin"))] if earlier else [])}
    return os.pathsep.join([str(prefix / "bin"), *(folder for folder in folders if folder not in unwanted)])


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EnvError(
            f"{file}: the variables of the environment cannot be read: {error}",
            hint="Mend the file, or remove it",
        ) from error
    return content if isinstance(content, dict) else {}


def _texts(values: object, file: Path) -> dict[str, str]:
    if not isinstance(values, dict):
        raise EnvError(
            f"{file}: variables are a table of names and texts", hint="Mend the file, or remove it"
        )
    return {str(name): str(value) for name, value in values.items()}


def _scripts(prefix: Path, kind: str) -> list[Path]:
    return sorted((prefix / "etc" / "conda" / kind).glob("*.sh"))


def _after_scripts(scripts: list[Path], variables: dict[str, str], *, prefix: Path) -> dict[str, str]:
    """Run scripts in a real shell, in one go as they may build on each other, and return what they leave."""
    shell = shutil.which("bash") or "/bin/sh"
    arguments = ["--noprofile", "--norc"] if shell.endswith("bash") else []
    env = shutil.which("env") or "/usr/bin/env"
    try:
        done = subprocess.run(
            [shell, *arguments, "-c", _RUN_SCRIPTS, "envkit", env, *map(str, scripts)],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SCRIPT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvError(
            f"the activation scripts of {prefix} cannot be run: {error}",
            hint=f"See for yourself: {shell} -x {scripts[-1]}",
        ) from error
    if not done.stdout.endswith(b"\0"):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise EnvError(
            f"a script in {scripts[-1].parent} ended the shell (exit {done.returncode})"
            + (f": {said[-1]}" if said else ""),
            hint=f"See for yourself: {shell} -x {scripts[-1]}",
        )
    pairs = (os.fsdecode(each).partition("=") for each in done.stdout[:-1].split(b"\0"))
    left = {name: text for name, _, text in pairs if name not in _OF_THE_SHELL}
    return left | {name: variables[name] for name in _OF_THE_SHELL if name in variables}
