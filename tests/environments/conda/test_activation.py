"""The variables of an activated prefix are those that conda leaves, scripts of packages included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from required import require_program

from envkit.api import EnvError
from envkit.environments.conda.activation import activated_variables
from envkit.environments.conda.activation_scripts import write_activation
from envkit.environments.shell_words import quote

if TYPE_CHECKING:
    from pathlib import Path

PATH = os.environ["PATH"]


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    made = tmp_path / "envs" / ".made" / "my env-2"
    (made / "bin").mkdir(parents=True)
    write(made / "etc/conda/env_vars.d/b.json", '{"LEVEL": "package", "QUOTED": "it\'s $HOME !"}')
    write(made / "conda-meta/state", json.dumps({"env_vars": {"LEVEL": "user", "GONE": "***unset***"}}))
    write(made / "etc/conda/activate.d/a.sh", 'export FIRST="$CONDA_PREFIX"\n')
    write(made / "etc/conda/activate.d/b.sh", 'echo noise; export SECOND="$FIRST/$LEVEL\nmore"\nreturn 3\n')
    write(made / "etc/conda/deactivate.d/a.sh", "unset FIRST SECOND\n")
    write(made / "etc/conda/deactivate.d/b.sh", ': "${FIRST:?is needed until a.sh has been read}"\n')
    return made


def test_activated_variables_packages_scripts_and_state_count(prefix: Path) -> None:
    active = activated_variables(prefix, environ={"PATH": PATH, "GONE": "x", "LEVEL": "mine", "SHLVL": "1"})

    assert active == {
        "PATH": f"{prefix}/bin:{PATH}",
        "CONDA_PREFIX": str(prefix),
        "CONDA_DEFAULT_ENV": "my env",
        "CONDA_PROMPT_MODIFIER": "(my env) ",
        "CONDA_SHLVL": "1",
        "LEVEL": "user",
        "QUOTED": "it's $HOME !",
        "FIRST": str(prefix),
        "SECOND": f"{prefix}/user\nmore",
        "SHLVL": "1",
        "__CONDA_SHLVL_0_LEVEL": "mine",
        "__CONDA_SHLVL_0_GONE": "x",
    }


def test_activated_variables_from_within_another_leave_it(prefix: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other / "etc/conda/deactivate.d/x.sh", "unset OF_OTHER\n")
    environ = {
        "PATH": f"{other}/bin:{PATH}",
        "CONDA_PREFIX": str(other),
        "CONDA_SHLVL": "1",
        "OF_OTHER": "1",
    }

    active = activated_variables(prefix, environ=environ)

    assert active["PATH"] == f"{prefix}/bin:{PATH}"
    assert (active["CONDA_SHLVL"], active["CONDA_PREFIX_1"]) == ("2", str(other))
    assert "OF_OTHER" not in active


@pytest.mark.parametrize(
    ("script", "says"),
    [("echo no such licence >&2; exit 7\n", "no such licence"), ("exec false\n", "ended the shell")],
)
def test_activated_variables_script_that_ends_the_shell_is_an_error(
    script: str, says: str, prefix: Path
) -> None:
    write(prefix / "etc/conda/activate.d/z.sh", script)

    with pytest.raises(EnvError, match=says) as caught:
        activated_variables(prefix, environ={"PATH": PATH})
    assert "z.sh" in str(caught.value.hint)


def test_activated_variables_broken_state_names_the_file(prefix: Path) -> None:
    write(prefix / "conda-meta/state", "{")

    with pytest.raises(EnvError, match="conda-meta/state"):
        activated_variables(prefix, environ={"PATH": PATH})


NAMES = ("PATH", "LEVEL", "GONE", "FIRST", "SECOND", "QUOTED", "CONDA_PREFIX", "CONDA_SHLVL")
PRINT = "import os, json; print(json.dumps(dict(os.environ)))"


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "ksh"])
def test_write_activation_posix_shell_activates_and_takes_back(
    shell: str, prefix: Path, tmp_path: Path
) -> None:
    program = require_program("shells", shell)
    script = write(tmp_path / "activate", write_activation(prefix, shell=shell))
    python = write(tmp_path / "print.py", PRINT)
    show = f"'{sys.executable}' '{python}'"
    environ = {"PATH": PATH, "LEVEL": "mine", "GONE": "x"}

    said = subprocess.run(
        [program, "-c", f". '{script}' >/dev/null; {show}; . '{script}' > /dev/null; deactivate; {show}"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    active, after = map(json.loads, said.stdout.splitlines())
    wanted = activated_variables(prefix, environ=environ)
    assert {name: active.get(name) for name in wanted if not name.startswith("__CONDA")} == {
        name: text for name, text in wanted.items() if not name.startswith("__CONDA")
    }
    assert "GONE" not in active
    assert {name: after.get(name) for name in wanted} == {name: environ.get(name) for name in wanted}


@pytest.mark.parametrize(("shell", "setting"), [("tcsh", "setenv {} "), ("fish", "set -gx {} ")])
def test_write_activation_other_shell_activates_twice_and_takes_back(
    shell: str, setting: str, prefix: Path, tmp_path: Path
) -> None:
    program = require_program("shells", shell)
    odd = prefix.rename(prefix.with_name("it's 100 % (odd) $HOME #!-3"))
    ending = {"tcsh": "csh"}.get(shell, shell)
    for name, text in {
        "activate.d/a": setting.format("FIRST") + '"$CONDA_PREFIX"',
        "activate.d/b b": setting.format("SECOND") + '"$FIRST/$LEVEL"',
        "deactivate.d/a b": {"tcsh": "unsetenv FIRST SECOND", "fish": "set -e FIRST SECOND"}[shell],
    }.items():
        write(odd / "etc" / "conda" / f"{name}.{ending}", f"{text}\n")
    script = write(tmp_path / "activate", write_activation(odd, shell=shell))
    python = write(tmp_path / "print.py", PRINT)
    show, read = f"'{sys.executable}' '{python}'", f"source '{script}'"
    environ = {"PATH": PATH, "LEVEL": "my own $one", "GONE": "x"}

    said = subprocess.run(
        [program, *({"tcsh": ["-f"], "fish": ["--no-config"]}[shell])],
        input=f"{read}\n{read}\n{show}\ndeactivate\n{show}\n{read}\n{show}\n",
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )

    active, after, again = (json.loads(line) for line in said.stdout.splitlines() if line.startswith("{"))
    assert active["PATH"] == f"{odd}/bin:{PATH}"
    assert (active["FIRST"], active["SECOND"]) == (str(odd), f"{odd}/user")
    assert (active["CONDA_PREFIX"], active["LEVEL"]) == (str(odd), "user")
    assert active["QUOTED"] == "it's $HOME !"
    assert "GONE" not in active
    assert {name: after.get(name) for name in NAMES} == {name: environ.get(name) for name in NAMES}
    assert again == active


@pytest.mark.parametrize(
    ("shell", "shown"), [("fish", "set -gx CONDA_PREFIX"), ("csh", "setenv CONDA_PREFIX")]
)
def test_write_activation_other_shell_sets_the_prefix(shell: str, shown: str, prefix: Path) -> None:
    text = write_activation(prefix, shell=shell)

    assert f"{shown} '{prefix}'" in text


def test_write_activation_unknown_shell_names_those_it_can() -> None:
    from pathlib import Path

    with pytest.raises(EnvError, match="'nu'") as caught:
        write_activation(Path("/p"), shell="nu")
    assert "bash" in str(caught.value.hint)


@settings(max_examples=25)
@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20))
def test_quote_any_text_is_one_word_of_a_posix_shell(text: str) -> None:
    said = subprocess.run(
        ["/bin/sh", "-c", f"printf %s {quote(text, shell='sh')}"], capture_output=True, check=True
    )

    assert said.stdout.decode() == text
