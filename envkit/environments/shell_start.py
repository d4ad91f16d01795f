"""How an interactive shell starts that activates an environment after it has read its own files.

The other way round, a line in them that sets PATH would take the environment's programs away again.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.activation import activated, backend_of, without_venv
from envkit.environments.prefix_names import environment_name
from envkit.environments.shell_words import C_SHELLS, FISH_SHELLS, POSIX_SHELLS, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.environments.records import Environment

# Not among envkit's settings, which all begin with ENVKIT_: the folder of the environment of this shell.
SHELL_VARIABLE = "_ENVKIT_SHELL"


@dataclass(frozen=True, kw_only=True)
class ShellStart:
    """A shell's command line and variables; ``files`` are for it to read and remove as it starts."""

    words: tuple[str, ...]
    environ: dict[str, str]
    files: tuple[Path, ...] = ()

    def remove_files(self) -> None:
        """Remove the files, which is the shell's task once it runs."""
        for file in self.files:
            if file.is_dir():
                file.rmdir()
            else:
                file.unlink(missing_ok=True)


def prepare_shell(program: str, environment: Environment, *, environ: Mapping[str, str]) -> ShellStart:
    """Return how to start the shell in the environment; the files that this takes are written.

    A shell that envkit knows no such way for starts with the variables alone. Raises: EnvError, and as
    ``activated``.
    """
    shell = Path(program).name
    outside = {**_without_outer_shell(environ), SHELL_VARIABLE: str(environment.prefix)}
    if shell in FISH_SHELLS:
        script = _script(environment, shell) + _fish_prompt(environment)
        return ShellStart(words=(shell, "-C", script), environ=outside)
    if shell == "zsh":
        return _zsh(environment, outside)
    if shell == "bash":
        return _bash(environment, outside)
    if shell in POSIX_SHELLS:
        return _posix(shell, environment, outside)
    if shell in C_SHELLS and outside.get("HOME"):
        return _c_shell(shell, environment, outside)
    return ShellStart(words=(shell,), environ=activated(environment, outside))


