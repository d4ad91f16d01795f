from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.torch


def arrays(rows: list[tuple[float, bool]]) -> tuple[Any, Any]:
    import numpy as np

    return np.array([[p] for p, _ in rows]), np.array([[is_there] for _, is_there in rows])


def f1(probabilities: Any, gold: Any, threshold: float) -> float:
    chosen = probabilities >= threshold
    both = int(chosen.sum() + gold.sum())
    return 2 * int((chosen & gold).sum()) / both if both else 0.0


@given(
    st.lists(st.tuples(st.sampled_from([0.05, 0.1, 0.3, 0.31, 0.5, 0.9, 0.99]), st.booleans()), min_size=1)
)
def test_threshold_has_the_best_f1_that_any_has(rows: list[tuple[float, bool]]) -> None:
    from envkit_classification.decode import USUAL_THRESHOLD, choose_thresholds

    probabilities, gold = arrays(rows)
    (threshold,) = choose_thresholds(probabilities, gold)
    if not gold.any():
        assert threshold == USUAL_THRESHOLD
        return
    best = max(f1(probabilities, gold, other) for other in (0.01, 0.07, 0.2, 0.305, 0.4, 0.7, 0.95))
    assert f1(probabilities, gold, threshold) == pytest.approx(best)
    assert min(abs(p - threshold) for p, _ in rows) >= 0.0049  # between two probabilities, on neither


def test_threshold_among_equally_good_ones_is_the_nearest_to_one_half() -> None:
    from envkit_classification.decode import choose_thresholds

    assert choose_thresholds(*arrays([(0.9, True), (0.2, False)])) == pytest.approx((0.55,))


def test_decoder_takes_the_likeliest_label_or_all_that_reach_their_threshold() -> None:
    import numpy as np

    from envkit_classification.decode import Decoder

    logits = np.array([[2.0, 1.0, -3.0], [-4.0, -3.0, -2.0]])
    one = Decoder(("a", "b", "c"))
    chances = one.probabilities(logits)
    assert chances.sum(-1) == pytest.approx([1.0, 1.0])
    assert one.choose(chances).tolist() == [[True, False, False], [False, False, True]]
    assert one.sureness(chances, one.choose(chances)) == pytest.approx(chances.max(-1))
    several = Decoder(("a", "b", "c"), (0.5, 0.5, 0.04))
    chances = several.probabilities(logits)
    assert chances[0] == pytest.approx([0.880797, 0.731059, 0.047426], abs=1e-6)
    assert several.choose(chances).tolist() == [[True, True, True], [False, False, True]]
    assert several.sureness(chances, several.choose(chances))[0] == pytest.approx(
        chances[0].prod() ** (1 / 3)
    )


def test_decoder_losses_are_those_of_torch() -> None:
    import numpy as np
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    from envkit_classification.decode import Decoder

    logits = torch.tensor([[30.0, -200.0, 1.0], [0.1, 0.2, 0.3]], dtype=torch.float64)
    gold = np.array([[False, True, False], [True, False, False]])
    one = cross_entropy(logits, torch.tensor([1, 0]), reduction="none")
    assert Decoder(("a", "b", "c")).losses(logits.numpy(), gold) == pytest.approx(one.numpy())
    several = binary_cross_entropy_with_logits(logits, torch.tensor(gold).double(), reduction="none").mean(-1)
    decoder = Decoder(("a", "b", "c"), (0.5,) * 3)
    assert decoder.losses(logits.numpy(), gold) == pytest.approx(several.numpy())


def test_decoder_comes_back_from_its_record() -> None:
    from envkit_classification.decode import Decoder

    decoder = Decoder(("a", "b"), (0.123456789, 0.9))
    assert Decoder.of(("a", "b"), decoder.record(), is_multi_label=True) == decoder
    assert Decoder.of(("a", "b"), {}, is_multi_label=True).thresholds == (0.5, 0.5)
    assert Decoder.of(("a", "b"), Decoder(("a", "b")).record(), is_multi_label=False).thresholds is None
