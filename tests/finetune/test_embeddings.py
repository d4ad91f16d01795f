from __future__ import annotations

from typing import Any

import pytest
from tiny_models import KINDS, WORDS, tiny_batch, tiny_model

pytestmark = pytest.mark.torch
PIECES = tuple(range(4, 24))


def batches(count: int = 3) -> list[dict[str, Any]]:
    """Batches that hold these pieces and padding alone."""
    made = [tiny_batch((7, 4), seed=seed) for seed in range(count)]
    return [
        {**batch, "input_ids": (4 + (batch["input_ids"] - 4) % 20) * batch["attention_mask"]}
        for batch in made
    ]


def train(model: Any, **options: Any) -> Any:
    """Train for some steps of two micro-batches each with AdamW that does not decay; return the masters."""
    import torch

    from envkit.finetune.masters import Masters

    masters = Masters(model, options.pop("precision", "float32"), **options)
    optimizer = torch.optim.AdamW(masters.weights.values(), lr=0.01, weight_decay=0.0)
    for step in range(3):
        for batch in (batches()[step], batches()[(step + 1) % 3]):
            seen = batch["attention_mask"].bool()
            masters.backward((model(**batch).logits[seen].float() ** 2).sum())
        optimizer.step()
        optimizer.zero_grad()
        masters.write_back()
    return masters


@pytest.mark.parametrize("kind", KINDS)
def test_narrow_embedding_trains_exactly_as_the_whole_one(kind: str) -> None:
    import torch

    whole, narrow = tiny_model(kind).double(), tiny_model(kind).double()
    whole_embedding = whole.get_input_embeddings().weight
    before = whole_embedding.detach().clone()
    train(whole)
    masters = train(narrow, pieces=PIECES)
    masters.restore()
    name = next(name for name, weight in whole.named_parameters() if weight is whole_embedding)
    assert len(masters.weights[name]) == len(PIECES) + 1  # the padding's, too
    assert not narrow.get_input_embeddings().sparse
    # The rows' masters are float32 as of any model that is trained; of a float64 one all else is not.
    for (name, expected), found in zip(whole.named_parameters(), narrow.parameters(), strict=True):
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6), name
    assert torch.equal(narrow.get_input_embeddings().weight[24:], before[24:].float().double())
    assert not torch.equal(narrow.get_input_embeddings().weight[4:24], before[4:24])


def test_narrow_embedding_sums_the_gradients_of_a_piece_as_the_whole_one() -> None:
    import torch

    from envkit.finetune.masters import Masters

    batch = {"input_ids": torch.tensor([[5, 5, 6, 5], [9, 6, 6, 0]]), "attention_mask": torch.ones(2, 4)}
    gradients = []
    for pieces in (None, PIECES):
        model = tiny_model("bert")
        masters = Masters(model, "float32", pieces=pieces)
        masters.backward(model(**batch).logits.square().sum())
        gradients.append(masters.weights["bert.embeddings.word_embeddings.weight"].grad)
    whole, narrow = gradients
    assert torch.equal(narrow[0], whole[0]) and torch.allclose(narrow[1:], whole[4:24], rtol=1e-5, atol=1e-7)
    assert not whole[24:].any() and narrow[2].any()


def test_narrow_embedding_unknown_piece_is_an_error_and_no_silence() -> None:
    from envkit.finetune.masters import Masters

    model = tiny_model("bert")
    masters = Masters(model, "float32", pieces=(4, 5))
    with pytest.raises(RuntimeError, match="piece .*none of the training rows"):
        masters.backward(model(**tiny_batch()).logits.sum())


@pytest.mark.parametrize("reason", ["all used", "frozen", "tied", "of another kind"])
def test_narrow_embedding_where_it_does_not_fit_steps_aside(reason: str) -> None:
    import torch

    from envkit.finetune.embeddings import narrow_embedding

    model, pieces = tiny_model("bert"), PIECES
    embedding = model.get_input_embeddings()
    match reason:
        case "all used":
            pieces = tuple(range(WORDS))
        case "frozen":
            embedding.weight.requires_grad_(False)
        case "tied":
            model.decoder = torch.nn.Linear(16, WORDS)
            model.decoder.weight = embedding.weight
        case "of another kind":
            model.set_input_embeddings(torch.nn.Embedding(WORDS, 16, max_norm=1.0))
    assert narrow_embedding(model, pieces) is None
    assert not model.get_input_embeddings().sparse


@pytest.mark.parametrize("kind", KINDS)
def test_training_with_all_that_is_sped_up_is_bit_equal_from_the_same_seed(kind: str) -> None:
    import torch

    from envkit.finetune.attention import speed_up_attention
    from envkit.finetune.dropout import speed_up_dropout

    ends = []
    for seed in (1, 1, 2):
        model = tiny_model(kind, dropout=0.1).train()
        speed_up_dropout(model)
        speed_up_attention(model)
        torch.manual_seed(seed)
        train(model, precision="bfloat16", pieces=PIECES).restore()
        ends.append(torch.cat([weight.detach().flatten() for weight in model.parameters()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])
