"""Every task of envkit keeps what every task promises."""

from __future__ import annotations

import pytest
from contracts import TASKS, contract_of

from envkit.testing import CHECKS, Check, Trials

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module", params=TASKS)
def trials(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """The runs of one task, shared by its checks."""
    return Trials(contract_of(request.param), tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_task_keeps(trials: Trials, check: Check) -> None:
    check.run(trials)
