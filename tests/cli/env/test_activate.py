"""`envkit env activate`: one line that real shells read, whatever stands in the paths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from environments.small_venvs import make_small, make_small_conda
from required import require_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.environments.records import StoredEnvironment

    Command = Callable[..., subprocess.CompletedProcess[str]]

ODD = 'it\'s a "home" $HOME & (é) ; #'
SHOW = "/bin/echo now; command -v python; env printenv VIRTUAL_ENV CONDA_PREFIX LICENCE LEVEL"
MINIMAL = {"PATH": os.environ["PATH"]}
# How each shell is told to read commands from its standard input, and to show which Python it finds.
SHELLS = {
    "bash": (("bash", "--norc"), SHOW),
    "dash": (("dash",), SHOW),
    "zsh": (("zsh", "-f"), SHOW),
    "fish": (("fish", "--no-config"), SHOW),
    "tcsh": (("tcsh", "-f"), SHOW.replace("command -v", "which")),
}
EACH = [shell if shell == "bash" else pytest.param(shell, marks=pytest.mark.slow) for shell in SHELLS]


@pytest.fixture(params=[make_small, make_small_conda], ids=["venv", "conda"])
def odd(request: pytest.FixtureRequest, tmp_path: Path, shell: str) -> StoredEnvironment:
    """Return an environment in a folder whose name every shell has something to say about."""
    stored: StoredEnvironment = request.param(tmp_path / ODD, "mine")
    return stored


def read_by(
    shell: str, lines: list[str], *, tmp_path: Path, environ: Mapping[str, str] = MINIMAL
) -> list[list[str]]:
    """Have a shell read the lines; return what it shows, part by part."""
    words, _ = SHELLS[shell]
    program = require_program("shells", words[0])
    environ = {**environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    said = subprocess.run(
        [program, *words[1:]],
        input="\n".join([*lines, ""]),
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return [part.split("\n")[1:-1] for part in said.stdout.split("now")[1:]]


@pytest.mark.parametrize("shell", EACH)
def test_activate_line_pasted_into_a_real_shell_activates_and_deactivate_takes_back(
    shell: str, odd: StoredEnvironment, envkit_here: Command, tmp_path: Path
) -> None:
    done = envkit_here("env", "activate", "mine", "--shell", shell, ENVKIT_HOME=str(odd.link.parent.parent))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    show = SHELLS[shell][1]
    lines = [show, done.stdout.rstrip("\n"), show, "deactivate", show]
    before, active, after = read_by(shell, lines, tmp_path=tmp_path)
    if odd.record.backend == "conda":
        assert active == [
            f"{odd.link}/bin/python",
            str(odd.link),
            f"{odd.link}/licence",
            "of $the user's",
        ]
    else:
        python, prefix = active
        assert python == f"{prefix}/bin/python"
        assert Path(prefix).resolve() == odd.prefix
    assert after == before


@pytest.mark.parametrize("shell", EACH)
def test_activate_line_evaluated_in_a_real_shell_activates(
    shell: str, odd: StoredEnvironment, envkit_here: Command, tmp_path: Path
) -> None:
    """As `eval "$(envkit env activate NAME)"` does it in a script."""
    done = envkit_here("env", "activate", "mine", "--shell", shell, ENVKIT_HOME=str(odd.link.parent.parent))
    file = tmp_path / "line"
    file.write_text(done.stdout)
    reading = {"fish": f"cat {file} | source", "tcsh": f'eval "`cat {file}`"'}.get(
        shell, f'eval "$(cat {file})"'
    )
    show = SHELLS[shell][1]
    (active,) = read_by(shell, [reading, show], tmp_path=tmp_path)
    assert Path(active[0]).parent.resolve() == odd.prefix / "bin"


def test_activate_names_the_link_so_that_the_line_outlives_a_change(
    envkit_here: Command, tmp_path: Path
) -> None:
    stored = make_small_conda(tmp_path / "home", "mine")
    first = envkit_here("env", "activate", "mine", "--shell", "bash", "--script").stdout
    again = make_small_conda(tmp_path / "home", "mine")
    assert again.prefix != stored.prefix
    assert envkit_here("env", "activate", "mine", "--shell", "bash", "--script").stdout == first
    assert str(stored.link) in first
    assert ".made" not in first


@pytest.mark.parametrize(
    "shell", [pytest.param(shell, marks=pytest.mark.slow) for shell in SHELLS if shell != "dash"]
)
def test_activate_before_two_changes_finds_what_they_brought(
    shell: str, envkit: Command, tmp_path: Path
) -> None:
    assert envkit("env", "create", "mine", "--with", "tiny").returncode == 0
    line = envkit("env", "activate", "mine", "--shell", shell).stdout.rstrip("\n")
    sync = f"'{sys.executable}' -m envkit env sync mine --yes"
    show = SHELLS[shell][1]
    python = f"{show}; python -c 'import other, sys; print(sys.prefix)'"
    lines = [line, f"{sync} --with other >/dev/null", python, f"{sync} --without tiny >/dev/null", python]
    shown = read_by(shell, lines, tmp_path=tmp_path, environ=os.environ)
    link = tmp_path / "home/envs/mine"
    assert shown == [[f"{link}/bin/python", str(link), str(link)]] * 2
    assert link.resolve().name == "mine-3"
    assert not (link.parent / ".made" / "mine-2").exists()
    for script in (link / "bin").glob("activate*"):
        assert ".made" not in script.read_text(), script.name


def test_activate_as_json_has_line_and_script(envkit_here: Command, tmp_path: Path) -> None:
    stored = make_small_conda(tmp_path / "home", "mine")
    data = json.loads(envkit_here("env", "activate", "mine", "--shell", "fish", "--json").stdout)["data"]
    assert (data["name"], data["folder"], data["shell"]) == ("mine", str(stored.link), "fish")
    assert data["line"].endswith("--script | source")
    assert "set -gx CONDA_PREFIX" in data["script"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("mine", "--shell", "nu"), 6, "bash"),
        (("nine", "--shell", "bash"), 6, "Known: mine"),
    ],
)
def test_activate_that_cannot_be_says_why(
    words: tuple[str, ...], code: int, told: str, envkit_here: Command, tmp_path: Path
) -> None:
    make_small(tmp_path / "home", "mine")
    done = envkit_here("env", "activate", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
