"""A task that breaks a promise is found out: each check, against the ner task with one thing spoiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from contracts import contract_of

from envkit.api import UsageError
from envkit.testing import CHECKS, Contract, NotChecked, Trials, check_task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.torch

Spoil = Callable[[pytest.MonkeyPatch], None]


def ignore_the_seed(patch: pytest.MonkeyPatch) -> None:
    from envkit.api import Run

    patch.setattr(Run, "seed", 0)


def seed_torch_with_a_number(patch: pytest.MonkeyPatch) -> None:
    import envkit_ner.train

    set_seeds = envkit_ner.train.set_seeds
    patch.setattr(envkit_ner.train, "set_seeds", lambda seed: set_seeds(1))


def forget_random_states(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("envkit.finetune.training.set_random_state", lambda state: None)


def weigh_batches_not_items(patch: pytest.MonkeyPatch) -> None:
    from envkit.finetune.steps import Step

    backward = Step.backward

    def weighted(self: Any, loss: Any) -> None:
        backward(self, loss * len(self._batches))

    patch.setattr(Step, "backward", weighted)


def mix_up_rows(patch: pytest.MonkeyPatch) -> None:
    from envkit_ner.decode import Decoder

    reduce = Decoder.reduce

    def spoiled(self: Any, logits: Any, batch: Any) -> Any:
        # Of several rows the last are tagged by the scores of the first: what a wrong reshape does.
        return reduce(self, logits[:1].expand_as(logits), batch)

    patch.setattr(Decoder, "reduce", spoiled)


def mix_up_rows_in_batches_of_its_own(patch: pytest.MonkeyPatch) -> None:
    from envkit_ner import predictor

    load, rows = predictor.load_predictor, []

    def by_option(request: Any) -> Any:
        rows.append(request.options.batch_size)
        return load(request)

    mix_up_rows(patch)
    patch.setattr(predictor, "load_predictor", by_option)
    patch.setattr(
        "envkit.finetune.evaluation.most_tokens", lambda device: 1 if rows and rows[-1] == 1 else 4096
    )


def make_the_same_batches(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("envkit.finetune.evaluation.most_tokens", lambda device: 4096)


def take_steps_whole(patch: pytest.MonkeyPatch) -> None:
    from envkit.testing.contract import Trials as Patched

    run = Patched.run

    def whole(self: Any, name: str, **given: Any) -> Any:
        given.pop("micro_batch_tokens", None)
        return run(self, name, **given)

    patch.setattr(Patched, "run", whole)


def stop_late(patch: pytest.MonkeyPatch) -> None:
    from envkit.testing.contract import Trials as Patched

    run = Patched.run

    def deaf(self: Any, name: str, **given: Any) -> Any:
        given.pop("should_stop", None)
        return run(self, name, **given)

    patch.setattr(Patched, "run", deaf)


def write_elsewhere(patch: pytest.MonkeyPatch) -> None:
    import tempfile
    from pathlib import Path

    import envkit_ner.train

    load = envkit_ner.train.load

    def spoiled(run: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "cache").write_text("rows")
        return load(run)

    patch.setattr(envkit_ner.train, "load", spoiled)


def ask_the_network(patch: pytest.MonkeyPatch) -> None:
    import contextlib
    import socket

    import envkit_ner.train

    load = envkit_ner.train.load

    def spoiled(run: Any) -> Any:
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        return load(run)

    patch.setattr(envkit_ner.train, "load", spoiled)


SPOILED = [
    ("seed", ignore_the_seed, "another seed gives the same model"),
    ("seed", seed_torch_with_a_number, "seeds torch with 1, whatever run.seed is"),
    ("resume", forget_random_states, "ends with another"),
    ("accumulation", weigh_batches_not_items, "otherwise than 8 at once"),
    ("batch_size", mix_up_rows, "scored differently"),
    pytest.param(
        "batch_size", mix_up_rows_in_batches_of_its_own, "scored differently", marks=pytest.mark.slow
    ),
    ("stops", stop_late, "told to stop after step 2"),
    ("stays_inside", write_elsewhere, "outside of the run's folder"),
    ("offline", ask_the_network, "connects to 192.0.2.1"),
]


@pytest.mark.parametrize(("name", "spoil", "said"), SPOILED, ids=lambda value: getattr(value, "__name__", ""))
def test_check_of_a_task_that_breaks_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, spoil: Spoil, said: str
) -> None:
    check = next(check for check in CHECKS if check.name == name)
    trials = Trials(contract_of("ner"), tmp_path)
    spoil(monkeypatch)
    with pytest.raises(AssertionError, match=said):
        check.run(trials)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spoil"),
    [("batch_size", make_the_same_batches), ("accumulation", take_steps_whole)],
    ids=["batch_size", "accumulation"],
)
def test_check_that_a_task_could_not_have_failed_is_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, spoil: Spoil
) -> None:
    check = next(check for check in CHECKS if check.name == name)
    spoil(monkeypatch)
    with pytest.raises(NotChecked, match="computes the same batches"):
        check.run(Trials(contract_of("ner"), tmp_path))


def test_trials_in_a_folder_with_a_run_of_before_are_refused(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    (tmp_path / "notes.txt").touch()
    trials = Trials(contract_of("ner"), tmp_path)
    with pytest.raises(UsageError, match="is from another trial"):
        trials.usual()


def test_check_task_names_every_promise_that_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignore_the_seed(monkeypatch)
    contract = contract_of("ner")

    def half_right(file: Path) -> Mapping[str, float]:
        return {"gold/entity_f1": 0.5}

    spoiled = Contract(task="ner", files=contract.files, options=contract.options, score_gold=half_right)
    with pytest.raises(AssertionError) as caught:
        check_task(spoiled, tmp_path / "kept")
    (made,) = (
        tmp_path / "kept"
    ).iterdir()  # whatever is there from before, each call has a folder of its own
    assert (made / "usual" / "model").is_dir()
    lines = str(caught.value).splitlines()
    assert lines[0] == "the task ner does not keep:"
    assert [line.partition(":")[0] for line in lines[1:]] == ["seed", "gold"]
