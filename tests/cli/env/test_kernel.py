"""`envkit env kernel`: written, renewed, removed, and talked to by a real Jupyter client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from environments.small_venvs import LAUNCHER, make_small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an environment with a kernel's launcher; return where its kernel goes."""
    make_small(tmp_path / "home", "mine", files=LAUNCHER)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter" / "kernels" / "envkit-mine"


def test_kernel_written_renewed_and_removed_says_each(folder: Path, envkit_here: Command) -> None:
    dry = envkit_here("env", "kernel", "mine", "--dry-run")
    assert (dry.returncode, dry.stdout) == (0, f"Would write {folder}\n")
    assert not folder.parent.exists()
    made = envkit_here("env", "kernel", "mine")
    assert made.stdout == f"Wrote {folder}\nIn Jupyter it is called: mine (envkit)\n"
    assert envkit_here("env", "kernel", "mine").stdout == f"The kernel of mine is there already: {folder}\n"
    renewed = envkit_here("env", "kernel", "mine", "--display-name", "Mine")
    assert renewed.stdout == f"Renewed {folder}\nIn Jupyter it is called: Mine\n"
    assert json.loads((folder / "kernel.json").read_text())["display_name"] == "Mine"
    assert envkit_here("env", "kernel", "mine", "--remove", "--dry-run").stdout == f"Would remove {folder}\n"
    assert envkit_here("env", "kernel", "mine", "--remove").stdout == f"Removed {folder}\n"
    assert envkit_here("env", "kernel", "mine", "--remove").stdout == f"There is no kernel in {folder}\n"
    assert list(folder.parent.iterdir()) == []


def test_kernel_as_json_says_what_was_done(folder: Path, envkit_here: Command, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    done = envkit_here("env", "kernel", "mine", "--prefix", str(lab), "--json")
    data = json.loads(done.stdout)["data"]
    place = lab / "share" / "jupyter" / "kernels" / "envkit-mine"
    assert (data["done"], data["folder"], data["is_dry_run"]) == ("made", str(place), False)
    assert data["kernel"] == json.loads((place / "kernel.json").read_text())
    assert not folder.exists()


def test_kernel_of_another_is_neither_replaced_nor_removed_unasked(
    folder: Path, envkit_here: Command, tmp_path: Path
) -> None:
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["python"]}')
    for words in ((), ("--remove",)):
        done = envkit_here("env", "kernel", "mine", *words)
        assert done.returncode == 2
        assert str(folder) in done.stderr
    assert (folder / "kernel.json").read_text() == '{"argv": ["python"]}'
    assert envkit_here("env", "kernel", "mine", "--yes").returncode == 0
    assert "envkit" in (folder / "kernel.json").read_text()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("bare",), 6, "envkit env sync bare --with ipykernel"),
        (("nobody",), 6, "Known: bare, mine"),
        (("mine", "--user", "--prefix", "x"), 2, "Give one of them"),
        (("m/ne", "--remove"), 2, "m/ne"),
    ],
)
def test_kernel_that_cannot_be_says_why(
    words: tuple[str, ...], code: int, told: str, folder: Path, envkit_here: Command, tmp_path: Path
) -> None:
    make_small(tmp_path / "home", "bare")
    done = envkit_here("env", "kernel", *words)
    assert done.returncode == code
    assert told in done.stderr


TALK = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="envkit-talk")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
client.execute_interactive(sys.argv[1], timeout=60)
client.stop_channels()
manager.shutdown_kernel()
"""
CELL = "import sys, shutil; print(sys.prefix, shutil.which('python'), 6 * 7)"


@pytest.mark.slow
def test_kernel_real_client_runs_a_cell_in_the_environment(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "ENVKIT_HOME": str(tmp_path / "home"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }

    def envkit(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "envkit", "env", *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    envkit("create", "talk", "--with", "ipykernel", "--yes")
    envkit("kernel", "talk")
    link = tmp_path / "home" / "envs" / "talk"
    said = envkit("run", "talk", "--", "python", "-c", TALK, CELL)
    assert said.splitlines()[-1] == f"{link.resolve()} {link}/bin/python 42"
