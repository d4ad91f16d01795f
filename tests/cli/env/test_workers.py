"""Workers in an environment that envkit made start with what activating it sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import install_source
from echo_model import HERE, echo_record, save_echo_model
from environments.small_venvs import make_small_conda

from envkit.cli.use.model import ready_model

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    envkit_here: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command where the plugin `echo` is installed and a mirror of the model hub is named."""
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))
    monkeypatch.setenv("ENVKIT_MODEL_HUB", "https://hub.example")
    return envkit_here


def test_ready_model_worker_has_the_environments_variables(
    command: Callable[..., object], tmp_path: Path
) -> None:
    stored = make_small_conda(tmp_path / "home", "mine")
    use = msgspec.structs.replace(HERE, kind="conda", name="mine", python=str(stored.prefix / "bin/python"))
    save_echo_model(tmp_path / "model", msgspec.structs.replace(echo_record(), environment=use))
    environ = ready_model("model", env_choice=None, data=None).environ
    assert environ["CONDA_PREFIX"] == str(stored.prefix)
    assert environ["LICENCE"] == f"{stored.prefix}/licence"
    assert environ["PATH"].startswith(f"{stored.prefix}/bin:")
    assert environ["HF_ENDPOINT"] == "https://hub.example"


def test_data_check_worker_has_the_environments_variables(
    command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    stored = make_small_conda(tmp_path / "home", "mine")
    python, shown = stored.prefix / "bin" / "python", tmp_path / "shown"
    python.unlink()
    python.write_text(f"#!/bin/sh\nenv > '{shown}'\n")
    python.chmod(0o755)
    (tmp_path / "train.txt").write_text("one\ntwo\n")
    done = command("data", "check", "echo", "train.txt", "--env", "mine")
    assert done.returncode == 6, done.stderr
    lines = shown.read_text().splitlines()
    assert f"LICENCE={stored.prefix}/licence" in lines
    assert "HF_ENDPOINT=https://hub.example" in lines
