from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import UsageError
from envkit.data.cut.stratify import Shares, draw_groups, rarest_labels, stratify

SHARES = st.builds(Shares, dev=st.floats(0.01, 0.45), test=st.sampled_from([0.0, 0.1, 0.3, 0.45]))


@given(
    keys=st.lists(st.sampled_from("abcde"), min_size=3, max_size=300), shares=SHARES, seed=st.integers(0, 99)
)
def test_stratify_has_the_sizes_that_were_asked_for(keys: list[str], shares: Shares, seed: int) -> None:
    found = Counter(stratify(keys, shares, seed=seed))

    for split, share in shares.parts():
        assert found[split] == min(max(1, round(len(keys) * share)), len(keys) - 1) or found["train"] <= 5
    assert found["train"] >= 1
    assert found.total() == len(keys)


@given(counts=st.lists(st.integers(20, 80), min_size=1, max_size=6), shares=SHARES, seed=st.integers(0, 99))
def test_stratify_gives_each_label_its_share_to_within_one_row(
    counts: list[int], shares: Shares, seed: int
) -> None:
    keys = [number for number, count in enumerate(counts) for _ in range(count)]

    drawn = stratify(keys, shares, seed=seed)

    for split, share in shares.parts():
        of_split = Counter(key for key, of in zip(keys, drawn, strict=True) if of == split)
        for key, count in enumerate(counts):
            assert abs(of_split[key] - count * share) <= 1


@given(keys=st.lists(st.sampled_from("aaaaaaabbbc"), min_size=12, max_size=60), seed=st.integers(0, 99))
def test_stratify_leaves_train_a_row_of_every_label(keys: list[str], seed: int) -> None:
    drawn = stratify(keys, Shares(dev=0.2, test=0.2), seed=seed)

    assert {key for key, split in zip(keys, drawn, strict=True) if split == "train"} == set(keys)


def test_stratify_follows_the_seed() -> None:
    keys = ["a", "b"] * 50

    assert stratify(keys, Shares(dev=0.2), seed=1) == stratify(keys, Shares(dev=0.2), seed=1)
    assert stratify(keys, Shares(dev=0.2), seed=1) != stratify(keys, Shares(dev=0.2), seed=2)


def test_stratify_where_no_two_rows_share_a_label_still_draws() -> None:
    drawn = stratify(list(range(20)), Shares(dev=0.1, test=0.1), seed=0)

    assert Counter(drawn) == {"train": 16, "dev": 2, "test": 2}


@given(sizes=st.lists(st.integers(1, 30), min_size=3, max_size=60), seed=st.integers(0, 99))
def test_draw_groups_gives_every_split_a_group_and_about_its_share(sizes: list[int], seed: int) -> None:
    drawn = draw_groups(sizes, Shares(dev=0.2, test=0.1), seed=seed)

    assert len(drawn) == len(sizes)
    assert set(drawn) == {"train", "dev", "test"}
    for split, share in (("test", 0.1), ("dev", 0.2)):
        rows = sum(size for size, of in zip(sizes, drawn, strict=True) if of == split)
        assert abs(rows - share * sum(sizes)) <= max(sizes)


@pytest.mark.parametrize(
    ("count", "shares"),
    [(2, Shares(dev=0.1, test=0.1)), (9, Shares(dev=0.5, test=0.5)), (9, Shares(dev=0.0))],
)
def test_stratify_of_what_cannot_be_divided_is_refused(count: int, shares: Shares) -> None:
    with pytest.raises(UsageError):
        stratify(["a"] * count, shares, seed=0)
    with pytest.raises(UsageError):
        draw_groups([1] * count, shares, seed=0)


def test_rarest_labels_takes_the_label_that_fewest_rows_have() -> None:
    assert rarest_labels([("a", "b"), ("a",), (), ("b", "a"), ("a", "c")]) == ["b", "a", "", "b", "c"]
