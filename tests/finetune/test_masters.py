from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tiny_models import KINDS, LABELS, tiny_batch, tiny_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
LOW = ("bfloat16", "float16")
SMALL_SCALE = {"scale": 64.0, "good_steps": 0}  # the first one is too large for the losses here


def loss_of(model: Any, seed: int = 0) -> Any:
    batch = tiny_batch((9, 5), seed=seed)
    logits = model(**batch).logits[batch["attention_mask"].bool()]
    return logits.float().log_softmax(-1)[:, 1].neg().sum() / len(logits)


def step(model: Any, masters: Any, optimizer: Any) -> float:
    loss = loss_of(model)
    masters.backward(loss)
    if masters.unscale():
        optimizer.step()
        masters.write_back()
    optimizer.zero_grad()
    return float(loss.detach())


def test_masters_of_a_float32_model_are_its_own_weights() -> None:
    from envkit.finetune.masters import Masters

    model = tiny_model("bert")
    masters = Masters(model, "float32")
    assert all(masters.weights[name] is weight for name, weight in model.named_parameters())


@pytest.mark.parametrize("precision", LOW)
@pytest.mark.parametrize("kind", KINDS)
def test_masters_model_in_low_precision_learns_as_in_float32(kind: str, precision: str) -> None:
    import torch

    from envkit.finetune.masters import Masters

    ends = {}
    for name in ("float32", precision):
        model = tiny_model(kind)
        masters = Masters(model, name)
        masters.set_scale_state(SMALL_SCALE if name == "float16" else masters.scale_state())
        if name != "float32":
            assert {weight.dtype for weight in model.parameters()} == {getattr(torch, precision)}
        assert {weight.dtype for weight in masters.weights.values()} == {torch.float32}
        optimizer = torch.optim.AdamW(masters.weights.values(), lr=0.003)
        losses = [step(model, masters, optimizer) for _ in range(10)]
        assert losses[-1] < 0.9 * losses[0]
        ends[name] = losses[-1]
    assert ends[precision] == pytest.approx(ends["float32"], rel=0.05)


@pytest.mark.parametrize("precision", LOW)
def test_masters_keep_updates_that_the_model_is_too_coarse_for(precision: str) -> None:
    import torch

    from envkit.finetune.masters import Masters

    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(model.weight)
    masters = Masters(model, precision)
    masters.set_scale_state(SMALL_SCALE if precision == "float16" else masters.scale_state())
    optimizer = torch.optim.SGD(masters.weights.values(), lr=2.0**-13)
    for _ in range(2**7):  # each is less than what a float16 of 1 has of places
        masters.backward(model(torch.ones(1, 1, dtype=model.weight.dtype)).sum().float())
        assert masters.unscale()
        optimizer.step()
        optimizer.zero_grad()
        masters.write_back()
    assert float(model.weight.detach()) == 1 - 2.0**-6
    masters.restore()
    assert model.weight.dtype == torch.float32 and float(model.weight.detach()) == 1 - 2.0**-6


@pytest.mark.parametrize("precision", ["float32", *LOW])
def test_masters_gradients_of_micro_batches_add_up_in_float32(precision: str) -> None:
    import torch

    from envkit.finetune.masters import Masters

    def gradients(*seeds: int) -> dict[str, torch.Tensor]:
        model = tiny_model("bert")
        masters = Masters(model, precision)
        masters.set_scale_state(SMALL_SCALE if precision == "float16" else masters.scale_state())
        for seed in seeds:
            masters.backward(loss_of(model, seed))
        assert masters.unscale()
        return {name: weight.grad for name, weight in masters.weights.items() if weight.grad is not None}

    first, second, both = gradients(1), gradients(2), gradients(1, 2)
    assert first.keys() == both.keys()
    for name, gradient in both.items():
        assert gradient.dtype == torch.float32
        assert torch.allclose(gradient, first[name] + second[name], rtol=1e-5, atol=1e-7), name


@pytest.mark.parametrize("pieces", [None, range(4, 30)])
@pytest.mark.parametrize("precision", LOW)
def test_masters_restore_gives_back_frozen_and_unseen_weights_bit_by_bit(
    precision: str, pieces: range | None, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.masters import Masters

    model = tiny_model("bert")
    model.base_model.encoder.layer[0].requires_grad_(False)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    embedding = "bert.embeddings.word_embeddings.weight"
    masters = Masters(model, precision, pieces=pieces)
    with torch.no_grad():
        for weight in masters.weights.values():
            weight.add_(1.0)
    masters.write_back()
    masters.restore()
    for name, weight in model.named_parameters():
        assert weight.dtype == torch.float32
        if "layer.0." in name:
            assert torch.equal(weight, before[name]), name
        elif name != embedding or pieces is None:
            assert torch.equal(weight, before[name] + 1.0), name
        else:
            assert torch.equal(weight[30:], before[name][30:])
            assert torch.equal(weight[4:30], before[name][4:30] + 1.0)
    model.save_pretrained(tmp_path)
    opened = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert opened.config.num_labels == LABELS
    for name, weight in opened.named_parameters():
        assert torch.equal(weight, model.get_parameter(name)), name


def test_masters_float16_step_that_overflows_is_left_out_and_scaled_less() -> None:
    import torch

    from envkit.finetune.masters import Masters

    model = torch.nn.Linear(2, 1)
    masters = Masters(model, "float16")
    before, first = masters.scale_state(), [weight.detach().clone() for weight in masters.weights.values()]
    for large in (True, False):
        values = torch.full((1, 2), 3e4 if large else 0.1, dtype=torch.float16)
        masters.backward(model(values).float().sum())
        assert masters.unscale() is not large
        if large:
            assert masters.scale_state()["scale"] == before["scale"] / 2
            for weight in masters.weights.values():
                weight.grad = None
    gradient = masters.weights["weight"].grad
    assert torch.allclose(gradient, torch.full((1, 2), 0.1), rtol=1e-3)
    assert all(torch.equal(a, b) for a, b in zip(first, masters.weights.values(), strict=True))


def test_masters_float16_scale_grows_again_and_goes_on_where_it_stood() -> None:
    import torch

    from envkit.finetune.masters import Masters

    def sound_step(masters: Masters) -> None:
        masters.backward(model(values).float().sum())
        assert masters.unscale()

    model, values = torch.nn.Linear(2, 1), torch.ones(1, 2, dtype=torch.float16)
    masters = Masters(model, "float16")
    masters.set_scale_state({"scale": 8.0, "good_steps": 0})
    steps = 0
    while masters.scale_state()["scale"] == 8.0:
        before, steps = masters.scale_state(), steps + 1
        sound_step(masters)
    assert steps == 2000
    assert masters.scale_state() == {"scale": 16.0, "good_steps": 0}
    masters.restore()
    resumed = Masters(model, "float16")
    resumed.set_scale_state(before)
    sound_step(resumed)
    assert resumed.scale_state() == masters.scale_state()
