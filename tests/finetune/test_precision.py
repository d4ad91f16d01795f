from __future__ import annotations

from typing import Any

import pytest
from tiny_models import KINDS, tiny_batch, tiny_model

pytestmark = pytest.mark.torch


def choose(asked: str, model: Any, loss: Any = None) -> Any:
    import torch

    from envkit.finetune.precision import choose_precision

    def usual() -> Any:
        return model(**tiny_batch()).logits.float().square().sum()

    return choose_precision(asked, model, device=torch.device("cpu"), loss=loss or usual)


@pytest.mark.parametrize("asked", ["auto", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_choose_precision_leaves_weights_randomness_and_gradients_alone(kind: str, asked: str) -> None:
    import torch

    model = tiny_model(kind, dropout=0.1).eval()
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    state = torch.get_rng_state()
    chosen = choose(asked, model)
    assert chosen.name == asked or (asked == "auto" and chosen.name in ("float32", "bfloat16"))
    assert chosen.reason
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    for name, weight in model.named_parameters():
        assert weight.grad is None and weight.dtype == torch.float32
        assert torch.equal(weight, before[name]), name


def test_choose_precision_auto_takes_what_is_clearly_faster() -> None:
    import time

    model = tiny_model("bert")

    def loss(seconds: dict[str, float]) -> Any:
        def compute() -> Any:
            time.sleep(seconds[str(model.dtype).removeprefix("torch.")])
            return model(**tiny_batch()).logits.float().square().sum()

        return compute

    faster = choose("auto", model, loss({"float32": 0.2, "bfloat16": 0.0}))
    assert faster.name == "bfloat16" and "as fast as float32" in faster.reason
    assert choose("auto", model, loss({"float32": 0.0, "bfloat16": 0.2})).name == "float32"
    assert choose("auto", model, loss({"float32": 0.2, "bfloat16": 0.2})).name == "float32"


@pytest.mark.parametrize("fault", ["not finite", "another loss", "no kernel"])
def test_choose_precision_auto_leaves_out_what_is_not_sound(fault: str) -> None:
    import time

    import torch

    model = tiny_model("bert")

    def loss() -> Any:
        value = model(**tiny_batch()).logits.float().square().sum()
        if model.dtype == torch.float32:
            time.sleep(0.05)
            return value
        if fault == "no kernel":
            raise RuntimeError('"some_kernel" not implemented for BFloat16')
        return value * (float("inf") if fault == "not finite" else 1.2)

    chosen = choose("auto", model, loss)
    assert chosen.name == "float32" and "bfloat16" in chosen.reason
    assert model.dtype == torch.float32


def test_choose_precision_named_one_that_does_not_work_is_refused_with_what_to_do() -> None:
    import torch

    from envkit.api import MachineError

    model = tiny_model("bert")

    def loss() -> Any:
        if model.dtype == torch.float16:
            raise RuntimeError('"some_kernel" not implemented for Half')
        return model(**tiny_batch()).logits.sum()

    with pytest.raises(MachineError, match="not implemented for Half") as raised:
        choose("float16", model, loss)
    assert "--precision auto" in (raised.value.hint or "")
    assert model.dtype == torch.float32
