from __future__ import annotations

import pytest

from envkit.testing import CHECKS, Check, Trials
from envkit_seq2seq.contract import CONTRACT

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """The runs of the contract, on a tiny model: none is made twice."""
    return Trials(CONTRACT, tmp_path_factory.mktemp("trials"))


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_task_keeps(trials: Trials, check: Check[Trials]) -> None:
    check.run(trials)
