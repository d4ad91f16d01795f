from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from finetune.conftest import Record

pytestmark = pytest.mark.torch

LABELS = ("no", "yes", "maybe")


def build(folder: Path, record: Any) -> tuple[Any, Any]:
    """Return a model with a head, and its tokenizer."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from envkit.finetune.models import load_model, load_tokenizer

    model = load_model(
        folder,
        AutoModelForSequenceClassification,
        labels=LABELS,
        device=torch.device("cpu"),
        report=record,
    )
    model.config.problem_type = "multi_label_classification"
    return model, load_tokenizer(folder)


def logits_of(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([[2, 5, 6, 3]])).logits[0]


def open_again(folder: Path, record: Any) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    from envkit.finetune.saved_models import load_saved_model

    return load_saved_model(
        folder, AutoModelForSequenceClassification, device=torch.device("cpu"), report=record
    )


def test_saved_model_opens_with_its_labels_and_gives_the_same(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from envkit.finetune.models import save_model

    model, tokenizer = build(tiny_model, record)
    save_model(model, tokenizer, tmp_path)
    opened, opened_tokenizer = open_again(tmp_path, record)
    assert logits_of(opened).tolist() == pytest.approx(logits_of(model).tolist(), abs=1e-5)
    assert tuple(opened.config.id2label.values()) == LABELS
    assert opened.config.problem_type == "multi_label_classification"
    assert not opened.training
    assert opened_tokenizer("ada")["input_ids"] == tokenizer("ada")["input_ids"]
    assert not record.warned


@pytest.mark.parametrize("kind", ["lora", "ia3"])
def test_saved_adapter_opens_on_its_model_with_its_labels_and_gives_the_same(
    tiny_model: Path, tmp_path: Path, record: Record, kind: str
) -> None:
    import torch

    from envkit.finetune.adapters import add_adapters, save_adapter
    from envkit.finetune.models import save_tokenizer

    model, tokenizer = build(tiny_model, record)
    adapters = add_adapters(model, kind, base=str(tiny_model), rank=2, total_steps=10, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += torch.linspace(0.1, 0.5, weight.numel()).reshape(weight.shape)
    save_adapter(adapters, tmp_path)
    save_tokenizer(tokenizer, tmp_path)
    opened, _ = open_again(tmp_path, record)
    assert logits_of(opened).tolist() == pytest.approx(logits_of(model).tolist(), abs=1e-5)
    assert tuple(opened.config.id2label.values()) == LABELS
    assert opened.config.problem_type == "multi_label_classification"


def test_folder_without_a_model_is_refused(tmp_path: Path, record: Record) -> None:
    with pytest.raises(UsageError, match="cannot be loaded"):
        open_again(tmp_path, record)
