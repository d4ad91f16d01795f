"""Draw dev and test out of rows: every label with its share, or groups of rows that belong together whole.

Which row goes where follows from the seed, the rows' order and their labels alone.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class Shares:
    """How much of the rows goes to dev and to test, fractions of 1; 0 for none."""

    dev: float
    test: float = 0.0

    def parts(self) -> list[tuple[Split, float]]:
        """Return the parts to draw, with their shares; test first, so that dev does not change what it is."""
        wanted: list[tuple[Split, float]] = [("test", self.test), ("dev", self.dev)]
        return [(split, share) for split, share in wanted if share > 0]


def stratify(keys: Sequence[Hashable], shares: Shares, *, seed: int) -> list[Split]:
    """Return the split of each row, so that rows of one key are divided as all rows are.

    The splits have the sizes that the shares ask for, at least one row each, and each key has its share to
    within one row; a key stays in train with one row at least, unless there are too few others to take.
    Raises: UsageError for fewer rows than splits, or shares that leave nothing to train on.
    """
    parts = check_shares(shares, len(keys), "row")
    draw = random.Random(seed)
    strata: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        strata.setdefault(key, []).append(row)
    for rows in strata.values():
        draw.shuffle(rows)
    sizes = sizes_of(len(keys), parts)
    counts = {key: len(rows) for key, rows in strata.items()}
    keeps_one = sum(counts.values()) - len(counts) >= sum(sizes.values())
    chosen: list[Split] = ["train"] * len(keys)
    for split, share in parts:
        room = {key: len(rows) - keeps_one for key, rows in strata.items()}
        quota = divide_quota(counts, room, share=share, total=sizes[split], draw=draw)
        for key, count in quota.items():
            for row in strata[key][:count]:
                chosen[row] = split
            del strata[key][:count]
    return chosen


def draw_groups(sizes: Sequence[int], shares: Shares, *, seed: int) -> list[Split]:
    """Return the split of each group, whole, so that the splits have about their shares of all rows.

    ``sizes`` counts the rows of each group. Raises: UsageError for fewer groups than splits.
    """
    parts = check_shares(shares, len(sizes), "group")
    order = list(range(len(sizes)))
    random.Random(seed).shuffle(order)
    chosen: list[Split] = ["train"] * len(sizes)
    for number, (split, share) in enumerate(parts, start=1):
        wanted, taken = share * sum(sizes), 0
        kept: list[int] = []
        still_needed = len(parts) - number + 1  # a group for each part that follows, and one for train
        for place, group in enumerate(order):
            is_nearer = abs(taken + sizes[group] - wanted) < abs(taken - wanted)
            is_left = len(order) - place - 1 + len(kept) >= still_needed
            if is_left and (is_nearer or taken == 0):
                chosen[group] = split
                taken += sizes[group] or 1
            else:
                kept.append(group)
        order = kept
    return chosen


def rarest_labels(labels: Sequence[Sequence[str]]) -> list[str]:
    """Return for each row the one of its labels that the fewest rows have, which is the hardest to divide.

    Source: iterative stratification takes the rarest label first too (Sechidis et al. 2011). No label is ``""``.
    """
    counts = Counter(chain.from_iterable(row if len(row) == 1 else set(row) for row in labels))
    return [
        row[0] if len(row) == 1 else min(row, key=lambda label: (counts[label], label), default="")
        for row in labels
    ]


def check_shares(shares: Shares, count: int, noun: str) -> list[tuple[Split, float]]:
    """Return the parts to draw. Raises: UsageError where there is too little for them."""
    parts = shares.parts()
    if not parts or shares.dev + shares.test >= 1:
        raise UsageError(
            f"--dev {shares.dev:g} and --test {shares.test:g} leave nothing to "
            f"{'cut off' if not parts else 'train on'}",
            hint="Give shares of the rows, such as --dev 0.1 --test 0.1",
        )
    if count <= len(parts):
        raise UsageError(
            f"there {'is' if count == 1 else 'are'} {count} {noun}{'s'[: count != 1]}, too few for "
            f"{len(parts) + 1} splits",
            hint="Give more data" if noun == "row" else "Divide single rows instead: --by none",
        )
    return parts


def sizes_of(count: int, parts: Sequence[tuple[Split, float]]) -> dict[Split, int]:
    """Return how many of the rows each part has: one at least, and never all of them together."""
    sizes = {split: max(1, round(count * share)) for split, share in parts}
    while sum(sizes.values()) >= count:
        sizes[max(sizes, key=lambda split: sizes[split])] -= 1
    return sizes


def divide_quota(
    counts: dict[Hashable, int],
    room: dict[Hashable, int],
    *,
    share: float,
    total: int,
    draw: random.Random,
) -> dict[Hashable, int]:
    """Divide ``total`` rows among the keys: what each has in full, then by the largest remainder."""
    total = min(total, sum(room.values()))
    quota = {key: min(math.floor(count * share), room[key]) for key, count in counts.items()}
    order = list(counts)
    draw.shuffle(order)
    order.sort(key=lambda key: counts[key] * share - math.floor(counts[key] * share), reverse=True)
    while sum(quota.values()) > total:  # rounding has given more than there is
        largest = max(order, key=lambda key: quota[key])
        quota[largest] -= 1
    while (missing := total - sum(quota.values())) > 0:
        for key in [key for key in order if quota[key] < room[key]][:missing]:
            quota[key] += 1
    return quota
