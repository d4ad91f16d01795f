from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import KINDS, LAYERS, tiny_batch, tiny_model

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("kind", KINDS)
def test_parameter_groups_decay_matrices_and_neither_biases_nor_norms(kind: str) -> None:
    from torch import nn

    from envkit.finetune.optimizer import parameter_groups

    model = tiny_model(kind)
    groups = parameter_groups(model, learning_rate=1e-3, weight_decay=0.1)
    decayed = {name for group in groups if group.weight_decay for name in group.names}
    spared = {name for group in groups if not group.weight_decay for name in group.names}
    assert {group.weight_decay for group in groups} == {0.1, 0.0}
    matrices = (nn.Linear, nn.Embedding, nn.Conv1d)
    assert decayed == {
        f"{name}.weight" for name, module in model.named_modules() if isinstance(module, matrices)
    }
    assert decayed | spared == {name for name, _ in model.named_parameters()}
    assert not decayed & spared


@pytest.mark.parametrize("kind", KINDS)
def test_parameter_groups_with_layer_decay_learn_slower_the_deeper_they_lie(kind: str) -> None:
    from envkit.finetune.optimizer import parameter_groups

    model = tiny_model(kind)
    groups = parameter_groups(model, learning_rate=1.0, weight_decay=0.1, layer_decay=0.5)
    rates = {name: group.learning_rate for group in groups for name in group.names}
    assert len(rates) == sum(len(group.names) for group in groups)

    def rates_in(part: str) -> set[float]:
        return {rate for name, rate in rates.items() if part in name}

    assert rates_in("classifier.") == {1.0}
    for layer in range(LAYERS):
        assert rates_in(f".{layer}.") == {0.5 ** (LAYERS - layer)}
    lowest = next(n for n, module in model.named_modules() if module is model.get_input_embeddings())
    assert rates_in(f"{lowest}.") == {0.5 ** (LAYERS + 1)}


def test_parameter_groups_leave_frozen_weights_out() -> None:
    from envkit.finetune.freezing import freeze
    from envkit.finetune.optimizer import parameter_groups

    model = tiny_model("bert")
    freeze(model, "all-but-head")
    groups = parameter_groups(model, learning_rate=1e-3, weight_decay=0.1, layer_decay=0.9)
    assert sorted(name for group in groups for name in group.names) == [
        "classifier.bias",
        "classifier.weight",
    ]
    assert {group.learning_rate for group in groups} == {1e-3}


def test_parameter_groups_without_layer_decay_need_no_layers() -> None:
    from torch import nn

    from envkit.finetune.optimizer import parameter_groups

    groups = parameter_groups(nn.Linear(3, 2), learning_rate=1.0, weight_decay=0.1)
    assert {group.names: group.weight_decay for group in groups} == {("weight",): 0.1, ("bias",): 0.0}


@pytest.mark.parametrize(("kind", "rate"), [("adamw", 1e-2), ("sgd", 0.1), ("adafactor", 1e-2)])
@pytest.mark.parametrize("has_masters", [False, True], ids=["own weights", "masters"])
def test_make_optimizer_lowers_the_loss(kind: str, rate: float, has_masters: bool) -> None:
    import torch

    from envkit.finetune.optimizer import make_optimizer, parameter_groups

    model = tiny_model("bert")
    groups = parameter_groups(model, learning_rate=rate, weight_decay=0.01, layer_decay=0.9)
    own = dict(model.named_parameters())
    weights: dict[str, torch.Tensor] = (
        {name: weight.detach().clone() for name, weight in own.items()} if has_masters else dict(own)
    )
    optimizer = make_optimizer(kind, groups, weights)
    losses = []
    for _ in range(15):
        loss = (model(**tiny_batch()).logits - 1).square().mean()
        model.zero_grad()
        loss.backward()
        for name, weight in weights.items():
            weight.grad = own[name].grad
        optimizer.step()
        with torch.no_grad():
            for name, weight in weights.items():
                own[name].copy_(weight)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("kind", ["adamw", "sgd", "adafactor"])
def test_make_optimizer_keeps_names_and_rates_in_its_groups(kind: str) -> None:
    from envkit.finetune.optimizer import make_optimizer, parameter_groups

    model = tiny_model("distilbert")
    groups = parameter_groups(model, learning_rate=1e-3, weight_decay=0.1, layer_decay=0.5)
    optimizer = make_optimizer(kind, groups, dict(model.named_parameters()))
    for group, made in zip(groups, optimizer.param_groups, strict=True):
        assert tuple(made["param_names"]) == group.names
        assert (made["lr"], made["weight_decay"]) == (group.learning_rate, group.weight_decay)


