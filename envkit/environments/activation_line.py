"""The one line that activates an environment in a shell, to be pasted or evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.environments.shell_words import C_SHELLS, FISH_SHELLS, POWERSHELLS, quote

if TYPE_CHECKING:
    from collections.abc import Sequence


def activation_line(script: str, *, shell: str, print_script: Sequence[str]) -> str:
    """Return the script where it is one line, else the line that has the shell read it from a command.

    ``print_script`` are the words of the command that prints the script.
    """
    if script.count("\n") <= 1:
        return script.rstrip("\n")
    printing = " ".join(_word(word, shell=shell) for word in print_script)
    if shell in FISH_SHELLS:
        return f"{printing} | source"
    if shell in POWERSHELLS:
        return f"& {printing} | Out-String | Invoke-Expression"
    if shell in C_SHELLS:
        # Their eval joins lines, so that a file has to hold them.
        return (
            f"set _envkit_file = `mktemp`; {printing} >! $_envkit_file:q; source $_envkit_file:q; "
            "rm -f $_envkit_file:q; unset _envkit_file"
        )
    return f'eval "$({printing})"'


def evaluation_line(command: str, *, shell: str) -> str:
    """Return what to write into a script or the shell's own file, where ``command`` prints the line."""
    if shell in FISH_SHELLS:
        return f"{command} | source"
    if shell in POWERSHELLS:
        return f"{command} | Out-String | Invoke-Expression"
    if shell in C_SHELLS:
        return f'eval "`{command}`"'
    return f'eval "$({command})"'


def _word(word: str, *, shell: str) -> str:
    return word if word.replace("-", "").replace("_", "").isalnum() else quote(word, shell=shell)
