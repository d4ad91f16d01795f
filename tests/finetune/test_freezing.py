from __future__ import annotations

import pytest
from tiny_models import KINDS, LAYERS, tiny_batch, tiny_model

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("what", "frozen_depths"),
    [
        ("none", set()),
        ("embeddings", {0}),
        ("2", {0, 1, 2}),
        (str(LAYERS), set(range(LAYERS + 1))),
    ],
)
def test_freeze_leaves_gradients_above_what_is_frozen_alone(
    kind: str, what: str, frozen_depths: set[int]
) -> None:
    from envkit.finetune.freezing import freeze
    from envkit.finetune.structure import read_structure

    model = tiny_model(kind)
    trained = freeze(model, what)
    model(**tiny_batch()).logits.square().sum().backward()
    structure = read_structure(model)
    frozen = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert frozen == {n for n, _ in model.named_parameters() if structure.depth(n) in frozen_depths}
    assert trained.total == sum(weight.numel() for weight in model.parameters())
    assert trained.trained == sum(w.numel() for n, w in model.named_parameters() if n not in frozen)


@pytest.mark.parametrize(
    ("kind", "head", "trained"),
    [
        ("bert", "TokenClassification", {"classifier"}),
        ("bert", "SequenceClassification", {"classifier", "bert.pooler"}),
        ("roberta", "SequenceClassification", {"classifier"}),
        ("distilbert", "SequenceClassification", {"pre_classifier", "classifier"}),
        ("electra", "QuestionAnswering", {"qa_outputs"}),
        ("deberta", "SequenceClassification", {"pooler", "classifier"}),
        ("modernbert", "TokenClassification", {"head", "classifier"}),
    ],
)
def test_freeze_all_but_head_trains_the_head_alone(kind: str, head: str, trained: set[str]) -> None:
    from envkit.finetune.freezing import freeze

    model = tiny_model(kind, head)
    freeze(model, "all-but-head")
    for name, weight in model.named_parameters():
        assert weight.requires_grad == any(name.startswith(f"{module}.") for module in trained), name


def test_freeze_more_layers_than_there_are_names_how_many_there_are() -> None:
    from envkit.api import UsageError
    from envkit.finetune.freezing import freeze

    model = tiny_model("bert")
    with pytest.raises(UsageError, match="--freeze is 4, but BertForTokenClassification has 3 layers"):
        freeze(model, "4")
    assert all(weight.requires_grad for weight in model.parameters())


def test_freeze_all_but_head_of_a_model_without_a_head_is_refused() -> None:
    from transformers import DistilBertModel

    from envkit.api import UsageError
    from envkit.finetune.freezing import freeze

    model = DistilBertModel(tiny_model("distilbert").config)
    with pytest.raises(UsageError, match="nothing of DistilBertModel to train"):
        freeze(model, "all-but-head")


def test_trained_reads_as_counts_and_share() -> None:
    from envkit.finetune.freezing import Trained

    assert str(Trained(trained=10_646_784, total=22_713_216)) == "10,646,784 of 22,713,216 weights (46.9%)"
