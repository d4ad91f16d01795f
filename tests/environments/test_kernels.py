"""A kernel of an environment stands where Jupyter looks, and starts in what the environment is by then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from environments.small_venvs import LAUNCHER, SITE, make_small, make_small_conda

from envkit.api import EnvError
from envkit.environments.kernels import (
    KernelMetadata,
    KernelSpec,
    is_kernel_of,
    kernel_dir,
    plan_kernel,
    read_kernel,
    remove_kernel,
    write_kernel,
)
from envkit.environments.removal import remove_environment

if TYPE_CHECKING:
    from envkit.environments.records import StoredEnvironment

ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/home/me", "LANG": "C", "SECRET": "s"}


@pytest.mark.skipif(sys.platform == "darwin", reason="has places of its own")
@pytest.mark.parametrize(
    ("environ", "prefix", "place"),
    [
        ({"HOME": "/home/me"}, None, "/home/me/.local/share/jupyter"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": "/data"}, None, "/data/jupyter"),
        (
            {"HOME": "/home/me", "XDG_DATA_HOME": "/data", "JUPYTER_DATA_DIR": "/jupyter"},
            None,
            "/jupyter",
        ),
        ({"HOME": "/home/me", "JUPYTER_DATA_DIR": "/jupyter"}, "/opt/lab", "/opt/lab/share/jupyter"),
    ],
)
def test_kernel_dir_is_where_jupyter_looks(environ: dict[str, str], prefix: str | None, place: str) -> None:
    folder = kernel_dir("mine", prefix=Path(prefix) if prefix else None, environ=environ)
    assert folder == Path(place, "kernels", "envkit-mine")


def test_plan_kernel_venv_puts_its_programs_before_those_of_jupyter(tmp_path: Path) -> None:
    stored = make_small(tmp_path, "mine", files=LAUNCHER)
    spec = plan_kernel(stored, model_hub="https://hub.example/$x", environ=ENVIRON)
    assert spec.display_name == "mine (envkit)"
    assert spec.argv[0] == f"{stored.link}/bin/python"
    assert spec.env == {
        "HF_ENDPOINT": "https://hub.example/$$x",
        "PATH": f"{stored.link}/bin:${{PATH}}",
        "VIRTUAL_ENV": str(stored.link),
        "VIRTUAL_ENV_PROMPT": "mine",
    }
    assert is_kernel_of(spec, stored.link)


def test_plan_kernel_conda_has_what_scripts_and_state_set(tmp_path: Path) -> None:
    make_small_conda(tmp_path, "mine")
    stored = make_small_conda(tmp_path, "mine")
    info = stored.prefix / SITE / "ipykernel-6.29.dist-info"
    info.mkdir(parents=True)
    spec = plan_kernel(stored, display_name="Mine", environ=ENVIRON)
    assert spec.display_name == "Mine"
    assert spec.env == {
        "CONDA_DEFAULT_ENV": "mine",
        "CONDA_PREFIX": str(stored.link),
        "CONDA_PROMPT_MODIFIER": "(mine) ",
        "CONDA_SHLVL": "1",
        "LEVEL": "of $$the user's",
        "LICENCE": f"{stored.link}/licence",
        "PATH": f"{stored.link}/bin:${{PATH}}",
    }


def test_plan_kernel_without_ipykernel_says_how_to_add_it(tmp_path: Path) -> None:
    stored = make_small(tmp_path, "mine")
    with pytest.raises(EnvError, match="lacks ipykernel") as caught:
        plan_kernel(stored, environ=ENVIRON)
    assert caught.value.hint == "envkit env sync mine --with ipykernel"


def start(folder: Path) -> tuple[subprocess.Popen[str], list[str]]:
    """Start the kernel in a folder as Jupyter does; return its process and what it says."""
    spec = json.loads((folder / "kernel.json").read_text())
    filled = {"{resource_dir}": str(folder), "{connection_file}": "/tmp/connection.json"}
    words = [word.replace("{resource_dir}", str(folder)) for word in spec["argv"]]
    process = subprocess.Popen(
        [filled.get(word, word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()


def test_kernel_holds_the_generation_that_it_began_in(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "kernels" / "envkit-mine"
    stored = make_small(home, "mine", files=LAUNCHER)
    write_kernel(plan_kernel(stored, environ=ENVIRON), folder=folder)
    process, said = start(folder)
    assert said == [str(stored.prefix), "['-f',", "'/tmp/connection.json']", str(process.pid)]
    newer = make_small(home, "mine", files=LAUNCHER)
    assert stored.prefix.exists()
    second, said = start(folder)
    assert said[0] == str(newer.prefix)
    with pytest.raises(EnvError):
        remove_environment(home, "mine", say=lambda text: None)
    for each in (process, second):
        each.communicate("")
    remove_environment(home, "mine", say=lambda text: None)


def test_kernel_starts_where_nothing_may_be_written(tmp_path: Path) -> None:
    stored = make_small(tmp_path / "home", "mine", files=LAUNCHER)
    folder = tmp_path / "kernel"
    write_kernel(plan_kernel(stored, environ=ENVIRON), folder=folder)
    stored.prefix.with_name(f"{stored.prefix.name}.in-use").unlink()
    stored.prefix.with_name(f"{stored.prefix.name}.in-use").mkdir()  # root may write anywhere else
    process, said = start(folder)
    process.communicate("")
    assert said[0] == str(stored.prefix)


def test_write_kernel_where_it_cannot_be_is_an_error_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvError, match="file/kernels") as caught:
        write_kernel(KernelSpec(), folder=tmp_path / "file" / "kernels")
    assert "--prefix" in str(caught.value.hint)


@pytest.fixture
def kernel_of(tmp_path: Path) -> StoredEnvironment:
    return make_small(tmp_path / "home", "mine", files=LAUNCHER)


def test_remove_kernel_takes_away_its_own_alone(kernel_of: StoredEnvironment, tmp_path: Path) -> None:
    environ = {"JUPYTER_DATA_DIR": str(tmp_path / "jupyter")}
    folder = kernel_dir("mine", environ=environ)
    assert remove_kernel("mine", link=kernel_of.link, environ=environ) is None
    write_kernel(plan_kernel(kernel_of, environ=ENVIRON), folder=folder)
    assert remove_kernel("mine", link=tmp_path / "elsewhere" / "mine", environ=environ) is None
    assert remove_kernel("mine", link=kernel_of.link, environ=environ) == folder
    assert not folder.exists()


@pytest.mark.parametrize("content", ["{", '{"argv": ["x"], "metadata": {}}', "[]"])
def test_read_kernel_of_another_tool_has_no_origin(content: str, tmp_path: Path) -> None:
    assert read_kernel(tmp_path / "none") is None
    (tmp_path / "kernel.json").write_text(content)
    spec = read_kernel(tmp_path)
    assert spec is not None
    assert spec.metadata == KernelMetadata()
    assert not is_kernel_of(spec, Path(os.sep))
