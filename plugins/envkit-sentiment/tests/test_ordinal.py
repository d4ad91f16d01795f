from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch


def test_squared_distance_of_a_sure_prediction_is_how_many_steps_it_is_off() -> None:
    import torch

    from envkit_sentiment.ordinal import squared_distance

    logits = torch.eye(5)[2].expand(5, 5) * 1000
    found = squared_distance(logits, torch.arange(5), values=(1, 2, 3, 4, 5))
    assert found.tolist() == pytest.approx([2, 1, 0, 1, 2])


def test_squared_distance_by_hand() -> None:
    import torch

    from envkit_sentiment.ordinal import squared_distance

    logits = torch.tensor([[0.2, 0.3, 0.5]]).log()
    found = squared_distance(logits, torch.tensor([0]), values=(0, 1, 2))
    assert found.tolist() == pytest.approx([(0.2 - 1) ** 2 + (0.5 - 1) ** 2])
    wider = squared_distance(logits, torch.tensor([0]), values=(0, 1, 4))  # the second step is thrice as wide
    assert wider.tolist() == pytest.approx([0.5 * 0.64 + 1.5 * 0.25])


def test_ordinal_cross_entropy_does_not_depend_on_the_order_of_the_labels() -> None:
    import torch

    from envkit_sentiment.ordinal import ordinal_cross_entropy

    torch.manual_seed(0)
    logits, labels, values = torch.randn(7, 4), torch.randint(0, 4, (7,)), (1.0, 2.0, 3.0, 5.0)
    order = [2, 0, 3, 1]
    places = torch.tensor([order.index(number) for number in range(4)])
    weights = torch.tensor([0.5, 1.0, 1.5, 2.0])
    one = ordinal_cross_entropy(logits, labels, values=values, class_weights=weights)
    other = ordinal_cross_entropy(
        logits[:, order],
        places[labels],
        values=[values[number] for number in order],
        class_weights=weights[order],
    )
    assert other.item() == pytest.approx(one.item())


def test_ordinal_cross_entropy_of_a_batch_is_the_sum_over_its_rows() -> None:
    import torch

    from envkit_sentiment.ordinal import ordinal_cross_entropy

    torch.manual_seed(0)
    logits, labels = torch.randn(6, 5), torch.randint(0, 5, (6,))
    whole = ordinal_cross_entropy(logits, labels, values=range(5))
    parts = sum(
        ordinal_cross_entropy(logits[row : row + 1], labels[row : row + 1], values=range(5))
        for row in range(6)
    )
    assert float(parts) == pytest.approx(whole.item(), rel=1e-5)


def test_ordinal_cross_entropy_costs_more_the_further_off() -> None:
    import torch

    from envkit_sentiment.ordinal import ordinal_cross_entropy

    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0, 6.0]])
    losses = [
        ordinal_cross_entropy(logits, torch.tensor([label]), values=range(5)).item() for label in range(5)
    ]
    assert losses == sorted(losses, reverse=True)