def test_make_optimizer_adamw_is_that_of_torch_computed_by_hand() -> None:
    import torch

    from envkit.finetune.optimizer import WeightGroup, make_optimizer

    weight = torch.tensor([2.0], requires_grad=True)
    group = WeightGroup(names=("w",), weight_decay=0.5, learning_rate=0.1)
    optimizer = make_optimizer("adamw", [group], {"w": weight})
    weight.grad = torch.tensor([3.0])
    optimizer.step()
    # The first step of Adam moves by the rate itself; the decay takes rate x decay of the weight.
    assert float(weight.detach()) == pytest.approx(2.0 - 0.1 * 0.5 * 2.0 - 0.1, rel=1e-6)


def test_make_optimizer_adafactor_takes_the_learning_rate_as_given() -> None:
    import torch

    from envkit.finetune.optimizer import WeightGroup, make_optimizer

    weight = torch.full((4, 4), 0.02, requires_grad=True)
    group = WeightGroup(names=("w",), weight_decay=0.0, learning_rate=1e-3)
    optimizer = make_optimizer("adafactor", [group], {"w": weight})
    weight.grad = torch.full((4, 4), 5.0)
    optimizer.step()
    assert torch.allclose(weight.detach(), torch.full((4, 4), 0.02 - 1e-3), rtol=1e-4)


KINDS_OF_SCHEDULE = ("linear", "cosine", "constant")


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from(KINDS_OF_SCHEDULE))
def test_schedule_factor_rises_to_1_and_never_rises_again_nor_reaches_0(
    total: int, warmup: float, kind: str
) -> None:
    from envkit.finetune.optimizer import schedule_factor

    factors = [schedule_factor(step, total=total, warmup=warmup, kind=kind) for step in range(total)]
    rising = round(total * warmup)
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: rising + 1] == sorted(factors[: rising + 1])
    assert factors[rising:] == sorted(factors[rising:], reverse=True)
    if rising < total:
        assert factors[rising] == 1.0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("linear", [1 / 3, 2 / 3, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("cosine", [1 / 3, 2 / 3, *((1 + math.cos(math.pi * i / 8)) / 2 for i in range(8))]),
        ("constant", [1 / 3, 2 / 3, *[1.0] * 8]),
    ],
)
def test_schedule_factor_of_ten_steps_with_two_of_warm_up(kind: str, expected: list[float]) -> None:
    from envkit.finetune.optimizer import schedule_factor

    found = [schedule_factor(step, total=10, warmup=0.2, kind=kind) for step in range(10)]
    assert found == pytest.approx(expected)
    assert schedule_factor(10, total=10, warmup=0.2, kind=kind) == (1.0 if kind == "constant" else 0.0)


def test_set_learning_rate_keeps_the_groups_proportions() -> None:
    from envkit.finetune.optimizer import make_optimizer, parameter_groups, set_learning_rate

    model = tiny_model("bert")
    groups = parameter_groups(model, learning_rate=1e-3, weight_decay=0.1, layer_decay=0.5)
    optimizer = make_optimizer("adamw", groups, dict(model.named_parameters()))
    for factor in (0.1, 1.0, 0.25):
        assert set_learning_rate(optimizer, factor) == pytest.approx(1e-3 * factor)
        assert [g["lr"] for g in optimizer.param_groups] == [g.learning_rate * factor for g in groups]


def with_gradients(*values: list[float] | None) -> list[torch.Tensor]:
    import torch

    weights = []
    for value in values:
        weight = torch.zeros(1 if value is None else len(value), requires_grad=True)
        weight.grad = None if value is None else torch.tensor(value)
        weights.append(weight)
    return weights


@pytest.mark.parametrize(
    ("largest", "scale"), [(1.0, 1 / 13), (6.5, 0.5), (13.0, 1.0), (20.0, 1.0), (0.0, 1.0)]
)
def test_clip_scales_all_gradients_alike_and_returns_the_norm_before(largest: float, scale: float) -> None:
    from envkit.finetune.optimizer import clip

    weights = with_gradients([3.0, 4.0], None, [12.0])
    assert clip(iter(weights), largest) == pytest.approx(13.0)
    found = [weight.grad.tolist() for weight in weights if weight.grad is not None]
    assert found[0] == pytest.approx([3 * scale, 4 * scale], rel=1e-5)
    assert found[1] == pytest.approx([12 * scale], rel=1e-5)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_clip_gradient_that_is_no_number_is_reported_and_spreads_nowhere(value: float) -> None:
    from envkit.finetune.optimizer import clip

    weights = with_gradients([3.0, 4.0], [value])
    assert not math.isfinite(clip(weights, 1.0))
    assert weights[0].grad is not None and weights[0].grad.tolist() == [3.0, 4.0]


def test_clip_without_gradients_is_0() -> None:
    from envkit.finetune.optimizer import clip

    assert clip(with_gradients(None), 1.0) == 0.0
