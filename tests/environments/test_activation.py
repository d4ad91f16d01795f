"""A process in an environment finds that environment, whatever was active where it was started."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from environments.small_venvs import make_small, make_small_conda

from envkit.api import EnvError, UsageError
from envkit.environments.activation import activated, backend_of, find_working
from envkit.environments.records import Environment
from envkit.environments.store import hold_environment

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/usr/local/bin:/usr/bin:/bin"
ASK = (
    "import json, os, shutil, sys; print(json.dumps([sys.prefix, shutil.which('python'), dict(os.environ)]))"
)


def ask(environ: dict[str, str]) -> tuple[Path, Path, dict[str, str]]:
    """Return what `python` on that PATH says of itself."""
    said = subprocess.run(
        ["/usr/bin/env", "python", "-c", ASK], env=environ, capture_output=True, text=True, check=True
    )
    prefix, program, variables = json.loads(said.stdout)
    return Path(prefix), Path(program), variables


@pytest.mark.parametrize("make", [make_small, make_small_conda])
def test_activated_process_finds_the_environment_and_keeps_the_rest(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    stored = make(tmp_path, "mine")
    given = {
        "PATH": f"/opt/host/bin:{PATH}",
        "VIRTUAL_ENV": "/opt/host",
        "VIRTUAL_ENV_PROMPT": "host",
        "PYTHONHOME": "/nowhere",
        "MINE": "as it was",
    }
    before = dict(given)
    with_hold = hold_environment(stored)
    prefix, program, variables = ask(activated(with_hold, given))
    with_hold.release()
    assert given == before
    assert prefix == stored.prefix
    assert program.parent == stored.prefix / "bin"
    assert variables["PATH"] == f"{stored.prefix}/bin:{PATH}"
    assert variables["MINE"] == "as it was"
    assert "PYTHONHOME" not in variables
    if stored.record.backend == "conda":
        assert "VIRTUAL_ENV" not in variables
        assert variables["CONDA_DEFAULT_ENV"] == "mine"
        assert variables["LICENCE"] == f"{stored.prefix}/licence"
        assert variables["LEVEL"] == "of $the user's"
    else:
        assert variables["VIRTUAL_ENV"] == str(stored.prefix)
        assert variables["VIRTUAL_ENV_PROMPT"] == "mine"


def test_activated_running_interpreter_changes_nothing() -> None:
    current = Environment(
        kind="current", name="current", prefix=Path(sys.prefix), python=Path(sys.executable), reason=""
    )
    environ = {"PATH": PATH, "VIRTUAL_ENV": "/opt/host", "PYTHONHOME": "/x"}
    assert activated(current, environ) == environ


def test_activated_by_its_link_names_the_link(tmp_path: Path) -> None:
    stored = make_small(tmp_path, "mine")
    held = replace(hold_environment(stored), prefix=stored.link)
    variables = activated(held, {"PATH": PATH})
    held.release()
    assert variables["VIRTUAL_ENV"] == str(stored.link)
    assert variables["PATH"].startswith(f"{stored.link}/bin:")


def test_backend_of_an_extension_that_is_gone_names_it() -> None:
    assert backend_of("venv").name == "venv"
    assert backend_of("conda").name == "conda"
    with pytest.raises(UsageError, match="'sandbox'"):
        backend_of("sandbox")


def test_find_working_environment_without_its_python_says_how_to_make_it_anew(tmp_path: Path) -> None:
    stored = make_small(tmp_path, "mine")
    assert find_working(tmp_path, "mine") == stored
    python = stored.prefix / "bin" / "python"
    python.unlink()
    python.symlink_to("/gone/python3")
    with pytest.raises(EnvError, match="/gone/python3") as caught:
        find_working(tmp_path, "mine")
    assert "envkit env sync mine" in str(caught.value.hint)
