from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

numpy = pytest.importorskip("numpy")

from envkit.finetune.intervals import bootstrap_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.torch  # numpy comes with it


def accuracy(sums: NDArray[numpy.int64]) -> NDArray[numpy.float64]:
    return sums[:, 0] / sums[:, 1]


def entity_f1(sums: NDArray[numpy.int64]) -> NDArray[numpy.float64]:
    return 2 * sums[:, 0] / (sums[:, 1] + sums[:, 2])


def answers(right: int, wrong: int) -> NDArray[numpy.int64]:
    """Return a row [right, asked] for each answer."""
    return numpy.array([[1, 1]] * right + [[0, 1]] * wrong)


def binomial_quantiles(trials: int, chance: float, level: float) -> tuple[int, int]:
    """Return between how many successes lies this share of the distribution, computed exactly."""
    steps = numpy.arange(1, trials + 1)
    logs = numpy.concatenate([[0.0], numpy.cumsum(numpy.log((trials - steps + 1) / steps))])
    logs += numpy.arange(trials + 1) * numpy.log(chance / (1 - chance)) + trials * numpy.log(1 - chance)
    reached = numpy.cumsum(numpy.exp(logs))
    tail = (1 - level) / 2
    return int(numpy.searchsorted(reached, tail)), int(numpy.searchsorted(reached, 1 - tail))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
@pytest.mark.parametrize(("right", "wrong"), [(80, 20), (5, 15), (450, 50)])
def test_bootstrap_interval_of_an_accuracy_is_that_of_the_binomial_distribution(
    right: int, wrong: int, level: float
) -> None:
    # The bootstrap of an accuracy over n rows is exactly a binomial share.
    rows = right + wrong
    low, high = binomial_quantiles(rows, right / rows, level)
    found = bootstrap_interval(answers(right, wrong), accuracy, resamples=20_000, level=level)
    assert found[0] == pytest.approx(low / rows, abs=1.01 / rows)
    assert found[1] == pytest.approx(high / rows, abs=1.01 / rows)


def test_bootstrap_interval_covers_the_true_score_about_as_often_as_it_says() -> None:
    generator = numpy.random.default_rng(5)
    covered = 0
    for trial in range(300):
        # Sentences with some entities, each found with a chance of 0.8; as many are predicted as there are.
        gold = generator.poisson(1.7, size=200)
        found = generator.binomial(gold, 0.8)
        counts = numpy.stack([found, gold, gold], axis=1)
        low, high = bootstrap_interval(counts, entity_f1, seed=trial, resamples=300)
        covered += low <= 0.8 <= high
    assert 0.91 <= covered / 300 <= 0.98


@given(
    counts=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=30),
    seed=st.integers(0, 9),
)
def test_bootstrap_interval_lies_among_the_rows_own_scores_in_whatever_order(
    counts: list[tuple[int, int]], seed: int
) -> None:
    rows = numpy.array(counts)
    low, high = bootstrap_interval(rows, accuracy, seed=seed, resamples=50)
    assert min(a / b for a, b in counts) - 1e-12 <= low <= high <= max(a / b for a, b in counts) + 1e-12
    assert bootstrap_interval(rows[::-1], accuracy, seed=seed, resamples=50) == (low, high)


def test_bootstrap_interval_of_equal_rows_is_a_point() -> None:
    assert bootstrap_interval(numpy.array([[2, 3]] * 7), accuracy) == (2 / 3, 2 / 3)


def test_bootstrap_interval_other_seed_gives_other_bounds() -> None:
    rows = numpy.random.default_rng(1).random((50, 2)) + 1  # counts that are no whole numbers
    assert bootstrap_interval(rows, accuracy, seed=1) == bootstrap_interval(rows, accuracy, seed=1)
    assert bootstrap_interval(rows, accuracy, seed=1) != bootstrap_interval(rows, accuracy, seed=2)


def test_bootstrap_interval_many_different_rows_are_drawn_in_blocks_that_change_nothing() -> None:
    rows = numpy.random.default_rng(1).random((500, 2)) + 1
    whole = bootstrap_interval(rows, accuracy, resamples=100)
    assert bootstrap_interval(rows, accuracy, resamples=100, numbers_at_once=500 * 7) == whole


def test_bootstrap_interval_leaves_out_resamples_without_a_score() -> None:
    # One sentence of three has an entity: resamples without it have no score.
    rows = numpy.array([[1, 1], [0, 0], [0, 0]])
    with numpy.errstate(invalid="ignore"):
        assert bootstrap_interval(rows, accuracy) == (1.0, 1.0)


@pytest.mark.parametrize("rows", [numpy.zeros((0, 2)), numpy.zeros((3, 2))], ids=["no rows", "no score"])
def test_bootstrap_interval_without_a_score_is_refused(rows: NDArray[numpy.float64]) -> None:
    with numpy.errstate(invalid="ignore"), pytest.raises(ValueError, match="rows|undefined"):
        bootstrap_interval(rows, accuracy)
