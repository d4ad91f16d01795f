from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from envkit.api import EnvError, FoundPython
from envkit.testing import BACKEND_CHECKS, BackendTrials, Check
from envkit_pip_backend.backend import PipBackend
from envkit_pip_backend.contract import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.api import BaseRequest

CONTEXT = CONTRACT.context


def request(*pythons: str) -> BaseRequest:
    found = tuple(FoundPython(path=path, version="3.12") for path in pythons)
    return msgspec.structs.replace(CONTRACT.request, pythons=found)


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> BackendTrials:
    return BackendTrials(CONTRACT, tmp_path_factory.mktemp("trials"))


@pytest.mark.slow
@pytest.mark.parametrize("check", BACKEND_CHECKS, ids=str)
def test_backend_keeps(trials: BackendTrials, check: Check[BackendTrials]) -> None:
    check.run(trials)


@pytest.mark.slow
def test_environment_has_a_pip_of_its_own(trials: BackendTrials) -> None:
    _, prefix = trials.made()
    assert (prefix / "bin" / "pip").is_file()


def test_python_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    dead = tmp_path / "python3.12"
    dead.write_text("#!/bin/sh\nexit 3\n")
    dead.chmod(0o755)
    base = PipBackend().plan(request(str(dead), sys.executable), context=CONTEXT)
    assert base.interpreter == sys.executable
    with pytest.raises(EnvError, match="which does not start"):
        PipBackend().plan(request(str(dead)), context=CONTEXT)


def test_packages_of_conda_are_refused() -> None:
    asked = msgspec.structs.replace(CONTRACT.request, packages=("cuda-nvcc",))
    with pytest.raises(EnvError, match="cuda-nvcc"):
        PipBackend().plan(asked, context=CONTEXT)


def test_interpreter_that_has_no_venv_is_told_with_what_it_says(tmp_path: Path) -> None:
    broken = tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\necho 'No module named venv' >&2\nexit 1\n")
    broken.chmod(0o755)
    plan = PipBackend().plan(CONTRACT.request, context=CONTEXT)
    base = type(plan)(backend="pip", python=plan.python, interpreter=str(broken))
    with pytest.raises(EnvError, match="No module named venv"):
        PipBackend().install(
            base,
            tmp_path / "env",
            requested=(),
            context=CONTEXT,
            progress=Silent(),
            inherited=(),
        )


class Silent:
    def step(self, text: str) -> None:
        """Say nothing."""
