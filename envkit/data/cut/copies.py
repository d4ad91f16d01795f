"""Draw dev and test so that copies of a text stay together: what a model was trained on tells nothing on dev."""

from __future__ import annotations

import random
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING

from envkit.data.cut.stratify import Split, check_shares, divide_quota, sizes_of, stratify

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from envkit.data.cut.stratify import Shares

# What ``str.split`` cuts at, in ASCII.
_BLANKS = b" \t\n\v\f\r\x1c\x1d\x1e\x1f"

Group = tuple[int, ...]  # the rows of one text, by number


def plain_text(*texts: str | None) -> str:
    """Return what copies share, case and blanks aside: a text, or the two of a pair."""
    return " ".join(" ".join(filter(None, texts)).casefold().split())


def copy_keys(texts: Sequence[str]) -> list[Hashable]:
    """Return a key for each text, the same for those that ``plain_text`` makes the same and for no others.

    Nearly all texts are told apart by their letters alone, in half the time that cutting into words takes.
    """
    letters = list(map(_letters, texts))
    counts = Counter(letters)
    return [
        found if counts[found] == 1 else plain_text(text) for found, text in zip(letters, texts, strict=True)
    ]


def _letters(text: str) -> bytes:
    """Return a text without case and blanks."""
    if text.isascii():
        return text.lower().encode().translate(None, _BLANKS)
    return "".join(text.casefold().split()).encode("utf-8", "surrogatepass")


def stratify_texts(
    keys: Sequence[Hashable], texts: Sequence[Hashable], shares: Shares, *, seed: int
) -> list[Split]:
    """Return the split of each row as ``stratify`` does, rows of one text in one split.

    ``texts`` has what makes rows copies. Copies of several keys count as the one that fewest rows have. As texts
    are whole, shares are kept only as nearly as they allow. Each key stays in train with one text; where no key
    has a second one to give, copies are divided after all. Raises: UsageError as ``stratify``.
    """
    found: dict[Hashable, list[int]] = {}
    for row, text in enumerate(texts):
        found.setdefault(text, []).append(row)
    if len(found) == len(keys):
        return stratify(keys, shares, seed=seed)
    parts = check_shares(shares, len(keys), "row")
    counts = Counter(keys)
    strata: dict[Hashable, list[Group]] = {key: [] for key in counts}
    for rows in found.values():
        key = keys[rows[0]] if len(rows) == 1 else min((keys[row] for row in rows), key=counts.__getitem__)
        strata[key].append(tuple(rows))
    strata = {key: groups for key, groups in strata.items() if groups}
    if sum(len(groups) - 1 for groups in strata.values()) < len(parts):
        return stratify(keys, shares, seed=seed)
    draw = random.Random(seed)
    for groups in strata.values():
        draw.shuffle(groups)
    sizes = {key: sum(map(len, groups)) for key, groups in strata.items()}
    chosen: list[Split] = ["train"] * len(keys)
    wanted = sizes_of(len(keys), parts)
    for number, (split, share) in enumerate(parts, start=1):
        room = {key: sum(map(len, groups[1:])) for key, groups in strata.items()}
        quota = divide_quota(sizes, room, share=share, total=wanted[split], draw=draw)
        spared = sum(len(groups) - 1 for groups in strata.values()) - (len(parts) - number)
        for group in _take(strata, quota, total=wanted[split], most=spared):
            for row in group:
                chosen[row] = split
    return chosen


def _take(
    strata: dict[Hashable, list[Group]], quota: dict[Hashable, int], *, total: int, most: int
) -> list[Group]:
    """Take from each key the groups that fit in its quota, then what comes nearest to the total; one at least.

    The last group of each key stays, and ``most`` bounds how many go.
    """
    taken: list[Group] = []
    for key, groups in strata.items():
        left = quota[key]
        kept: list[Group] = []
        for place, group in enumerate(groups):
            is_last = not kept and place == len(groups) - 1
            if len(group) <= left and not is_last and len(taken) < most:
                taken.append(group)
                left -= len(group)
            else:
                kept.append(group)
        strata[key] = kept
    missing = total - sum(map(len, taken))
    more: set[Group] = set()
    # The smallest of each key in turn: those of one key after the other would take its share twice.
    orders = [sorted(groups, key=len)[: len(groups) - 1] for groups in strata.values()]
    for group in (group for turn in zip_longest(*orders) for group in turn if group is not None):
        is_needed = len(group) < 2 * missing or not (taken or more)
        if is_needed and len(taken) + len(more) < most:
            more.add(group)
            missing -= len(group)
    for key, groups in strata.items():
        strata[key] = [group for group in groups if group not in more]
    return [*taken, *sorted(more)]
