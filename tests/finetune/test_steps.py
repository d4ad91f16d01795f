"""The loop's parts together: exact however a step is cut, resumable anywhere, and loud when used wrongly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from tiny_loop import Heard, begin, collate, go, make_model, make_rows, summed_loss, weights_of

from envkit.api import RunCancelled, RunFailed, UsageError
from envkit.api.errors import ResumeRefused
from envkit.checkpoints import list_checkpoints, newest_sound

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def are_equal(first: dict[str, Any], second: dict[str, Any]) -> bool:
    import torch

    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def newest(run_dir: Path) -> Path:
    found, damaged = newest_sound(run_dir)
    assert found is not None
    assert not damaged
    return found.path


# What a step is


def test_steps_report_each_step_with_its_mean_loss_and_real_tokens(tmp_path: Path) -> None:
    heard, rows = Heard(), make_rows()
    go(begin(tmp_path, rows, heard=heard, batch_size=8))
    assert heard.plans == [(15, 3.0)]
    assert [step for step, *_ in heard.steps] == list(range(1, 16))
    assert heard.steps[-1][1] < heard.steps[0][1]
    assert heard.steps[4][2] == sum(len(row.pieces) for row in rows)
    assert [step for step, _ in heard.scores] == [5, 10, 15]
    assert list(dict.fromkeys(heard.phases)) == ["train", "evaluate"]


def test_steps_learning_rate_rises_and_falls_to_just_above_nothing(tmp_path: Path) -> None:
    heard = Heard()
    go(begin(tmp_path, make_rows(), heard=heard, batch_size=8, warmup=0.2, learning_rate=0.01))
    rates = [rate for *_, rate in heard.steps]
    assert rates[:3] == pytest.approx([0.0025, 0.005, 0.0075])
    assert max(rates) == 0.01
    assert 0 < rates[-1] < 0.001


def test_first_step_is_the_mean_over_all_items_of_the_step_whatever_the_batches(tmp_path: Path) -> None:
    import torch

    rows = make_rows(8)
    losses = []
    for largest in (10**6, 25, 1):
        heard = Heard()
        training = begin(
            tmp_path / str(largest),
            rows,
            heard=heard,
            batch_size=8,
            max_steps=1,
            micro_batch_tokens=largest,
        )
        for module in training.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        with torch.no_grad():
            training.model.eval()
            expected = float(summed_loss(training.model, collate(rows))) / sum(row.items for row in rows)
        go(training)
        losses.append(heard.steps[0][1])
        assert losses[-1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("largest", [1, 12, 24, 40, 60])
def test_gradients_are_the_same_however_the_step_is_cut(tmp_path: Path, largest: int) -> None:
    import torch

    found = []
    for tokens in (10**6, largest):
        training = begin(
            tmp_path / str(tokens), make_rows(11), batch_size=8, clip_norm=0.0, micro_batch_tokens=tokens
        )
        training.model.double()
        of_steps = []
        from envkit.finetune.steps import steps

        for step in steps(training):
            training.model.eval()  # no dropout: it draws other numbers for other batches
            for batch in step:
                step.backward(training.loss(training.model, batch))
            of_steps.append([weight.grad.clone() for weight in training.updater.masters.weights.values()])
            if len(of_steps) == 2:  # a whole step and the short one at the end of the epoch
                break
            step.update()
        found.append(of_steps)
    for whole, cut in zip(*found, strict=True):
        for one, other in zip(whole, cut, strict=True):
            assert torch.linalg.vector_norm(one - other) <= 1e-6 * torch.linalg.vector_norm(one) + 1e-15


# Going on


@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "sgd"}, {"optimizer": "adafactor"}, {"schedule": "cosine"}]
)
def test_run_stopped_anywhere_and_resumed_ends_with_the_same_weights(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    rows = make_rows()
    heard = Heard()
    straight = begin(tmp_path / "straight", rows, heard=heard, batch_size=8, **options)
    go(straight)
    for stop in (1, 4, 5, 9, 15):  # 5 and 15 end epochs, where an evaluation is due
        run_dir = tmp_path / str(stop)
        broken = begin(run_dir, rows, batch_size=8, stop_after=stop, **options)
        go(broken)
        assert broken.is_stopped
        assert broken.position.step == stop
        again = Heard()
        resumed = begin(run_dir, rows, heard=again, batch_size=8, checkpoint=newest(run_dir), **options)
        go(resumed)
        assert are_equal(weights_of(resumed), weights_of(straight))
        assert again.steps == [
            (step, loss, tokens - heard.steps[stop - 1][2], rate)
            for step, loss, tokens, rate in heard.steps[stop:]
        ]
        assert again.scores == [score for score in heard.scores if score[0] > stop or score[0] in (stop,)]
        assert resumed.position.standing == straight.position.standing


def test_checkpoints_every_so_many_steps_keep_the_last_two_and_the_best(tmp_path: Path) -> None:
    scores = iter([0.1, 0.9, 0.2, 0.3])
    go(
        begin(tmp_path, make_rows(), batch_size=8, epochs=4, checkpoint_every=3),
        score=lambda _: next(scores),
    )
    found = [(checkpoint.kind, checkpoint.step) for checkpoint in list_checkpoints(tmp_path)]
    assert found == [("best", 10), ("step", 15), ("step", 18)]


def test_run_resumed_from_the_checkpoint_before_a_damaged_one_ends_with_the_same_weights(
    tmp_path: Path,
) -> None:
    rows = make_rows()
    straight = begin(tmp_path / "straight", rows, batch_size=8)
    go(straight)
    go(begin(tmp_path / "b", rows, batch_size=8, checkpoint_every=2, stop_after=9))
    weights = newest(tmp_path / "b") / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    sound, (damage,) = newest_sound(tmp_path / "b")
    assert sound is not None
    assert (sound.step, damage.checkpoint.step) == (8, 9)
    resumed = begin(tmp_path / "b", rows, batch_size=8, checkpoint_every=2, checkpoint=sound.path)
    go(resumed)
    assert are_equal(weights_of(resumed), weights_of(straight))


def test_resume_on_other_threads_is_refused_unless_forced(tmp_path: Path) -> None:
    import torch

    rows = make_rows()
    go(begin(tmp_path, rows, batch_size=8, stop_after=3))
    checkpoint = newest(tmp_path)
    torch.set_num_threads(2)
    with pytest.raises(ResumeRefused, match="1 thread computed and now 2 would"):
        begin(tmp_path, rows, batch_size=8, checkpoint=checkpoint)
    heard = Heard()
    go(begin(tmp_path, rows, heard=heard, batch_size=8, checkpoint=checkpoint, is_forced=True))
    assert [step for step, *_ in heard.steps] == list(range(4, 16))
    assert any("2 would" in text for text in heard.warned)


def test_resume_with_other_rows_is_refused(tmp_path: Path) -> None:
    go(begin(tmp_path, make_rows(), batch_size=8, stop_after=3))
    with pytest.raises(ResumeRefused, match="training rows"):
        begin(tmp_path, make_rows(seed=1), batch_size=8, checkpoint=newest(tmp_path))


# Seeds


def test_same_seed_gives_the_same_weights_and_another_others(tmp_path: Path) -> None:
    runs = [begin(tmp_path / name, make_rows(), batch_size=8, seed=seed) for name, seed in (("a", 1),)]
    go(runs[0])
    for name, seed in (("b", 1), ("c", 2)):
        runs.append(begin(tmp_path / name, make_rows(), batch_size=8, seed=seed))
        go(runs[-1])
    first, same, other = map(weights_of, runs)
    assert are_equal(first, same)
    assert not are_equal(first, other)


# The best, and patience


def test_best_state_is_taken_at_the_end(tmp_path: Path) -> None:
    kept: list[dict[str, Any]] = []
    scores = iter([0.3, 0.8, 0.5])

    def score(training: Any) -> float:
        kept.append(weights_of(training))
        return next(scores)

    training = begin(tmp_path, make_rows(), batch_size=8)
    go(training, score=score)
    assert training.take_best() == 10
    assert are_equal(weights_of(training), kept[1])
    assert not are_equal(kept[1], kept[2])
    assert training.best_metrics == {"dev/score": 0.8}


def test_patience_ends_the_run_after_so_many_scores_that_are_no_better(tmp_path: Path) -> None:
    scores = iter([0.1, 0.5, 0.5, 0.4, 0.9])
    heard = Heard()
    training = begin(tmp_path, make_rows(), heard=heard, batch_size=8, epochs=9, patience=2)
    go(training, score=lambda _: next(scores))
    assert [step for step, _ in heard.scores] == [5, 10, 15, 20]
    assert training.take_best() == 15  # of equals the later


def test_metric_that_the_evaluation_lacks_is_refused_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dev/f1") as caught:
        go(begin(tmp_path, make_rows(), batch_size=8, metric="dev/f1"))
    assert "dev/score" in str(caught.value.hint)


def test_metric_that_is_a_loss_is_best_at_its_lowest(tmp_path: Path) -> None:
    from envkit.finetune.standing import Standing

    standing = Standing(metric="dev/loss")
    for step, loss in enumerate([0.9, 0.4, 0.6, 0.4, 0.5]):
        standing = standing.after(step, {"dev/loss": loss})
    assert (standing.best, standing.best_step, standing.no_better) == (0.4, 3, 3)


# What must not pass quietly


def test_loss_that_is_no_number_ends_the_run_with_step_rows_and_checkpoint(tmp_path: Path) -> None:
    rows = make_rows()
    bad = rows[17]

    def poisoned(model: Any, batch: tuple[Any, Any, Any]) -> Any:
        tokens, *_ = batch
        is_bad = any(tuple(row[: len(bad.pieces)].tolist()) == bad.pieces for row in tokens)
        return summed_loss(model, batch) * (math.nan if is_bad else 1.0)

    training = begin(tmp_path, rows, batch_size=8, loss=poisoned, checkpoint_every=1, epochs=9)
    before: dict[str, Any] = {}
    with pytest.raises(RunFailed, match="the loss became nan at step") as caught:
        go(training)
    assert "rows.txt:18" in caught.value.message
    assert "rows.txt:17" not in caught.value.message
    step = training.position.step
    assert f"at step {step + 1}" in caught.value.message
    if step:
        assert str(newest(tmp_path)) in str(caught.value.hint)
    del before


@pytest.mark.parametrize("left_out", ["backward", "update", "report", "batch"])
def test_loop_that_leaves_a_part_out_is_stopped(tmp_path: Path, left_out: str) -> None:
    from envkit.finetune.steps import steps

    training = begin(tmp_path, make_rows(), batch_size=8, micro_batch_tokens=30)
    with pytest.raises(RuntimeError):
        for step in steps(training):
            for batch in step:
                if left_out != "backward":
                    step.backward(training.loss(training.model, batch))
                if left_out == "batch":
                    break
            if left_out != "update":
                step.update()
            if step.evaluation_due and left_out != "report":
                step.report({"dev/score": 0.0})


def test_steps_of_a_run_that_is_stopped_before_the_first_keep_nothing(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(RunCancelled):
        go(begin(tmp_path, make_rows(), heard=heard, batch_size=8, stop_after=0))
    assert heard.steps == []
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_metric_without_its_split_is_that_of_dev(tmp_path: Path) -> None:
    training = begin(tmp_path, make_rows(), batch_size=8, metric="loss")
    assert training.position.standing.metric == "dev/loss"


def test_loop_with_two_losses_for_a_batch_or_two_updates_is_stopped(tmp_path: Path) -> None:
    from envkit.finetune.steps import steps

    step = next(steps(begin(tmp_path, make_rows(), batch_size=8)))
    (batch,) = step
    loss = summed_loss(step._training.model, batch)
    step.backward(loss)
    with pytest.raises(RuntimeError, match="one loss for each batch"):
        step.backward(loss)
    step.update()
    with pytest.raises(RuntimeError, match="once a step"):
        step.update()


def test_gradients_that_are_no_numbers_end_the_run_and_leave_the_weights(tmp_path: Path) -> None:
    import torch

    class Spoiled(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, value: Any) -> Any:
            return value.clone()

        @staticmethod
        def backward(context: Any, gradient: Any) -> Any:
            return gradient * math.inf

    def loss(model: Any, batch: tuple[Any, Any, Any]) -> Any:
        return Spoiled.apply(summed_loss(model, batch))

    training = begin(tmp_path, make_rows(), batch_size=8, loss=loss)
    before = weights_of(training)
    with pytest.raises(RunFailed, match=r"the gradients became .* at step 1") as caught:
        go(training)
    assert "rows.txt:" in caught.value.message
    assert are_equal(weights_of(training), before)


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        ({}, 1e-3),
        ({"peft": "lora"}, 1e-2),
        ({"peft": "ia3"}, 5e-2),
        ({"learning_rate": 7e-4, "peft": "lora"}, 7e-4),
    ],
)
def test_learning_rate_that_is_not_given_suits_what_is_trained(
    tmp_path: Path, options: dict[str, Any], rate: float
) -> None:
    heard = Heard()
    go(
        begin(
            tmp_path, make_rows(), heard=heard, batch_size=8, warmup=0.0, **{"learning_rate": None, **options}
        )
    )
    assert heard.steps[0][3] == pytest.approx(rate)
    assert ("learning rate" in heard.choices) == ("learning_rate" not in options)


@pytest.mark.parametrize(
    ("rows_per_step", "reason"),
    [
        (1, "the default of the task"),
        (16, "more than usual, for rows this long"),
        (60, "more than usual, for rows this long"),  # and half of it, for that few rows
    ],
)
def test_step_has_room_for_the_labels_that_it_needs(tmp_path: Path, rows_per_step: int, reason: str) -> None:
    heard, rows = Heard(), make_rows(200)
    mean = sum(len(row.pieces) for row in rows) / len(rows)
    training = begin(tmp_path, rows, heard=heard, rows_per_step=rows_per_step, tokens_per_step=None)
    tokens, why = heard.choices["tokens per step"]
    room = rows_per_step * mean
    assert int(tokens) == int(max(64, min(room, max(128, int(room) // 2))))
    assert why == reason
    rows_of_a_step = [len(step) for step in training.plan.steps]
    assert sum(rows_of_a_step) / len(rows_of_a_step) > 0.7 * int(tokens) / mean


# What is forced


def with_other_pieces(rows: list[Any]) -> list[Any]:
    """Return the rows with the piece 49 in place of another, which then is in none."""
    import dataclasses

    gone = rows[0].pieces[0]
    return [
        dataclasses.replace(row, pieces=tuple(49 if piece == gone else piece for piece in row.pieces))
        for row in rows
    ]


def test_resume_forced_on_other_pieces_keeps_every_row_of_the_embedding_in_its_place(tmp_path: Path) -> None:
    import torch

    rows = [row for row in make_rows(12) if 49 not in row.pieces]
    gone = rows[0].pieces[0]
    stopped = begin(tmp_path, rows, batch_size=4, stop_after=4)
    go(stopped)
    before = stopped.model.get_input_embeddings().weight.detach().clone()
    resumed = begin(
        tmp_path, with_other_pieces(rows), batch_size=4, checkpoint=newest(tmp_path), is_forced=True
    )
    after = resumed.model.get_input_embeddings().weight.detach()
    assert torch.equal(after, before)
    assert 49 in resumed.updater.masters.narrow.rows
    assert gone in resumed.updater.masters.narrow.rows
    go(resumed)
    assert not torch.equal(resumed.model.get_input_embeddings().weight[49], before[49])


def test_resume_forced_with_other_options_obeys_them(tmp_path: Path) -> None:
    rows = make_rows()
    go(begin(tmp_path, rows, batch_size=8, stop_after=4, learning_rate=1e-3))
    heard = Heard()
    resumed = begin(
        tmp_path,
        rows,
        heard=heard,
        batch_size=8,
        learning_rate=5e-3,
        weight_decay=0.3,
        metric="dev/other",
        checkpoint=newest(tmp_path),
        is_forced=True,
    )
    assert {group["weight_decay"] for group in resumed.updater._optimizer.param_groups} == {0.3, 0.0}
    assert resumed.position.standing.metric == "dev/other"
    assert resumed.position.standing.best is None
    from envkit.finetune.steps import steps

    for step in steps(resumed):
        for batch in step:
            step.backward(summed_loss(resumed.model, batch))
        step.update()
        break
    assert heard.steps[0][3] == pytest.approx(5e-3 * 10 / 13, rel=0.2)


def test_resume_with_another_model_to_start_from_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiny_loop

    go(begin(tmp_path, make_rows(), batch_size=8, stop_after=3))
    make = tiny_loop.make_model
    monkeypatch.setattr(tiny_loop, "make_model", lambda: make(dropout=0.6))
    with pytest.raises(ResumeRefused, match="model to start from"):
        begin(tmp_path, make_rows(), batch_size=8, checkpoint=newest(tmp_path))


# What a trial leaves


def test_trial_of_memory_leaves_no_gradient_and_no_random_number_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    from envkit.finetune import memory

    model, rows = make_model(), make_rows()
    # The way of a GPU, which is not here: it halves until forward and backward fit.
    monkeypatch.setattr(type(model), "device", torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    tried = []

    def try_tokens(tokens: int) -> Any:
        tried.append(tokens)
        if tokens > 100:
            raise torch.OutOfMemoryError("no room")
        return summed_loss(model, collate(rows[:3]))

    state = torch.get_rng_state()
    model.eval()
    assert memory.find_largest_batch(model, most=300, try_tokens=try_tokens) == 75
    assert tried == [375, 187, 93]
    assert all(weight.grad is None for weight in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training


# What is not worth saving


def test_run_whose_steps_ruin_the_weights_says_so_and_blames_no_row(tmp_path: Path) -> None:
    from envkit.finetune.failing_rows import refuse_ruined_weights

    training = begin(tmp_path / "a", make_rows(), batch_size=8, learning_rate=1e30, warmup=0.0)
    with pytest.raises(RunFailed, match="every other row") as caught:
        go(training, score=lambda _: 0.0)
    assert "rows.txt" not in caught.value.message
    training = begin(tmp_path / "b", make_rows(), batch_size=8, learning_rate=1e30, warmup=0.0, max_steps=1)
    go(training, score=lambda _: 0.0)
    with pytest.raises(RunFailed, match="ruined the weights"):
        refuse_ruined_weights(training)


def test_scores_of_numpy_and_torch_are_numbers_like_any(tmp_path: Path) -> None:
    import numpy
    import torch

    scores = iter([numpy.float64(0.5), torch.tensor(0.7), 0.6])
    training = begin(tmp_path, make_rows(), batch_size=8, checkpoint_every=1)
    go(training, score=lambda _: next(scores))  # type: ignore[arg-type, return-value]
    assert training.position.standing.best == pytest.approx(0.7)


def test_resume_without_the_best_state_begins_to_look_for_one_anew(tmp_path: Path) -> None:
    import shutil

    rows = make_rows()
    go(begin(tmp_path, rows, batch_size=8, stop_after=8))
    (best,) = (tmp_path / "checkpoints").glob("best-*")
    shutil.rmtree(best)
    assert newest_sound(tmp_path)[0] is None
    checkpoint, _ = newest_sound(tmp_path, needs_best=False)
    assert checkpoint is not None
    resumed = begin(tmp_path, rows, batch_size=8, checkpoint=checkpoint.path, is_forced=True)
    assert resumed.position.standing.best is None
    go(resumed)
    assert resumed.take_best() in (10, 15)
