"""What a shell reads to activate a conda prefix without conda, and to leave it again with ``deactivate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.conda.activation import conda_variables, stated_variables
from envkit.environments.shell_words import C_SHELLS, FISH_SHELLS, POSIX_SHELLS, POWERSHELLS, SHELLS, quote

if TYPE_CHECKING:
    from pathlib import Path

_UNSET = "***unset***"
_SAVED = "_ENVKIT_OLD_"


def write_activation(prefix: Path, *, shell: str) -> str:
    """Return the script for that shell. Raises: EnvError for a shell that there is none for."""
    changes = conda_variables(prefix, level=1) | stated_variables(prefix)
    if shell in POSIX_SHELLS:
        return _posix(prefix, changes, shell=shell)
    if shell in FISH_SHELLS:
        return _fish(prefix, changes, shell=shell)
    if shell in C_SHELLS:
        return _c_shell(prefix, changes, shell=shell)
    if shell in POWERSHELLS:
        return _powershell(prefix, changes, shell=shell)
    raise EnvError(
        f"envkit cannot activate an environment in the shell {shell!r}",
        hint=f"It can in: {', '.join(SHELLS)}",
    )


def _leaving_scripts(prefix: Path, pattern: str, *, shell: str) -> list[str]:
    """Return the scripts to read on leaving, quoted: the last that was read on entering first, as conda does."""
    found = sorted((prefix / "etc/conda/deactivate.d").glob(pattern), reverse=True)
    return [quote(str(script), shell=shell) for script in found]


def _posix(prefix: Path, changes: dict[str, str], *, shell: str) -> str:
    names = ("PATH", *changes)
    scripts = quote(str(prefix / "etc" / "conda"), shell=shell)
    run = (
        "for _envkit_script in {scripts}/{kind}/*.sh; do\n"
        '    if [ -r "$_envkit_script" ]; then . "$_envkit_script"; fi\n'
        "done\n"
        "unset _envkit_script\n"
    )
    if shell == "zsh":  # which takes a pattern that matches nothing for an error
        run = run.replace("*.sh", "*.sh(N)")
    restore = "".join(
        f'    if [ -n "${{{_SAVED}{name}+x}}" ]; then\n'
        f'        export {name}="${_SAVED}{name}"; unset {_SAVED}{name}\n'
        f"    else\n        unset {name}\n    fi\n"
        for name in names
    )
    leave = "".join(
        f"if [ -r {script} ]; then . {script}; fi\n    "
        for script in _leaving_scripts(prefix, "*.sh", shell=shell)
    )
    # Only a function: pyenv puts a program of that name on PATH.
    lines = ['case "$(type deactivate 2>/dev/null)" in *function*) deactivate nondestructive ;; esac\n']
    lines += [
        f'if [ -n "${{{name}+x}}" ]; then {_SAVED}{name}="${name}"; else unset {_SAVED}{name}; fi\n'
        for name in names
    ]
    lines.append(
        f"deactivate () {{\n    {leave}{restore}    unset -f deactivate\n    hash -r 2>/dev/null\n}}\n"
    )
    for name, text in changes.items():
        lines.append(f"unset {name}\n" if text == _UNSET else f"export {name}={quote(text, shell=shell)}\n")
    lines.append(f'export PATH={quote(str(prefix / "bin"), shell=shell)}:"$PATH"\n')
    lines.append(run.format(scripts=scripts, kind="activate.d"))
    lines.append("hash -r 2>/dev/null\n")
    return "".join(lines)


def _fish(prefix: Path, changes: dict[str, str], *, shell: str) -> str:
    names = ("PATH", *changes)
    scripts = quote(str(prefix / "etc" / "conda"), shell=shell)
    lines = ["functions -q deactivate; and deactivate nondestructive\n"]
    lines += [f"set -q {name}; and set -g {_SAVED}{name} ${name}\n" for name in names]
    lines.append("function deactivate\n")
    lines += [
        f"    test -r {script}; and source {script}\n"
        for script in _leaving_scripts(prefix, "*.fish", shell=shell)
    ]
    for name in names:
        lines.append(
            f"    if set -q {_SAVED}{name}\n        set -gx {name} ${_SAVED}{name}; set -e {_SAVED}{name}\n"
            f"    else\n        set -e {name}\n    end\n"
        )
    lines.append("    functions -e deactivate\nend\n")
    for name, text in changes.items():
        lines.append(f"set -e {name}\n" if text == _UNSET else f"set -gx {name} {quote(text, shell=shell)}\n")
    lines.append(f"set -gx PATH {quote(str(prefix / 'bin'), shell=shell)} $PATH\n")
    lines.append(f"for script in {scripts}/activate.d/*.fish\n    source $script\nend\n")
    return "".join(lines)


def _c_shell(prefix: Path, changes: dict[str, str], *, shell: str) -> str:
    """Write what is to be taken back into variables: an alias is one line, and no place for a loop or a quote."""
    names = ("PATH", *changes)
    enter = [
        quote(str(each), shell=shell) for each in sorted((prefix / "etc/conda/activate.d").glob("*.csh"))
    ]
    leave = _leaving_scripts(prefix, "*.csh", shell=shell)
    lines = ['if ( "`alias deactivate`" != "" ) then\n    deactivate nondestructive\nendif\n']
    for name in names:
        lines.append(f'if ( $?{name} ) then\n    set {_SAVED}{name} = "${name}:q"\nendif\n')
    lines.append(f"set {_SAVED}SCRIPTS = ( {' '.join(leave)} )\n")
    back = [
        f"test -r ${_SAVED}SCRIPTS[{number}]:q && source ${_SAVED}SCRIPTS[{number}]:q"
        for number in range(1, len(leave) + 1)
    ]
    for name in names:
        saved = f"{_SAVED}{name}"
        back.append(f"test $?{saved} = 0 && unsetenv {name}")
        back.append(f'test $?{saved} = 1 && setenv {name} "${saved}:q" && unset {saved}')
    back += [f"unset {_SAVED}SCRIPTS", "rehash", "unalias deactivate"]
    lines.append(f"alias deactivate '{'; '.join(back)}'\n")
    for name, text in changes.items():
        lines.append(
            f"unsetenv {name}\n" if text == _UNSET else f"setenv {name} {quote(text, shell=shell)}\n"
        )
    lines.append(f'setenv PATH {quote(str(prefix / "bin"), shell=shell)}:"$PATH:q"\n')
    lines += [f"test -r {script} && source {script}\n" for script in enter]
    lines.append("rehash\n")
    return "".join(lines)


def _powershell(prefix: Path, changes: dict[str, str], *, shell: str) -> str:
    scripts = quote(str(prefix / "etc" / "conda" / "activate.d"), shell=shell)
    lines = [
        f"Remove-Item -ErrorAction SilentlyContinue Env:{name}\n"
        if text == _UNSET
        else f"$Env:{name} = {quote(text, shell=shell)}\n"
        for name, text in changes.items()
    ]
    lines.append(f'$Env:PATH = {quote(str(prefix / "bin"), shell=shell)} + ":" + $Env:PATH\n')
    lines.append(
        f"if (Test-Path {scripts}) {{\n"
        f"    Get-ChildItem {scripts} -Filter *.ps1 | Sort-Object Name | ForEach-Object {{ . $_.FullName }}\n}}\n"
    )
    return "".join(lines)
