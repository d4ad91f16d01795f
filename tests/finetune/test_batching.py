"""What a plan of steps promises: every row once an epoch, the same for the same seed, little padding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numpy")

from envkit.api import FinetuneOptions, UsageError
from envkit.finetune.batching import (
    StepSize,
    by_length,
    choose_step_size,
    micro_batches,
    plan_epoch,
    plan_steps,
)

LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=200)
SIZES = st.one_of(
    st.integers(1, 40).map(lambda rows: StepSize(rows=rows)),
    st.integers(1, 600).map(lambda tokens: StepSize(tokens=tokens)),
)


@given(LENGTHS, SIZES, st.integers(0, 5), st.integers(0, 3))
def test_plan_epoch_takes_every_row_once(lengths: list[int], size: StepSize, seed: int, epoch: int) -> None:
    steps = plan_epoch(lengths, size, seed=seed, epoch=epoch)
    assert sorted(row for step in steps for row in step) == list(range(len(lengths)))
    assert all(steps)


@given(LENGTHS, st.integers(1, 600))
def test_plan_epoch_by_tokens_keeps_to_them_but_for_one_leftover(lengths: list[int], tokens: int) -> None:
    steps = plan_epoch(lengths, StepSize(tokens=tokens), seed=0, epoch=0)
    over = [
        step for step in steps if len(step) > 1 and len(step) * max(lengths[row] for row in step) > tokens
    ]
    assert len(over) <= 1
    assert all(len(step) * max(lengths[row] for row in step) <= 1.5 * tokens for step in over)


@given(LENGTHS, st.integers(1, 40))
def test_plan_epoch_by_rows_has_one_step_that_may_be_short(lengths: list[int], rows: int) -> None:
    sizes = sorted(len(step) for step in plan_epoch(lengths, StepSize(rows=rows), seed=0, epoch=0))
    assert set(sizes[1:]) <= {rows}
    assert sizes[0] <= rows


@given(LENGTHS, SIZES, st.integers(1, 4), st.integers(1, 30))
def test_plan_steps_cut_short_begins_like_the_whole(
    lengths: list[int], size: StepSize, epochs: int, most: int
) -> None:
    whole = plan_steps(lengths, size, epochs=epochs, seed=3)
    short = plan_steps(lengths, size, epochs=epochs, seed=3, max_steps=most)
    assert short.steps == whole.steps[:most]
    assert whole.epoch_after(len(whole.steps)) == epochs
    assert [whole.epoch_after(end) for end in whole.epoch_ends] == list(range(1, epochs + 1))


def test_plan_steps_of_another_seed_or_epoch_is_in_another_order() -> None:
    lengths = list(range(1, 61)) * 5
    first, second = (plan_steps(lengths, StepSize(rows=10), epochs=2, seed=seed) for seed in (1, 2))
    assert first.steps != second.steps
    assert first.steps[:30] != first.steps[30:]
    assert first == plan_steps(lengths, StepSize(rows=10), epochs=2, seed=1)


def test_plan_steps_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to train on"):
        plan_steps([], StepSize(rows=1), epochs=1, seed=0)


@given(LENGTHS, st.integers(1, 300), st.integers(1, 4))
def test_micro_batches_take_every_row_once_and_keep_to_the_limit(
    lengths: list[int], largest: int, ranks: int
) -> None:
    batches = micro_batches(range(len(lengths)), lengths, largest=largest, ranks=ranks)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(
        len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= largest for batch in batches
    )
    assert len(batches) >= min(ranks, len(lengths)) or len(lengths) % ranks


@given(LENGTHS, st.integers(1, 300))
def test_by_length_takes_every_row_once_longest_first(lengths: list[int], tokens: int) -> None:
    batches = list(by_length(lengths, tokens=tokens))
    order = [row for batch in batches for row in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[row] for row in order] == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, StepSize(tokens=700)),
        ({"batch_size": 16}, StepSize(rows=16)),
        ({"tokens_per_step": 99}, StepSize(tokens=99)),
    ],
)
def test_choose_step_size_takes_what_is_given(options: dict[str, int], size: StepSize) -> None:
    assert choose_step_size(FinetuneOptions(**options), default_tokens=700) == size


def test_options_with_two_sizes_of_a_step_are_refused() -> None:
    with pytest.raises(ValueError, match="give one or the other"):
        FinetuneOptions(batch_size=16, tokens_per_step=99)


@pytest.mark.parametrize(("every", "due"), [(None, {5, 10, 12}), (4, {4, 8, 12}), (100, {12})])
def test_evaluation_is_due_after_each_epoch_or_so_many_steps_and_at_the_end(
    every: int | None, due: set[int]
) -> None:
    plan = plan_steps([3] * 50, StepSize(rows=10), epochs=3, seed=0, max_steps=12)
    assert {step for step in range(1, 13) if plan.is_evaluation_due(step, every=every)} == due
