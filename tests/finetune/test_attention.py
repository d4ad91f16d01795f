from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tiny_models import KINDS, tiny_batch, tiny_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
OF_ITS_OWN = ("deberta",)  # attends to relative positions, in no way that can be replaced


def gradients(model: Any, batch: dict[str, Any]) -> dict[str, Any]:
    model.zero_grad()
    seen = batch["attention_mask"].bool()
    (model(**batch).logits[seen] ** 2).sum().backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("lengths", [(7, 4), (5, 5), (1,)])
@pytest.mark.parametrize("kind", KINDS)
def test_speed_up_attention_changes_no_result_and_no_gradient(kind: str, lengths: tuple[int, ...]) -> None:
    import torch

    from envkit.finetune.attention import speed_up_attention

    model, batch = tiny_model(kind).double(), tiny_batch(lengths)
    before, expected = model(**batch).logits, gradients(model, batch)
    assert speed_up_attention(model) is (kind not in OF_ITS_OWN)
    seen = batch["attention_mask"].bool()
    assert torch.allclose(model(**batch).logits[seen], before[seen], rtol=1e-9, atol=1e-12)
    found = gradients(model, batch)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, rtol=1e-7, atol=1e-10), name


def test_speed_up_attention_drops_weights_in_training_alone() -> None:
    import torch

    from envkit.finetune.attention import speed_up_attention

    model, batch = tiny_model("bert", dropout=0.5), tiny_batch()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout) and not hasattr(module, "key"):
            module.p = 0.0
    for layer in model.base_model.encoder.layer:
        layer.attention.self.dropout.p = 0.5  # of the attention weights alone
    assert speed_up_attention(model)
    model.train()
    torch.manual_seed(0)
    first, second = model(**batch).logits, model(**batch).logits
    torch.manual_seed(0)
    assert torch.equal(model(**batch).logits, first)
    assert not torch.equal(first, second)
    model.eval()
    assert torch.equal(model(**batch).logits, model(**batch).logits)


def test_speed_up_attention_model_that_was_told_how_to_attend_is_left_so() -> None:
    from envkit.finetune.attention import speed_up_attention

    model = tiny_model("bert")
    model.set_attn_implementation("eager")
    assert not speed_up_attention(model)
    assert len(model(**tiny_batch(), output_attentions=True).attentions) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_speed_up_attention_saved_model_is_a_stock_one(kind: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.attention import NAME, speed_up_attention

    model, batch = tiny_model(kind).eval(), tiny_batch()
    speed_up_attention(model)
    model.save_pretrained(tmp_path)
    assert NAME not in json.dumps(json.loads((tmp_path / "config.json").read_text()))
    opened = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    assert opened.config._attn_implementation != NAME
    seen = batch["attention_mask"].bool()
    assert torch.allclose(opened(**batch).logits[seen], model(**batch).logits[seen], atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"is_causal": True},
        {"position_bias": (1, 2, 150, 150)},
        {"groups": 2},
        {},
    ],
)
def test_attend_what_it_is_not_made_for_is_done_as_transformers_does(change: dict[str, Any]) -> None:
    import torch
    from transformers import AttentionInterface

    from envkit.finetune.attention import attend

    class Attending(torch.nn.Module):
        is_causal = False
        num_key_value_groups = 1

    torch.manual_seed(0)
    options, module = dict(change), Attending()
    groups = options.pop("groups", 1)
    module.num_key_value_groups = groups
    if "position_bias" in options:
        options["position_bias"] = torch.rand(options["position_bias"])
    query = torch.rand(3, 2, 150, 8)
    key, value = torch.rand(3, 2 // groups, 150, 8), torch.rand(3, 2 // groups, 150, 8)
    expected, _ = AttentionInterface()["sdpa"](module, query, key, value, None, **options)
    found, _ = attend(module, query, key, value, None, **options)
    assert torch.equal(found, expected)
