from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tiny_models import LAYERS, tiny_batch, tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.torch

# Model types of transformers, as its configurations name them.
FITTING = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
OTHERS = ("distilbert", "deberta", "modernbert")


def classifier(kind: str, *, dropout: float = 0.0) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind,
        vocab_size=40,
        hidden_size=16,
        embedding_size=8,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        pad_token_id=0,
        num_labels=5,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    return AutoModelForSequenceClassification.from_config(config)


def gradients(model: Any, loss: Any) -> dict[str, Any]:
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def check_alike(model: Any, batch: dict[str, Any]) -> None:
    """Compare logits and gradients with those of the stock forward."""
    import torch

    from envkit.finetune.first_position import first_position_alone

    expected = model(**batch).logits
    expected_gradients = gradients(model, (expected**2).sum())
    with first_position_alone(model) as is_done:
        found = model(**batch).logits
    assert is_done
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    found_gradients = gradients(model, (found**2).sum())
    assert found_gradients.keys() == expected_gradients.keys()
    for name, gradient in expected_gradients.items():
        torch.testing.assert_close(found_gradients[name], gradient, rtol=1e-7, atol=1e-11, msg=name)


# The last is as many rows as tokens: sizes that are mixed up would not show by their shape.
@pytest.mark.parametrize("lengths", [(7, 4), (5, 5), (1,), (4, 2, 3, 4)])
@pytest.mark.parametrize("is_short_rows", [False, True])
@pytest.mark.parametrize("kind", FITTING)
def test_first_position_alone_gives_the_logits_and_gradients_of_the_whole(
    kind: str, is_short_rows: bool, lengths: tuple[int, ...]
) -> None:
    from envkit.finetune.attention import speed_up_attention

    model = classifier(kind).double()
    assert not is_short_rows or speed_up_attention(model)
    check_alike(model, tiny_batch(lengths))


def test_first_position_alone_with_rows_padded_on_the_left_or_not_masked_gives_the_same() -> None:
    model, batch = classifier("bert").double(), tiny_batch((7, 4))
    check_alike(model, {name: values.flip(1) for name, values in batch.items()})
    check_alike(model, {"input_ids": batch["input_ids"]})


@pytest.mark.parametrize("kind", ["lora", "ia3"])
def test_first_position_alone_with_adapters_gives_the_same(kind: str) -> None:
    import torch

    from envkit.finetune.adapters import add_adapters

    model = classifier("bert")
    adapters = add_adapters(model, kind, base="tiny", rank=2, total_steps=10, seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:  # at no change, an adapter that is left out would not show
                weight.add_(torch.randn_like(weight))
    check_alike(adapters.model.double(), tiny_batch())


def test_first_position_alone_computes_one_position_of_the_last_layer_by_its_own_modules() -> None:
    from envkit.finetune.first_position import first_position_alone

    model, batch, widths = classifier("bert"), tiny_batch((7, 4)), []
    for layer in model.base_model.encoder.layer:
        layer.intermediate.register_forward_hook(lambda _, given, __: widths.append(given[0].shape[1]))
    with first_position_alone(model):
        model(**batch)
    assert widths == [7, 7, 1]


def test_first_position_alone_drops_in_training_alone() -> None:
    import torch

    from envkit.finetune.attention import speed_up_attention
    from envkit.finetune.first_position import first_position_alone

    model, batch = classifier("bert", dropout=0.5), tiny_batch()
    speed_up_attention(model)
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Dropout) and name != "bert.encoder.layer.2.attention.self.dropout":
            module.p = 0.0
    with first_position_alone(model):
        first, second = model.train()(**batch).logits, model(**batch).logits
        assert not torch.equal(first, second)
        assert torch.equal(model.eval()(**batch).logits, model(**batch).logits)


def test_first_position_alone_leaves_nothing_behind_even_after_an_error() -> None:
    import torch

    from envkit.finetune.first_position import first_position_alone

    model, batch = classifier("bert").eval(), tiny_batch()
    before = model(**batch, output_hidden_states=True).hidden_states
    with pytest.raises(IndexError), first_position_alone(model):
        model(batch["input_ids"] + 1000)  # pieces that it does not know
    after = model(**batch, output_hidden_states=True).hidden_states
    assert all(map(torch.equal, before, after))


def change_layer(**values: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        vars(model.base_model.encoder.layer[-1]).update(values)

    return change


CHANGES: dict[str, Callable[[Any], None]] = {
    "attends in another way": lambda model: model.set_attn_implementation("eager"),
    "computes forward twice": change_layer(gradient_checkpointing=True),
    "reads from left to right": change_layer(is_decoder=True),
    "reads another text too": change_layer(add_cross_attention=True),
    "feeds forward in chunks": change_layer(chunk_size_feed_forward=1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_first_position_alone_model_that_computes_unusually_is_left_alone(change: str) -> None:
    from envkit.finetune.first_position import first_position_alone

    model = classifier("bert")
    CHANGES[change](model)
    with first_position_alone(model) as is_done:
        assert not is_done


@pytest.mark.parametrize(
    ("kind", "head"),
    [*((kind, "SequenceClassification") for kind in OTHERS), ("bert", "TokenClassification")],
)
def test_first_position_alone_other_models_compute_as_ever(kind: str, head: str) -> None:
    import torch

    from envkit.finetune.first_position import first_position_alone

    model, batch = tiny_model(kind, head).eval(), tiny_batch()
    expected = model(**batch).logits
    with first_position_alone(model) as is_done:
        assert torch.equal(model(**batch).logits, expected)
    assert not is_done


def test_first_position_alone_classifier_of_ones_own_computes_as_ever() -> None:
    from transformers import BertForSequenceClassification as Stock

    from envkit.finetune.first_position import first_position_alone

    class BertForSequenceClassification(Stock):  # type: ignore[misc]  # of the same name, and free to pool the mean
        pass

    with first_position_alone(BertForSequenceClassification(classifier("bert").config)) as is_done:
        assert not is_done
