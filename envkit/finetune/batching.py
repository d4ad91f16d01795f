"""Plan the optimizer steps of a run: which rows, in which order, from the seed alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.api import FinetuneOptions

# Rows are sorted by length within as many steps' worth: padding stays under 6 %, and the steps of an epoch
# are cut from many random groups rather than from one sorted file.
GROUP_STEPS = 50
# Small groups pad much; with less than this many rows a group takes in all that there are.
SMALLEST_GROUP = 512


@dataclass(frozen=True)
class StepSize:
    """How large a step is: so many rows, or so many tokens with padding; exactly one is given."""

    rows: int | None = None
    tokens: int | None = None

    def has_room(self, count: int, longest: int) -> bool:
        """Tell whether ``count`` rows, the longest of this length, are no more than a step."""
        if self.rows is not None:
            return count <= self.rows
        return count * longest <= (self.tokens or 0)

    def rows_of(self, mean_length: float) -> int:
        """Return how many rows of this mean length make a step, at least 1."""
        if self.rows is not None:
            return self.rows
        return max(1, round((self.tokens or 0) / max(1.0, mean_length)))


@dataclass(frozen=True)
class Plan:
    """The steps of a run. ``steps[i]`` holds the numbers of the rows of step i + 1, longest row first.

    ``epoch_ends`` are the numbers of the steps, from 1, that end an epoch; ``rows_an_epoch`` counts the
    training rows.
    """

    steps: tuple[tuple[int, ...], ...]
    epoch_ends: tuple[int, ...]
    rows_an_epoch: int

    @cached_property
    def _seen(self) -> list[int]:
        return [0, *numpy.cumsum([len(step) for step in self.steps]).tolist()]

    def epoch_after(self, step: int) -> float:
        """Return how many times the data has been gone through after this many steps."""
        return self._seen[step] / self.rows_an_epoch

    def is_evaluation_due(self, step: int, *, every: int | None) -> bool:
        """Tell whether the model is scored after this step: every so many, or at an epoch's end; last, always."""
        if step == len(self.steps):
            return True
        return step % every == 0 if every else step in self.epoch_ends


def choose_step_size(options: FinetuneOptions, *, default_tokens: int) -> StepSize:
    """Return what the options say, ``default_tokens`` where they say nothing."""
    if options.batch_size is not None:
        return StepSize(rows=options.batch_size)
    return StepSize(tokens=options.tokens_per_step or default_tokens)


def plan_steps(
    lengths: Sequence[int], size: StepSize, *, epochs: int, seed: int, max_steps: int | None = None
) -> Plan:
    """Plan so many epochs over rows of these lengths, or the first ``max_steps`` steps of them.

    Each epoch takes every row once, in an order of its own that follows from seed and epoch alone: no
    state is needed to go on in the middle. Raises: UsageError where there is no row.
    """
    if not lengths:
        raise UsageError("there is nothing to train on")
    steps: list[tuple[int, ...]] = []
    ends = []
    for epoch in range(epochs):
        if max_steps is not None and len(steps) >= max_steps:
            break
        steps += plan_epoch(lengths, size, seed=seed, epoch=epoch)
        ends.append(len(steps))
    kept = steps if max_steps is None else steps[:max_steps]
    return Plan(tuple(kept), tuple(end for end in ends if end <= len(kept)), len(lengths))


def plan_epoch(lengths: Sequence[int], size: StepSize, *, seed: int, epoch: int) -> list[tuple[int, ...]]:
    """Return the steps of one epoch: rows of about one length together, the steps in random order.

    A row longer than a whole step has one to itself.
    """
    random = numpy.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths)).tolist()
    mean_length = sum(lengths) / len(lengths)
    group_rows = max(SMALLEST_GROUP, GROUP_STEPS * size.rows_of(mean_length))
    groups = max(1, round(len(order) / group_rows))
    group_rows = math.ceil(len(order) / groups)
    steps: list[tuple[int, ...]] = []
    left: list[int] = []  # of the group before, too few for a step: they join the next
    for start in range(0, len(order), group_rows):
        group = sorted(left + order[start : start + group_rows], key=lambda row: -lengths[row])
        *whole, left = cut(group, lengths, size)
        steps += map(tuple, whole)
    merged = (len(steps[-1]) + len(left)) * lengths[steps[-1][0]] if steps else 0
    if steps and size.tokens is not None and merged <= 1.5 * size.tokens:
        # Alone, a few short rows would weigh as much as any other step.
        steps[-1] += tuple(left)
    else:
        steps.append(tuple(left))
    return [steps[number] for number in random.permutation(len(steps))]


def cut(rows: Sequence[int], lengths: Sequence[int], size: StepSize) -> list[list[int]]:
    """Cut rows, sorted with the longest first, into parts of at most this size; at least one row each."""
    parts: list[list[int]] = []
    for row in rows:
        if not parts or not size.has_room(len(parts[-1]) + 1, lengths[parts[-1][0]]):
            parts.append([])
        parts[-1].append(row)
    return parts


def micro_batches(
    rows: Sequence[int], lengths: Sequence[int], *, largest: int, ranks: int = 1
) -> list[list[int]]:
    """Cut a step's rows into what is computed at once: at most ``largest`` tokens, and a part for each rank."""
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: -lengths[row])
    share = math.ceil(len(ordered) / ranks)
    parts = [ordered[start : start + share] for start in range(0, len(ordered), share)]
    return [batch for part in parts for batch in cut(part, lengths, StepSize(tokens=largest))]


def by_length(lengths: Sequence[int], *, tokens: int) -> Iterator[list[int]]:
    """Yield the numbers of all rows once, longest first, in batches of at most ``tokens``, padding included."""
    yield from cut(
        sorted(range(len(lengths)), key=lambda row: -lengths[row]), lengths, StepSize(tokens=tokens)
    )


def padding_ratio(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Return tokens computed / real tokens of these batches, each padded to its longest row."""
    real = sum(lengths[row] for batch in batches for row in batch)
    return sum(len(batch) * max(lengths[row] for row in batch) for batch in batches) / real
