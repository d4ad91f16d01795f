from __future__ import annotations

import json
import runpy
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from echo import echo_request
from tiny_models import KINDS, LABELS, LAYERS, tiny_batch, tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from transformers import PreTrainedModel

    from envkit.finetune.adapters import Adapters

pytestmark = pytest.mark.torch

ADAPTERS = ("lora", "adalora", "ia3")
STEPS = 6


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return where the model lies that the adapters are for."""
    return tmp_path / "base"


def adapted(kind: str, adapter: str, base: Path, *, rank: int = 4, seed: int = 1) -> Adapters:
    from envkit.finetune.adapters import add_adapters

    model = tiny_model(kind, labels=LABELS)
    model.save_pretrained(base)
    return add_adapters(model, adapter, base=str(base), rank=rank, total_steps=STEPS, seed=seed)


class Trainer:
    """An optimizer of adapters, and the steps that it takes."""

    def __init__(self, adapters: Adapters) -> None:
        from envkit.finetune.optimizer import make_optimizer, parameter_groups

        self.adapters = adapters
        groups = parameter_groups(adapters.model, learning_rate=0.02, weight_decay=0.01)
        self.optimizer = make_optimizer("adamw", groups, dict(adapters.model.named_parameters()))

    def train(self, steps: range) -> None:
        from envkit.finetune.adapters import after_step, penalty

        for step in steps:
            logits = self.adapters.model(**tiny_batch((9, 5, 7), seed=step)).logits
            (logits - 1).square().mean().backward()
            extra = penalty(self.adapters)
            if extra is not None:
                extra.backward()
            self.optimizer.step()
            after_step(self.adapters, step)
            self.optimizer.zero_grad()


def trained(kind: str, adapter: str, base: Path) -> Adapters:
    adapters = adapted(kind, adapter, base)
    Trainer(adapters).train(range(1, STEPS + 1))
    adapters.model.eval()
    return adapters


def logits(model: Any) -> torch.Tensor:
    import torch

    with torch.inference_mode():
        result: torch.Tensor = model(**tiny_batch((9, 5))).logits
    return result


def open_adapter(folder: Path, base: Path) -> Any:
    """Open the folder as its README says a stranger would."""
    import peft
    from transformers import AutoModelForTokenClassification

    model = AutoModelForTokenClassification.from_pretrained(base, num_labels=LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers
        return peft.PeftModel.from_pretrained(model, folder).eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapters_begin_as_no_change_and_train_themselves_and_the_head_alone(
    kind: str, adapter: str, base: Path
) -> None:
    import torch

    before = tiny_model(kind).eval()
    adapters = adapted(kind, adapter, base)
    model: PreTrainedModel = adapters.model
    model.eval()
    assert torch.equal(logits(model), logits(before))
    model.train()
    model(**tiny_batch()).logits.square().sum().backward()
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert any("classifier" in name for name in trained)
    assert all("lora_" in name or "ia3_" in name or "modules_to_save" in name for name in trained)
    assert sum(".2." in name for name in trained) >= 4  # of the last layer, all linear maps


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapters_saved_give_the_very_logits_and_merged_a_plain_model_with_the_same(
    kind: str, adapter: str, base: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.adapters import merge, save_adapter

    adapters = trained(kind, adapter, base)
    expected, plain = logits(adapters.model), tiny_model(kind)
    assert float((expected - logits(plain.eval())).abs().max()) > 1e-2
    save_adapter(adapters, tmp_path / "adapter")
    assert torch.equal(logits(open_adapter(tmp_path / "adapter", base)), expected)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)

    merged = merge(adapters)
    assert set(merged.state_dict()) == set(plain.state_dict())
    assert torch.allclose(logits(merged), expected, rtol=0, atol=1e-5)
    merged.save_pretrained(tmp_path / "merged")
    opened, info = AutoModelForTokenClassification.from_pretrained(
        tmp_path / "merged", output_loading_info=True
    )
    assert opened.config.num_labels == LABELS
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert torch.equal(logits(opened.eval()), logits(merged))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_save_adapter_leaves_a_folder_that_its_card_makes_a_plain_model_of(
    adapter: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.adapters import save_adapter
    from envkit.worker.model_card import read_adapter, render_card

    adapters = adapted("bert", adapter, base)
    adapters.model.config.id2label = dict(enumerate("ABCDE"))
    Trainer(adapters).train(range(1, STEPS + 1))
    adapters.model.eval()
    folder = tmp_path / "adapter"
    save_adapter(adapters, folder)
    assert not (folder / "README.md").exists()
    card = render_card(echo_request(), base_model=str(base), metrics={}, adapter=read_adapter(folder))
    code = card.split("```python")[1].split("```")[0]
    (folder / "open.py").write_text(
        "\n".join(line for line in code.splitlines() if "AutoTokenizer.from" not in line)
    )
    monkeypatch.chdir(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers
        runpy.run_path("open.py")
    opened = AutoModelForTokenClassification.from_pretrained("plain").eval()
    assert opened.config.id2label == dict(enumerate("ABCDE"))
    assert torch.allclose(logits(opened), logits(adapters.model), rtol=0, atol=1e-5)


def test_add_adapters_draws_from_its_seed_alone(base: Path) -> None:
    import torch

    first = adapted("bert", "lora", base, seed=1).model.state_dict()
    torch.rand(3)
    untouched = torch.random.get_rng_state()
    model = tiny_model("bert")
    torch.random.set_rng_state(untouched)
    from envkit.finetune.adapters import add_adapters

    again = add_adapters(model, "lora", base="x/y", rank=4, total_steps=STEPS, seed=1)
    assert torch.equal(torch.random.get_rng_state(), untouched)
    other = adapted("bert", "lora", base, seed=2).model.state_dict()
    assert all(torch.equal(weight, again.model.state_dict()[name]) for name, weight in first.items())
    assert any(not torch.equal(weight, other[name]) for name, weight in first.items())
    assert again.config.base_model_name_or_path == "x/y"


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_add_adapters_leaves_layers_that_are_frozen_alone(adapter: str) -> None:
    from envkit.finetune.adapters import add_adapters
    from envkit.finetune.freezing import freeze

    model = tiny_model("bert")
    freeze(model, "2")
    add_adapters(model, adapter, base="x/y", rank=2, total_steps=STEPS, seed=0)
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    layers = {number for number in range(LAYERS) for name in trained if f"layer.{number}." in name}
    assert layers == {2}


def test_add_adapters_where_all_layers_are_frozen_is_refused() -> None:
    from envkit.api import UsageError
    from envkit.finetune.adapters import add_adapters
    from envkit.finetune.freezing import freeze

    model = tiny_model("bert")
    freeze(model, "all-but-head")
    with pytest.raises(UsageError, match="finds no layer of BertForTokenClassification"):
        add_adapters(model, "lora", base="x/y", rank=2, total_steps=STEPS, seed=0)


@pytest.mark.parametrize("total", [2, 3, 10])
@pytest.mark.parametrize("rank", [1, 8])
def test_adalora_of_few_steps_and_any_rank_ends_with_the_ranks_asked_for(rank: int, total: int) -> None:
    from envkit.finetune.adapters import add_adapters

    model = tiny_model("bert")
    adapters = add_adapters(model, "adalora", base="x/y", rank=rank, total_steps=total, seed=0)
    Trainer(adapters).train(range(1, total + 1))
    kept = [int(w.count_nonzero()) for name, w in model.named_parameters() if "lora_E" in name]
    assert sum(kept) == rank * len(kept)


def test_adalora_of_a_single_step_keeps_the_ranks_it_began_with() -> None:
    from envkit.finetune.adapters import add_adapters

    model = tiny_model("bert")
    adapters = add_adapters(model, "adalora", base="x/y", rank=8, total_steps=1, seed=0)
    Trainer(adapters).train(range(1, 2))
    assert {int(w.count_nonzero()) for name, w in model.named_parameters() if "lora_E" in name} == {12}


def test_adalora_gone_on_from_its_state_ends_with_the_very_weights(base: Path) -> None:
    import copy

    import torch

    from envkit.finetune.adapters import adapter_state, restore_adapter_state

    straight = adapted("bert", "adalora", base)
    Trainer(straight).train(range(1, STEPS + 1))
    for stop in (1, 3, 5):  # before, within and after the steps in which ranks move
        first = adapted("bert", "adalora", base)
        training = Trainer(first)
        training.train(range(1, stop + 1))
        weights = copy.deepcopy(first.model.state_dict())
        state = {name: value.clone() for name, value in adapter_state(first).items()}
        second = adapted("bert", "adalora", base, seed=9)
        second.model.load_state_dict(weights)
        restore_adapter_state(second, state)
        going_on = Trainer(second)
        going_on.optimizer.load_state_dict(copy.deepcopy(training.optimizer.state_dict()))
        going_on.train(range(stop + 1, STEPS + 1))
        for name, weight in straight.model.state_dict().items():
            assert torch.equal(weight, second.model.state_dict()[name]), (stop, name)


def test_penalty_of_adalora_is_that_which_peft_adds_to_a_loss_of_its_own(base: Path) -> None:
    import torch

    from envkit.finetune.adapters import penalty

    adapters = adapted("bert", "adalora", base)
    labels = torch.zeros(2, 7, dtype=torch.long)
    adapters.model.eval()
    with_it = adapters.wrapped.base_model(**tiny_batch(), labels=labels).loss
    without = adapters.model(**tiny_batch(), labels=labels).loss
    extra = penalty(adapters)
    assert extra is not None
    assert float(with_it.detach() - without.detach()) == pytest.approx(float(extra.detach()), rel=1e-5)


def test_add_adapters_without_peft_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from envkit.api import EnvError
    from envkit.finetune.adapters import add_adapters

    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(EnvError, match="needs the package peft") as caught:
        add_adapters(tiny_model("bert"), "lora", base="x/y", rank=2, total_steps=STEPS, seed=0)
    assert caught.value.hint and "pip install" in caught.value.hint


def test_lora_gradients_are_those_of_the_weights_it_stands_for(base: Path) -> None:
    """By the chain rule: of W + s B A, B has the gradient s G A^T and A has s B^T G, with G that of W."""
    import torch

    adapters = trained("bert", "lora", base)
    model = adapters.model.double()
    model(**tiny_batch()).logits.square().sum().backward()
    merged = tiny_model("bert").double()
    scale = adapters.config.lora_alpha / adapters.config.r
    module = "bert.encoder.layer.0.output.dense"
    with torch.no_grad():
        for name, part in model.named_modules():
            if hasattr(part, "lora_A"):
                weight = (
                    part.base_layer.weight + scale * part.lora_B.default.weight @ part.lora_A.default.weight
                )
                merged.get_submodule(name).weight.copy_(weight)
        merged.classifier.load_state_dict(model.classifier.modules_to_save.default.state_dict())
    merged.eval()(**tiny_batch()).logits.square().sum().backward()
    whole = merged.get_submodule(module).weight.grad
    part = model.get_submodule(module)
    low, high = part.lora_A.default.weight, part.lora_B.default.weight
    assert torch.allclose(high.grad, scale * whole @ low.detach().T, rtol=1e-6, atol=1e-12)
    assert torch.allclose(low.grad, scale * high.detach().T @ whole, rtol=1e-6, atol=1e-12)
