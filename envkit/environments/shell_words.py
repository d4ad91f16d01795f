"""How each shell wants a word quoted."""

from __future__ import annotations

import shlex

POSIX_SHELLS = ("sh", "dash", "bash", "zsh", "ksh")
FISH_SHELLS = ("fish",)
C_SHELLS = ("csh", "tcsh")
POWERSHELLS = ("pwsh", "powershell")
SHELLS = (*POSIX_SHELLS, *FISH_SHELLS, *C_SHELLS, *POWERSHELLS)


def quote(text: str, *, shell: str) -> str:
    """Return the text as one literal word of that shell."""
    if shell in POWERSHELLS:
        return "'" + text.replace("'", "''") + "'"
    if shell in FISH_SHELLS:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    quoted = shlex.quote(text)
    if shell in C_SHELLS:
        # Even within quotes a C shell takes ! for its history and ends a word at a newline.
        return quoted.replace("!", "\\!").replace("\n", "\\\n")
    return quoted
