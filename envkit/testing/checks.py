"""What every task is checked for: promises that a user relies on, each with the runs that would break it.

What an assertion says is a sentence for authors, to which pytest adds nothing: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec

from envkit.checkpoints import newest_sound
from envkit.testing.batches import watch_batches
from envkit.testing.contract import Contract, Trial, Trials
from envkit.testing.guard import Watched, watch
from envkit.testing.heard import Heard
from envkit.testing.promises import Check, NotChecked, fresh_folder, run_checks
from envkit.testing.same_numbers import differing_numbers, is_same
from envkit.testing.seeding import SeedHeard, forget_torch_seed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SMALL_WINDOW = 24  # pieces
_CUT_AT = 5  # the step in which a run is cut off; its last checkpoint is of step 4
_SAME_UPDATE = 1e-3  # of an update's size, in float32; a loss that is scaled wrongly is off by tenths
_OF_THE_FILE = frozenset({"name", "gold", "is_right", "loss"})


def check_task(contract: Contract, folder: Path | None = None) -> None:
    """Run all checks of a task, a minute or so on a CPU; ``folder`` keeps the runs, None throws them away.

    Each call makes a new folder in ``folder``.
    Raises: AssertionError with every promise that is not kept; where all are that could be checked, NotChecked with
    those that could not, which pytest shows as skipped; UsageError, PluginError where there is no such task.
    """
    with fresh_folder(folder) as place:
        run_checks(CHECKS, Trials(contract, place), of=f"the task {contract.task}")


def _seed(trials: Trials) -> None:
    forget_torch_seed()
    heard = [SeedHeard(), SeedHeard()]
    one = trials.run("seed-a", max_steps=4, seed=7, heard=heard[0]).fingerprint()
    same = trials.run("seed-b", max_steps=4, seed=7).fingerprint()
    other = trials.run("seed-other", max_steps=4, seed=8, heard=heard[1]).fingerprint()
    assert one, "a run saves no model"
    assert one == same, f"two runs of one seed differ in {_changed(one, same)}"
    assert one != other, "another seed gives the same model"
    # The order of the batches may follow the seed, and what torch draws (new weights, dropout) something else.
    fixed = heard[0].torch_seed
    assert fixed is None or fixed != heard[1].torch_seed, f"it seeds torch with {fixed}, whatever run.seed is"


class _CutOff(BaseException):
    """The end of a run that nobody could prepare for."""


class _CutShort(Heard):
    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        super().step(step, loss=loss, tokens=tokens, learning_rate=learning_rate)
        if step == _CUT_AT:
            raise _CutOff


def _resume(trials: Trials) -> None:
    options: dict[str, Any] = {"max_steps": 8, "checkpoint_every": 2}
    straight = trials.run("straight", **options)
    try:
        trials.run("cut", heard=_CutShort(), **options)
    except _CutOff:
        pass
    else:
        raise AssertionError(f"the run made fewer than {_CUT_AT} steps; give the contract more data")
    checkpoint, _ = newest_sound(trials.folder / "cut")
    assert checkpoint is not None, f"there is no checkpoint after step {_CUT_AT}"
    resumed = trials.run("cut", checkpoint=checkpoint.path, **options)
    assert resumed.heard.steps, "resumed, it tells of no step: call run.report.step after each"
    first = resumed.heard.steps[0][0]
    assert first == checkpoint.step + 1, f"it went on with step {first}, not {checkpoint.step + 1}"
    changed = _changed(straight.fingerprint(), resumed.fingerprint())
    assert not changed, f"a run that was cut off and resumed ends with another {changed}"
    ends = [dict(trial.result.metrics) for trial in (straight, resumed)]
    assert ends[0] == ends[1], f"its metrics are {ends[1]}, not {ends[0]}"


def _accumulation(trials: Trials) -> None:
    model = str(trials.model_dir(dropout=False))
    options: dict[str, Any] = {
        "model": model,
        "max_steps": 1,
        "batch_size": 8,
        "optimizer": "sgd",
        "schedule": "constant",
        "warmup": 0.0,
        "clip_norm": 0.0,
        "weight_decay": 0.0,
    }
    ways: dict[str, dict[str, Any]] = {
        "still": {"learning_rate": 1e-30},
        "whole": {"learning_rate": 0.05},
        "cut": {"learning_rate": 0.05, "micro_batch_tokens": 1},
    }
    weights, computed = {}, {}
    for name, changed in ways.items():
        with watch_batches() as computed[name]:
            weights[name] = _weights(trials.run(f"accumulation-{name}", **options, **changed))
    still, whole, cut = weights.values()
    moved = sum(float(((whole[name] - still[name]) ** 2).sum()) for name in whole) ** 0.5
    apart = sum(float(((whole[name] - cut[name]) ** 2).sum()) for name in whole) ** 0.5
    assert moved > 0, "a step does not move the weights"
    assert apart <= _SAME_UPDATE * moved, (
        f"8 rows one by one move the weights {apart / moved:.1%} otherwise than 8 at once"
    )
    if computed["whole"] == computed["cut"]:
        raise NotChecked("its loop computes the same batches whatever micro_batch_tokens is")


def _batch_size(trials: Trials) -> None:
    from envkit.finetune.evaluation import EVALUATION_TOKENS

    usual = trials.usual()
    scored, computed = [], []
    # One row at a time and all at once: by the table that the parts of a loop go by, for which nobody hands a number
    # through a plugin's predictor, and by the option of one that makes its batches itself.
    for tokens, batch_size in ((1, 1), (10**6, len(trials.corpus().splits["dev"]))):
        with patch.dict(EVALUATION_TOKENS, cpu=tokens), watch_batches() as batches:
            predictor = trials.predictor(_with_batch_size(usual, batch_size))
            scored.append(dict(predictor.score(trials.contract.files["dev"]).metrics))
        computed.append(batches)
    assert scored[0], "score gives no metric"
    differing = differing_numbers(*scored)
    assert not differing, f"rows one by one and all at once are scored differently: {differing}"
    if computed[0] == computed[1]:
        raise NotChecked(
            "its predictor computes the same batches whatever batch_size and envkit.finetune.evaluation say"
        )


def _with_batch_size(trial: Trial, batch_size: int) -> Trial:
    """Return the trial as if its options had asked for batches of so many rows, where they can."""
    if not isinstance(getattr(trial.options, "batch_size", ""), int | None):
        return trial
    options = msgspec.structs.replace(trial.options, batch_size=batch_size)
    return dataclasses.replace(trial, options=options)


def _gold(trials: Trials) -> None:
    for split, file in trials.contract.files.items():
        metrics = trials.contract.score_gold(file)
        assert any(_bare(name) == _headline(trials) for name in metrics), (
            f"envkit_task says headline={_headline(trials)!r}, and score_gold gives no such metric of {split}, "
            f"only {', '.join(sorted(map(_bare, metrics))) or 'none'}: give one of them as headline"
        )
        headline = next((value for name, value in metrics.items() if _bare(name) == _headline(trials)), None)
        assert headline == 1.0, f"{_headline(trials)} of {split} against itself is {headline}"


def _nothing_cut(trials: Trials) -> None:
    usual = trials.usual()
    rows = len(trials.corpus().splits["dev"])
    counted = len(usual.result.predictions.get("dev", ()))
    assert counted == rows, f"dev has {rows} rows, but {counted} predictions"
    if "window" not in trials.task.task.options.__struct_fields__:
        return
    small = trials.run("small-window", max_steps=2, window=_SMALL_WINDOW)
    support, less = (
        {name: value for name, value in trial.result.metrics.items() if _bare(name) == "support"}
        for trial in (usual, small)
    )
    assert support, "there is no metric dev/support, which counts what was scored"
    assert support == less, f"with a small window {less} was scored, not {support}"


def _stops(trials: Trials) -> None:
    heard = Heard()
    trial = trials.run(
        "stopped", heard=heard, should_stop=lambda: heard.step_number >= 2, checkpoint_every=1000
    )
    assert heard.step_number == 2, f"told to stop after step 2, it made {heard.step_number}"
    checkpoint, _ = newest_sound(trial.run_dir)
    assert checkpoint is not None and checkpoint.step == 2, "a run that is stopped leaves no checkpoint"


def _stays_inside(trials: Trials) -> None:
    watched, trial = _watched(trials, "inside")
    assert not watched.started, f"it starts {watched.started[0]}, which may do anything"
    outside = watched.outside(trial.run_dir)
    assert not outside, f"it writes {outside[0]}, outside of the run's folder"


def _offline(trials: Trials) -> None:
    watched, _ = _watched(trials, "offline")
    assert not watched.connected, f"it connects to {watched.connected[0]}"


def _watched(trials: Trials, name: str) -> tuple[Watched, Trial]:
    trials.model_dir(dropout=True)
    with watch() as watched:
        trial = trials.run(name, max_steps=2)
        if trials.task.has("envkit_predictor"):
            trials.predict(trial, trials.contract.files["dev"])
    return watched, trial


def _environ(trials: Trials) -> None:
    usual = trials.usual()  # after it, all that is imported late has been imported
    trials.run("environ", max_steps=2)
    left = sorted(trials.environ.own | trials.environ.others)
    assert not left, f"a run leaves {', '.join(left)} changed in os.environ"
    if not trials.task.has("envkit_predictor"):
        return
    with trials.environ.watch():
        trials.predict(usual, trials.contract.files["dev"])
    left = sorted(trials.environ.own | trials.environ.others)
    assert not left, f"predicting leaves {', '.join(left)} changed in os.environ"


def _on_the_cpu(trials: Trials) -> None:
    import torch

    if not torch.cuda.is_available():
        trials.usual()  # what asks for a GPU fails here by itself
        return
    # By what is held there: the tests before this one may have used it for themselves.
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    trials.run("on-the-cpu", max_steps=2)
    assert torch.cuda.max_memory_allocated() == before, "with --device cpu it uses a GPU"


def _predict(trials: Trials) -> None:
    usual, file = trials.usual(), trials.contract.files["dev"]
    scored = trials.predictor(usual).score(file)
    there = {_bare(name): value for name, value in usual.result.metrics.items() if name.startswith("dev/")}
    here = {_bare(name): value for name, value in scored.metrics.items() if _bare(name) in there}
    assert here, "score gives no metric that the run gave of dev"
    differing = differing_numbers({name: there[name] for name in here}, here)
    assert not differing, f"score gives other metrics than the run: {differing}"
    kept = usual.result.predictions.get("dev")
    assert kept is not None, (
        "the Result that its loop returns has no predictions of dev: give them, Result(predictions={'dev': […]})"
    )
    new = trials.predict(usual, file)
    assert len(new) == len(kept), f"{len(new)} rows are predicted, {len(kept)} were evaluated"
    for before, now in zip(kept, new, strict=True):
        shared = (before.fields.keys() & now.fields.keys()) - _OF_THE_FILE
        assert shared, "a prediction has no field that the evaluation's has"
        for name in sorted(shared):
            was, is_now = before.fields[name], now.fields[name]
            assert is_same(was, is_now), f"{name} of {before.fields.get('name')} was {was!r}, is {is_now!r}"


def _bare(metric: str) -> str:
    return metric.partition("/")[2]


def _headline(trials: Trials) -> str:
    return trials.task.task.headline


def _changed(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _weights(trial: Trial) -> Any:
    from safetensors.torch import load_file

    files = sorted(trial.model_dir.glob("*.safetensors"))
    if not files:
        raise NotChecked("a run saves no *.safetensors in run.model_dir, by which its weights are compared")
    return {name: weight.double() for file in files for name, weight in load_file(file).items()}


CHECKS = (
    Check("seed", "one seed gives one model, another another", _seed),
    Check("resume", "a run that is cut off and resumed ends with the same weights, bit for bit", _resume),
    Check("accumulation", "how a step is cut into batches changes nothing", _accumulation),
    Check("batch_size", "a score does not depend on the size of a batch", _batch_size),
    Check("gold", "the gold labels score perfectly", _gold),
    Check("nothing_cut", "every row is scored, however small the window", _nothing_cut),
    Check("stops", "a run that is told to stop does so after the step, and leaves a checkpoint", _stops),
    Check("offline", "it needs no network", _offline),
    Check("stays_inside", "it writes in the run's folder alone", _stays_inside),
    Check("environ", "environment variables stay as they are", _environ),
    Check("cpu", "it runs on a CPU", _on_the_cpu),
    Check("predict", "predicting and scoring decode as the evaluation did", _predict),
)
