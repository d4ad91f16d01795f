"""The shell that a command was typed into is found through whatever stands between."""

from __future__ import annotations

import subprocess
import sys

import pytest
from required import require_program

from envkit.environments.shell_in_use import find_shell

# Of each process: its name and its parent.
TREE = {
    90: ("zsh", 1),
    91: ("tmux: server (x)", 1),
    92: ("fish", 91),
    93: ("python3.11", 92),
    94: ("time", 93),
    95: ("make", 91),
}


@pytest.mark.parametrize(
    ("parent", "shell", "found"),
    [
        (90, "/bin/bash", "zsh"),
        (94, "/bin/bash", "fish"),
        (95, "/opt/bin/bash", "bash"),
        (95, "/usr/bin/nu", None),
        (95, "", None),
        (4, "/bin/tcsh", "tcsh"),
    ],
)
def test_find_shell_nearest_ancestor_comes_before_the_variable(
    parent: int, shell: str, found: str | None
) -> None:
    assert find_shell(environ={"SHELL": shell}, parent=parent, read=TREE.get) == found


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "tcsh"])
def test_find_shell_real_shell_is_seen(shell: str) -> None:
    program = require_program("shells", shell)
    code = "from envkit.environments.shell_in_use import find_shell; print(find_shell(environ={}))"
    said = subprocess.run(
        [program, "-c", f"'{sys.executable}' -c '{code}'; true"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == shell
