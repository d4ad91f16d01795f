"""`envkit env shell`: the user's shell on a real terminal, its own files read first, the environment active after."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from environments.small_venvs import make_small, make_small_conda
from required import require_program

from envkit.environments.shell_start import SHELL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.records import StoredEnvironment

ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
ENVKIT = (sys.executable, "-c", ON_A_TERMINAL, sys.executable, "-m", "envkit", "env", "shell")
# What undoes an activation that comes too early.
_POSIX_RC = 'export PATH=/usr/bin:/bin\nPS1="mine> "\nexport READ="$READ rc"\n'
RC_FILES = {
    ".bashrc": _POSIX_RC,
    ".zshenv": 'export READ="$READ env"\n',
    ".zshrc": _POSIX_RC,
    ".config/fish/config.fish": 'set -gx PATH /usr/bin /bin\nset -gx READ "$READ rc"\n',
    ".tcshrc": 'setenv PATH /usr/bin:/bin\nsetenv READ "$READ rc"\nset prompt = "mine> "\n',
    "of-posix": _POSIX_RC,
}
READ = {"bash": " rc", "zsh": " env rc", "fish": " rc", "tcsh": " rc", "dash": " rc"}
SHELLS = ["bash", *(pytest.param(shell, marks=pytest.mark.slow) for shell in READ if shell != "bash")]


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    """Return the variables of somebody whose shells set PATH and the prompt in their own files."""
    home = tmp_path / "person"
    for place, text in RC_FILES.items():
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text(text)
    (tmp_path / "tmp").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(tmp_path / "tmp"),
        "TERM": "dumb",
        "READ": "",
        "ENV": str(home / "of-posix"),
        "ENVKIT_HOME": str(tmp_path / "home"),
    }


def types(person: dict[str, str], *words: str, shell: str, lines: list[str]) -> tuple[int, str]:
    """Return the exit code, and all that the terminal showed."""
    program = require_program("shells", shell)
    done = subprocess.run(
        [*ENVKIT, *words],
        input="".join(f"{line}\n" for line in lines).encode(),
        env={**person, "SHELL": program},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def variables_in(file: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {name: text for name, _, text in pairs}


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_small, make_small_conda])
@pytest.mark.parametrize("shell", SHELLS)
def test_shell_environment_is_active_after_the_shells_own_files(
    shell: str, make: Callable[[Path, str], StoredEnvironment], person: dict[str, str], tmp_path: Path
) -> None:
    stored = make(tmp_path / "home", "mine")
    shown, left = tmp_path / "shown", tmp_path / "left"
    code, screen = types(
        person,
        "mine",
        shell=shell,
        lines=[f"env > {shown}", f"python -c 'import sys; print(sys.prefix)' > {left}", "exit 3"],
    )
    assert code == 3, screen
    assert "(mine) " in screen
    inside = variables_in(shown)
    first, *rest = inside["PATH"].split(":")
    assert os.path.realpath(first) == str(stored.prefix / "bin")
    assert rest == ["/usr/bin", "/bin"]
    assert inside["READ"] == READ[shell]
    assert inside[SHELL_VARIABLE] == str(stored.link)
    assert inside.get("ENV") == person["ENV"]
    assert inside["HOME"] == person["HOME"]
    assert "ZDOTDIR" not in inside
    assert os.path.realpath(left.read_text().strip()) == str(stored.prefix)
    if stored.record.backend == "conda":
        assert inside["CONDA_PREFIX"] == str(stored.link)
        assert inside["LICENCE"] == f"{stored.link}/licence"
    assert list((tmp_path / "tmp").glob("envkit-*")) == []


@pytest.mark.slow
def test_shell_holds_the_environment_and_notices_one_within_another(
    person: dict[str, str], tmp_path: Path
) -> None:
    make_small(tmp_path / "home", "mine")
    make_small(tmp_path / "home", "other")
    envkit = f"'{sys.executable}' -m envkit env"
    code, screen = types(
        person,
        "mine",
        shell="bash",
        lines=[
            f"{envkit} remove mine --yes",
            f"{envkit} shell mine",
            f"{envkit} shell other",
            "echo PATH=$PATH; exit 4",
            "exit $?",
        ],
    )
    assert code == 4, screen
    assert "is in mine" in screen
    assert "this shell is in the environment mine already" in screen
    assert "the shell of mine" in screen
    assert "(other) mine> " in screen
    assert (tmp_path / "home" / "envs" / "mine").exists()


def test_shell_without_a_terminal_names_run(
    envkit_here: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    make_small(tmp_path / "home", "mine")
    done = envkit_here("env", "shell", "mine")
    assert done.returncode == 2
    assert "envkit env run mine -- " in done.stderr


def test_shell_that_is_not_there_leaves_no_file(person: dict[str, str], tmp_path: Path) -> None:
    make_small(tmp_path / "home", "mine")
    broken = tmp_path / "bin" / "bash"
    broken.parent.mkdir()
    broken.write_text("#!/gone/reader\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [*ENVKIT, "mine"],
        env={**person, "SHELL": str(broken)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 126
    assert "does not start" in done.stdout
    assert list((tmp_path / "tmp").glob("envkit-*")) == []
