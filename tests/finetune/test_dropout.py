from __future__ import annotations

from typing import Any

import pytest
from tiny_models import KINDS, tiny_batch, tiny_model

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "float16", "float64"])
def test_drop_drops_its_share_and_keeps_the_mean(kind: str, share: float) -> None:
    import torch

    from envkit.finetune.dropout import drop

    torch.manual_seed(0)
    values = torch.ones(300, 401, dtype=getattr(torch, kind))
    dropped = drop(values, share)
    assert dropped.dtype == values.dtype and dropped.shape == values.shape
    kept = dropped != 0
    # Six standard deviations of the share.
    assert abs(float((~kept).double().mean()) - share) < 6 * (share * (1 - share) / values.numel()) ** 0.5
    scales = dropped[kept].double()
    assert scales.min() == scales.max() == pytest.approx(1 / (1 - share), rel=0.005)


def test_drop_elements_are_independent_of_their_neighbours() -> None:
    import torch

    from envkit.finetune.dropout import drop

    torch.manual_seed(0)
    kept = (drop(torch.ones(2**18), 0.5) != 0).double() - 0.5
    for distance in (1, 2, 3, 4, 64):  # four elements share a random word
        correlation = float((kept[:-distance] * kept[distance:]).mean()) * 4
        assert abs(correlation) < 6 / 2**9


def test_drop_gives_the_gradient_to_what_was_kept() -> None:
    import torch

    from envkit.finetune.dropout import drop

    torch.manual_seed(0)
    values = torch.rand(7, 13, dtype=torch.float64).add(0.5).requires_grad_()
    dropped = drop(values.t(), 0.3)  # rows of memory and rows of numbers are not the same
    dropped.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(values.grad.t() * values.t(), dropped)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("size", [0, 1, 5])
def test_drop_nothing_or_all(share: float, expected: float, size: int) -> None:
    import torch

    from envkit.finetune.dropout import drop

    assert drop(torch.ones(size), share).tolist() == [expected] * size


def test_drop_follows_from_the_state_of_torchs_generator() -> None:
    import torch

    from envkit.finetune.dropout import drop

    values = torch.ones(999)
    torch.manual_seed(1)
    drop(values, 0.1)
    state = torch.get_rng_state()
    first, second = drop(values, 0.1), drop(values, 0.1)
    torch.set_rng_state(state)
    assert torch.equal(drop(values, 0.1), first)
    assert torch.equal(drop(values, 0.1), second)
    assert not torch.equal(first, second)


def outputs(model: Any) -> Any:
    import torch

    torch.manual_seed(3)
    return model(**tiny_batch()).logits


@pytest.mark.parametrize("kind", KINDS)
def test_speed_up_dropout_model_evaluates_and_saves_as_before(kind: str) -> None:
    import torch

    from envkit.finetune.dropout import BitDropout, speed_up_dropout

    model = tiny_model(kind, dropout=0.1).eval()
    before, names = outputs(model), list(model.state_dict())
    assert speed_up_dropout(model) > 0
    assert not any(type(module) is torch.nn.Dropout for module in model.modules())
    assert torch.equal(outputs(model), before)
    assert list(model.state_dict()) == names
    model.train()
    assert not torch.equal(outputs(model), before)
    assert all(module.training for module in model.modules() if isinstance(module, BitDropout))
    assert torch.equal(outputs(model), outputs(model))
