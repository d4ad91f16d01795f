from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from finetune.conftest import Record

pytestmark = pytest.mark.torch

MARKS = ("[E1]", "[/E1]", "[E2]", "[/E2]")
TEXT = "[E1] the rain [/E1] fell on [E2] the hills [/E2]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from envkit.testing import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("model") / "tiny", ["the rain fell on the hills"] * 3)


def load(folder: Path, report: Record) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model, load_tokenizer

    model = load_model(
        folder,
        AutoModelForTokenClassification,
        labels=("a", "b"),
        device=torch.device("cpu"),
        report=report,
    )
    return model, load_tokenizer(folder)


def rows_of(model: Any) -> Any:
    return model.get_input_embeddings().weight.detach()


def test_each_added_token_is_one_piece_and_the_rest_is_read_as_before(folder: Path, record: Record) -> None:
    from envkit.finetune.added_tokens import add_tokens

    model, tokenizer = load(folder, record)
    before = tokenizer("the rain fell on the hills", add_special_tokens=False)["input_ids"]
    numbers = add_tokens(model, tokenizer, MARKS)
    pieces = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    assert len(set(numbers)) == len(MARKS)
    assert [piece for piece in pieces if piece in numbers] == list(numbers)
    assert [piece for piece in pieces if piece not in numbers] == before
    assert model.config.vocab_size == len(rows_of(model)) == len(tokenizer)


def test_new_rows_follow_from_the_model_alone_and_old_ones_stay(folder: Path, record: Record) -> None:
    import torch

    from envkit.finetune.added_tokens import add_tokens

    found = []
    for seed in (1, 2):
        model, tokenizer = load(folder, record)
        old = rows_of(model).clone()
        torch.manual_seed(seed)
        add_tokens(model, tokenizer, MARKS)
        assert torch.equal(rows_of(model)[: len(old)], old)
        found.append(rows_of(model)[len(old) :])
    assert torch.equal(*found)
    assert torch.unique(found[0], dim=0).shape[0] == len(MARKS)
    # No larger and no smaller than the model's own.
    assert 0.5 < float(found[0].norm(dim=1).mean() / old.norm(dim=1).mean()) < 2


def test_tokens_that_are_known_are_not_added_again(folder: Path, record: Record) -> None:
    from envkit.finetune.added_tokens import add_tokens

    model, tokenizer = load(folder, record)
    first = add_tokens(model, tokenizer, MARKS)
    size = len(rows_of(model))
    assert add_tokens(model, tokenizer, MARKS) == first
    assert add_tokens(model, tokenizer, ["[SEP]"]) == (tokenizer.sep_token_id,)
    assert len(rows_of(model)) == size


def test_embedding_that_has_rows_to_spare_is_left_as_it_is(folder: Path, record: Record) -> None:
    from envkit.finetune.added_tokens import add_tokens

    model, tokenizer = load(folder, record)
    model.resize_token_embeddings(len(tokenizer) + 10, mean_resizing=False)
    before = rows_of(model).clone()
    add_tokens(model, tokenizer, MARKS)
    assert rows_of(model).equal(before)


def test_whole_model_and_adapter_are_opened_with_their_tokens(
    folder: Path, record: Record, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.adapters import add_adapters, save_adapter
    from envkit.finetune.added_tokens import add_tokens
    from envkit.finetune.models import save_model, save_tokenizer
    from envkit.finetune.saved_models import load_saved_model

    whole, adapter = tmp_path / "whole", tmp_path / "adapter"
    expected = {}
    for place in (whole, adapter):
        model, tokenizer = load(folder, record)
        add_tokens(model, tokenizer, MARKS)
        if place == whole:
            save_model(model, tokenizer, place)
        else:
            adapters = add_adapters(model, "lora", base=str(folder), rank=2, total_steps=1, seed=0)
            save_adapter(adapters, place)
            save_tokenizer(tokenizer, place)
        expected[place] = logits_of(model, tokenizer)
    for place, before in expected.items():
        model, tokenizer = load_saved_model(
            place, AutoModelForTokenClassification, device=torch.device("cpu"), report=record
        )
        torch.testing.assert_close(logits_of(model, tokenizer), before)


def logits_of(model: Any, tokenizer: Any) -> Any:
    import torch

    model.eval()
    with torch.no_grad():
        return model(**tokenizer(TEXT, return_tensors="pt")).logits
