from __future__ import annotations

import pytest
from tiny_models import KINDS, LAYERS, tiny_model

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("kind", KINDS)
def test_read_structure_counts_the_layers_and_finds_the_head(kind: str) -> None:
    from envkit.finetune.structure import read_structure

    model = tiny_model(kind)
    structure = read_structure(model)
    assert len(structure.layers) == LAYERS
    assert all(model.get_submodule(name) for name in structure.layers)
    assert "classifier" in structure.head


@pytest.mark.parametrize("kind", KINDS)
def test_structure_depth_grows_from_the_embeddings_to_the_head(kind: str) -> None:
    from envkit.finetune.structure import read_structure

    model = tiny_model(kind)
    structure = read_structure(model)
    depths = {name: structure.depth(name) for name, _ in model.named_parameters()}
    assert set(depths.values()) == set(range(LAYERS + 2))
    embeddings = model.get_input_embeddings().weight
    assert [depths[name] for name, weight in model.named_parameters() if weight is embeddings] == [0]
    assert depths["classifier.weight"] == LAYERS + 1
    for number, layer in enumerate(structure.layers, start=1):
        assert {depths[f"{layer}.{name}"] for name, _ in model.get_submodule(layer).named_parameters()} == {
            number
        }


@pytest.mark.parametrize(
    ("kind", "weight", "depth"),
    [
        ("electra", "electra.embeddings_project.weight", 0),
        ("deberta", "deberta.encoder.rel_embeddings.weight", LAYERS + 1),
        ("modernbert", "model.final_norm.weight", LAYERS + 1),
        ("modernbert", "head.dense.weight", LAYERS + 1),
    ],
)
def test_structure_depth_of_what_stands_beside_the_layers(kind: str, weight: str, depth: int) -> None:
    from envkit.finetune.structure import read_structure

    model = tiny_model(kind)
    assert weight in dict(model.named_parameters())
    assert read_structure(model).depth(weight) == depth


def test_read_structure_counts_a_pooler_as_the_head() -> None:
    from envkit.finetune.structure import read_structure

    structure = read_structure(tiny_model("bert", "SequenceClassification"))
    assert structure.is_head("bert.pooler.dense.weight")
    assert not structure.is_head("bert.encoder.layer.2.output.dense.weight")


def test_read_structure_without_layers_is_refused_with_what_to_leave_out() -> None:
    from torch import nn
    from transformers import BertConfig, PreTrainedModel

    from envkit.api import UsageError
    from envkit.finetune.structure import read_structure

    class Flat(PreTrainedModel):
        config_class = BertConfig

        def __init__(self, config: BertConfig) -> None:
            super().__init__(config)
            self.embeddings = nn.Embedding(4, 4)

    with pytest.raises(UsageError, match="no list of layers") as caught:
        read_structure(Flat(BertConfig()))
    assert caught.value.hint and "--freeze" in caught.value.hint