def _without_outer_shell(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables less those by which the shell around this one finds its own environment."""
    variables = without_venv(environ)
    if outer := environ.get(SHELL_VARIABLE):
        folders = variables.get("PATH", os.defpath).split(os.pathsep)
        bin_dir = str(Path(outer, "bin"))
        variables["PATH"] = os.pathsep.join(folder for folder in folders if folder != bin_dir)
    return variables


def _script(environment: Environment, shell: str) -> str:
    return backend_of(environment.kind).activation_script(environment.prefix, shell=shell)


def _bash(environment: Environment, environ: dict[str, str]) -> ShellStart:
    file = _new_file()
    file.write_text(
        f"command rm -f -- {quote(str(file), shell='bash')}\n"
        "if [ -r ~/.bashrc ]; then . ~/.bashrc; fi\n"
        f"{_script(environment, 'bash')}{_posix_prompt(environment)}",
        encoding="utf-8",
    )
    return ShellStart(words=("bash", "--rcfile", str(file), "-i"), environ=environ, files=(file,))


def _posix(shell: str, environment: Environment, environ: dict[str, str]) -> ShellStart:
    """Let it read a file in place of the one that ENV names. Source: POSIX.1-2024, sh."""
    file = _new_file()
    before = environ.get("ENV")
    restore = "unset ENV\n"
    if before is not None:
        named = quote(before, shell=shell)
        restore = f'ENV={named}\nif [ -r "$ENV" ]; then . "$ENV"; fi\n'
    file.write_text(
        f"command rm -f -- {quote(str(file), shell=shell)}\n{restore}"
        f"{_script(environment, shell)}{_posix_prompt(environment)}",
        encoding="utf-8",
    )
    return ShellStart(words=(shell, "-i"), environ={**environ, "ENV": str(file)}, files=(file,))


def _zsh(environment: Environment, environ: dict[str, str]) -> ShellStart:
    """Let it read its files from a folder that leads to the user's own, whose ZDOTDIR then holds again."""
    folder = Path(tempfile.mkdtemp(prefix="envkit-shell-"))
    before = environ.get("ZDOTDIR")
    theirs = "unset ZDOTDIR" if before is None else f"ZDOTDIR={quote(before, shell='zsh')}"
    ours = quote(str(folder), shell="zsh")
    (folder / ".zshenv").write_text(
        f"{theirs}\n"
        'if [[ -r "${ZDOTDIR:-$HOME}/.zshenv" ]]; then source "${ZDOTDIR:-$HOME}/.zshenv"; fi\n'
        "_envkit_has_zdotdir=${+ZDOTDIR} _envkit_zdotdir=${ZDOTDIR-}\n"
        f"ZDOTDIR={ours}\n",
        encoding="utf-8",
    )
    (folder / ".zshrc").write_text(
        "if (( _envkit_has_zdotdir )); then ZDOTDIR=$_envkit_zdotdir; else unset ZDOTDIR; fi\n"
        "unset _envkit_has_zdotdir _envkit_zdotdir\n"
        # macOS's /etc/zshrc has put it into the folder that ZDOTDIR named until now.
        f'if [[ ${{HISTFILE-}} == {ours}/* ]]; then HISTFILE="${{ZDOTDIR:-$HOME}}/${{HISTFILE:t}}"; fi\n'
        f"command rm -rf -- {ours}\n"
        'if [[ -r "${ZDOTDIR:-$HOME}/.zshrc" ]]; then source "${ZDOTDIR:-$HOME}/.zshrc"; fi\n'
        f"{_script(environment, 'zsh')}{_posix_prompt(environment)}",
        encoding="utf-8",
    )
    return ShellStart(
        words=("zsh", "-i"),
        environ={**environ, "ZDOTDIR": str(folder)},
        files=(folder / ".zshenv", folder / ".zshrc", folder),
    )


def _c_shell(shell: str, environment: Environment, environ: dict[str, str]) -> ShellStart:
    """Let it read its file from another home, which leads to the user's own and makes that the home again."""
    folder = Path(tempfile.mkdtemp(prefix="envkit-shell-"))
    home = quote(environ["HOME"], shell=shell)
    name = environment_name(environment.prefix)
    file = folder / ".cshrc"
    file.write_text(
        f"setenv HOME {home}; set home = {home}\n"
        f"\\rm -rf {quote(str(folder), shell=shell)}\n"
        'if ( $?tcsh && -r "$home:q/.tcshrc" ) then\n    source "$home:q/.tcshrc"\n'
        'else if ( -r "$home:q/.cshrc" ) then\n    source "$home:q/.cshrc"\nendif\n'
        f"{_script(environment, shell)}"
        "if ( $?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT ) then\n"
        f'    if ( "$prompt:q" !~ *"({name})"* ) set prompt = "({name}) $prompt:q"\nendif\n',
        encoding="utf-8",
    )
    return ShellStart(words=(shell,), environ={**environ, "HOME": str(folder)}, files=(file, folder))


def _posix_prompt(environment: Environment) -> str:
    """Return what shows the name where the script has not seen to that."""
    name = environment_name(environment.prefix)
    return (
        f'case "${{VIRTUAL_ENV_DISABLE_PROMPT-}}${{PS1-}}" in ?*"({name})"*|"({name})"*) ;;\n'
        f'*) if [ -z "${{VIRTUAL_ENV_DISABLE_PROMPT-}}" ]; then PS1="({name}) ${{PS1-}}"; fi ;; esac\n'
    )


def _fish_prompt(environment: Environment) -> str:
    name = environment_name(environment.prefix)
    return (
        'if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and not functions -q _old_fish_prompt\n'
        "    functions -c fish_prompt _envkit_fish_prompt\n"
        "    function fish_prompt\n"
        "        set -l prompt (_envkit_fish_prompt)\n"
        f"        printf '({name}) '\n"
        "        string join -- \\n $prompt\n"
        "    end\n"
        "end\n"
    )


def _new_file() -> Path:
    descriptor, name = tempfile.mkstemp(prefix="envkit-shell-")
    os.close(descriptor)
    return Path(name)
