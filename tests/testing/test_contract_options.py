"""A task without the options that checks set is told which, not that something does not validate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import Options, Result, Task, hookimpl
from envkit.registry import DISABLE_VARIABLE
from envkit.testing import CHECKS, Contract, Trials

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.testing import AddedPlugins


class BareOptions(Options, frozen=True, kw_only=True):
    """No options besides those of every task."""


class Bare:
    """A task that is made of no parts of envkit's."""

    @hookimpl
    def envkit_task(self) -> Task:
        return Task(options=BareOptions, headline="score")

    @hookimpl
    def envkit_read(self, request: Any) -> str:
        return "data"

    @hookimpl
    def envkit_finetune(self, run: Any) -> Result:
        return Result(metrics={"dev/score": 1.0})


@pytest.mark.parametrize(
    ("check", "missing"),
    [
        ("resume", "option checkpoint_every: add it"),
        ("accumulation", "options clip_norm, optimizer, schedule, warmup, weight_decay: add them"),
        ("stops", "option checkpoint_every: add it"),
    ],
)
def test_check_that_sets_options_the_task_lacks_names_them(
    check: str, missing: str, tmp_path: Path, envkit_registry: AddedPlugins
) -> None:
    envkit_registry.add(Bare(), name="bare")
    sample = tmp_path / "sample.txt"
    sample.write_text("one\n")
    files = {"train": sample, "dev": sample}
    contract = Contract(task="bare", files=files, score_gold=lambda file: {}, model=tmp_path)
    trials = Trials(contract, tmp_path)

    assert trials.options().train == sample
    with pytest.raises(AssertionError) as caught:
        next(each for each in CHECKS if each.name == check).run(trials)

    assert str(caught.value) == (
        f"the task has no {missing} to BareOptions, or let it subclass envkit.api.FinetuneOptions"
    )


def test_trials_of_a_task_that_the_tester_does_without_are_made_all_the_same(
    tmp_path: Path, envkit_registry: AddedPlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    envkit_registry.add(Bare(), name="bare")
    monkeypatch.setenv(DISABLE_VARIABLE, "*")
    contract = Contract(task="bare", files={}, score_gold=lambda file: {}, model=tmp_path)
    assert Trials(contract, tmp_path).task.task.options is BareOptions
    assert os.environ[DISABLE_VARIABLE] == "*"
