"""A training stopped, written to files and gone on from them: the same to the last bit."""

from __future__ import annotations

import pickle
import random
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import EnvkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import torch

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def unpickled_nothing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail where anything is unpickled."""
    import torch

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was unpickled")

    class NoUnpickler(pickle.Unpickler):  # a class still: torch has subclasses of it
        load = refuse

    monkeypatch.setattr(pickle, "Unpickler", NoUnpickler)
    for module, name in ((torch, "load"), (pickle, "load"), (pickle, "loads")):
        monkeypatch.setattr(module, name, refuse)
    yield


@dataclass
class Training:
    """A model, its optimizer, and random data that come from every generator."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer

    def train(self, steps: int) -> None:
        """Take steps, each on other random numbers, with dropout."""
        import numpy
        import torch

        for _ in range(steps):
            rows = torch.randn(4, 8) + random.gauss(0.0, 1.0) + float(numpy.random.standard_normal())
            loss = self.model(rows).square().mean()
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()

    def save(self, folder: Path) -> None:
        """Write all of it into a folder."""
        from envkit.finetune.state import Part, changing_weights, optimizer_state, random_state, save_parts

        folder.mkdir()
        save_parts(
            folder,
            {
                "model": Part(tensors=changing_weights(self.model)),
                "optimizer": optimizer_state(self.optimizer, dict(self.model.named_parameters())),
                "random": random_state(),
            },
        )

    def load(self, folder: Path) -> None:
        """Read all of it from a folder."""
        from envkit.finetune.state import (
            changing_weights,
            load_parts,
            set_optimizer_state,
            set_random_state,
            set_tensors,
        )

        parts = load_parts(folder)
        set_tensors(changing_weights(self.model), parts["model"].tensors, file=folder / "model.safetensors")
        set_optimizer_state(
            self.optimizer,
            dict(self.model.named_parameters()),
            parts["optimizer"],
            file=folder / "optimizer.safetensors",
        )
        set_random_state(parts["random"])

    def weights(self) -> dict[str, torch.Tensor]:
        """Return copies of all weights and buffers."""
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}


def make_model(*, is_tied: bool = False, dtype: str = "float32") -> torch.nn.Module:
    """Return a small model with dropout, buffers that change, and a frozen weight."""
    import torch

    model = torch.nn.Sequential(
        torch.nn.Linear(8, 8),
        torch.nn.BatchNorm1d(8),
        torch.nn.Dropout(0.3),
        torch.nn.Linear(8, 8),
        torch.nn.Linear(8, 8),
    )
    if is_tied:
        model[4].weight = model[0].weight
    model[3].bias.requires_grad_(False)
    return model.to(getattr(torch, dtype))


def _optimizers() -> dict[str, Callable[[Any], Any]]:
    import torch
    from transformers.optimization import Adafactor

    def groups(model: torch.nn.Module) -> list[dict[str, Any]]:
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        return [
            {"params": [weight for weight in trained if weight.dim() > 1], "weight_decay": 0.01},
            {"params": [weight for weight in trained if weight.dim() == 1], "weight_decay": 0.0},
        ]

    return {
        "adamw fused": lambda model: torch.optim.AdamW(groups(model), lr=1e-2, fused=True),
        "adamw amsgrad": lambda model: torch.optim.AdamW(groups(model), lr=1e-2, amsgrad=True),
        "sgd momentum": lambda model: torch.optim.SGD(groups(model), lr=1e-2, momentum=0.9),
        "sgd": lambda model: torch.optim.SGD(groups(model), lr=1e-2),
        "torch's adafactor": lambda model: torch.optim.Adafactor(groups(model), lr=1e-2),
        "transformers' adafactor": lambda model: Adafactor(
            groups(model), lr=1e-2, scale_parameter=True, relative_step=False, beta1=0.9
        ),
    }


def make_training(optimizer: str, *, seed: int, **model: Any) -> Training:
    """Return a training that begins at the seed."""
    from envkit.finetune.seeds import set_seeds

    set_seeds(seed)
    made: torch.nn.Module = make_model(**model)
    return Training(made, _optimizers()[optimizer](made))


OPTIMIZERS = [
    "adamw fused",
    "adamw amsgrad",
    "sgd momentum",
    "sgd",
    "torch's adafactor",
    "transformers' adafactor",
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("is_tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("taken", [0, 1, 5])
def test_training_gone_on_from_files_ends_with_the_same_bits(
    tmp_path: Path, optimizer: str, is_tied: bool, taken: int
) -> None:
    straight = make_training(optimizer, seed=1, is_tied=is_tied)
    straight.train(taken)
    straight.save(tmp_path / "state")
    straight.train(4)

    resumed = make_training(optimizer, seed=1, is_tied=is_tied)
    # Everything stands elsewhere, but for the frozen weight, which no file holds.
    resumed.train(3)
    resumed.load(tmp_path / "state")
    resumed.train(4)

    expected = straight.weights()
    for name, tensor in resumed.weights().items():
        assert tensor.equal(expected[name]), name


def test_training_in_bfloat16_with_a_float32_memory_ends_with_the_same_bits(tmp_path: Path) -> None:
    optimizer = "transformers' adafactor"
    straight = make_training(optimizer, seed=1)
    _to_bfloat16(straight)
    straight.save(tmp_path / "state")
    expected = _memory(straight)
    assert {str(tensor.dtype) for tensor in expected.values()} >= {"torch.float32"}

    resumed = make_training(optimizer, seed=1)
    _to_bfloat16(resumed)
    resumed.load(tmp_path / "state")

    found = _memory(resumed)
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert tensor.dtype == expected[name].dtype
        assert tensor.equal(expected[name]), name


def _to_bfloat16(training: Training) -> None:
    import torch

    training.train(2)
    for weight in training.model.parameters():
        weight.data = weight.data.to(torch.bfloat16)


def _memory(training: Training) -> dict[str, torch.Tensor]:
    import torch

    names = {id(weight): name for name, weight in training.model.named_parameters()}
    return {
        f"{key}/{names[id(weight)]}": value.clone()
        for weight, remembered in training.optimizer.state.items()
        for key, value in remembered.items()
        if isinstance(value, torch.Tensor)
    }


def test_optimizer_state_restored_leaves_what_the_groups_are_told(tmp_path: Path) -> None:
    before = make_training("adamw fused", seed=1)
    before.train(1)
    before.save(tmp_path / "state")
    after = make_training("adamw fused", seed=1)
    after.optimizer.param_groups[0]["lr"] = 0.1 + 0.2  # of other options, which a user has forced

    after.load(tmp_path / "state")

    first, second = after.optimizer.param_groups
    assert (first["lr"], second["lr"]) == (0.1 + 0.2, 1e-2)
    assert first["betas"] == (0.9, 0.999)


def test_optimizer_state_restored_is_a_copy(tmp_path: Path) -> None:
    from envkit.finetune.state import optimizer_state, set_optimizer_state

    before = make_training("sgd momentum", seed=1)
    before.train(1)
    kept = _memory(before)
    part = optimizer_state(before.optimizer, dict(before.model.named_parameters()))
    after = make_training("sgd momentum", seed=1)
    set_optimizer_state(after.optimizer, dict(after.model.named_parameters()), part, file=tmp_path)

    after.train(2)

    assert all(tensor.equal(kept[name]) for name, tensor in _memory(before).items())


def test_random_state_restored_gives_every_generator_its_next_numbers(tmp_path: Path) -> None:
    import numpy
    import torch

    from envkit.finetune.state import load_parts, random_state, save_parts, set_random_state

    def draw() -> list[float]:
        return [
            random.random(),
            random.gauss(0.0, 1.0),
            float(numpy.random.random()),
            float(numpy.random.standard_normal()),
            float(torch.rand(())),
            *torch.randn(17).tolist(),
        ]

    draw()  # each of the three keeps the second of a pair of normal numbers
    save_parts(tmp_path, {"random": random_state()})
    expected = draw()
    for _ in range(3):
        draw()

    set_random_state(load_parts(tmp_path)["random"])

    assert draw() == expected


def test_random_state_where_there_is_a_gpu_gives_its_next_numbers(tmp_path: Path) -> None:
    import torch

    from envkit.finetune.state import load_parts, random_state, save_parts, set_random_state

    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
    if device is None:
        pytest.skip("there is no GPU")
    torch.rand(3, device=device)
    save_parts(tmp_path, {"random": random_state()})
    expected = torch.rand(3, device=device).tolist()

    set_random_state(load_parts(tmp_path)["random"])

    assert torch.rand(3, device=device).tolist() == expected


def test_changing_weights_are_the_trained_ones_and_the_buffers() -> None:
    from envkit.finetune.state import changing_weights

    names = set(changing_weights(make_model(is_tied=True)))

    assert names == {
        *("0.weight", "0.bias", "3.weight", "4.bias"),  # 3.bias is frozen, 4.weight is 0.weight
        *("1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"),
    }


def test_describe_model_changes_with_any_weight_and_with_the_configuration() -> None:
    import tiny_loop
    import torch

    from envkit.finetune.seeds import set_seeds
    from envkit.finetune.state import describe_model

    def make(**options: Any) -> Any:
        set_seeds(1)
        return tiny_loop.make_model(**options)

    model = make()
    assert describe_model(model) == describe_model(make())
    assert describe_model(model) != describe_model(make(dropout=0.2))
    model.config._name_or_path = "/moved"
    assert describe_model(model) == describe_model(make())
    with torch.no_grad():
        model.get_parameter("classifier.bias")[0] += 1
    assert describe_model(model) != describe_model(make())


def test_save_tensors_of_views_and_shared_memory_writes_each_whole(tmp_path: Path) -> None:
    import torch

    from envkit.finetune.state import load_tensors, save_tensors

    memory = torch.arange(12.0)
    tensors = {
        "all": memory,
        "again": memory.view(3, 4),
        "half": memory[:6],
        "turned": memory.view(3, 4).t(),
        "spread": torch.ones(1).expand(5),
        "number": torch.tensor(3),
        "none": torch.empty(0, 4),
        "none either": torch.empty(0),
    }

    save_tensors(tmp_path / "x.safetensors", tensors)

    loaded = load_tensors(tmp_path / "x.safetensors")
    assert loaded.keys() == tensors.keys()
    for name, tensor in loaded.items():
        assert tensor.dtype == tensors[name].dtype
        assert tensor.shape == tensors[name].shape
        assert tensor.equal(tensors[name])


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), {1: "a"}, b"bytes", {1, 2}])
def test_save_parts_of_what_json_would_change_is_refused(tmp_path: Path, value: Any) -> None:
    from envkit.finetune.state import Part, save_parts

    with pytest.raises((ValueError, TypeError)):
        save_parts(tmp_path, {"loop": Part(values={"best": value})})


def test_save_parts_of_plain_values_gives_them_back(tmp_path: Path) -> None:
    from envkit.finetune.state import Part, load_parts, save_parts

    values = {"step": 2**53 + 1, "best": 0.1 + 0.2, "metric": None, "order": (3, 1, 2), "is_done": False}

    save_parts(tmp_path, {"loop": Part(values=values), "rest": Part()})

    parts = load_parts(tmp_path)
    assert parts["loop"].values == {**values, "order": [3, 1, 2]}
    assert parts["rest"].values is None
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_save_tensors_beyond_what_the_disk_takes_raises_os_error(tmp_path: Path) -> None:
    import signal

    import torch

    from envkit.finetune.state import save_tensors

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=r"x\.safetensors") as raised:
            save_tensors(tmp_path / "x.safetensors", {"x": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert raised.value.errno


def _without_last(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensors[name] for name in list(tensors)[:-1]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_last, "has no 1.num_batches_tracked"),
        (lambda tensors: {**tensors, "5.weight": tensors["0.weight"]}, "has 5.weight, which is not trained"),
        (
            lambda tensors: {**tensors, "0.weight": tensors["0.weight"][:4]},
            r"0.weight as float32 \[4, 8\], expected float32 \[8, 8\]",
        ),
        (
            lambda tensors: {**tensors, "0.weight": tensors["0.weight"].double()},
            r"0.weight as float64 \[8, 8\], expected float32",
        ),
    ],
)
def test_set_tensors_that_do_not_fit_names_file_and_weight_and_changes_nothing(
    tmp_path: Path, change: Callable[[Any], Any], said: str
) -> None:
    from envkit.finetune.state import changing_weights, set_tensors

    model = make_model()
    before = {name: tensor.clone() for name, tensor in changing_weights(model).items()}
    others = {name: tensor + 1 for name, tensor in before.items()}

    with pytest.raises(EnvkitError, match=said) as raised:
        set_tensors(changing_weights(model), change(others), file=tmp_path / "model.safetensors")

    assert "model.safetensors" in raised.value.message
    assert all(tensor.equal(before[name]) for name, tensor in changing_weights(model).items())


def test_set_optimizer_state_of_another_optimizer_or_model_is_refused(tmp_path: Path) -> None:
    from envkit.finetune.state import optimizer_state, set_optimizer_state

    adamw, sgd = make_training("adamw fused", seed=1), make_training("sgd", seed=1)
    tied = make_training("adamw fused", seed=1, is_tied=True)
    part = optimizer_state(adamw.optimizer, dict(adamw.model.named_parameters()))

    for other, said in ((sgd, "of the optimizer AdamW, expected SGD"), (tied, "in other groups")):
        with pytest.raises(EnvkitError, match=said):
            set_optimizer_state(
                other.optimizer, dict(other.model.named_parameters()), part, file=tmp_path / "o.safetensors"
            )


@pytest.mark.parametrize("name", ["state.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 100, None], ids=["empty", "brace", "ones", "gone"])
def test_load_parts_of_a_damaged_file_names_it(tmp_path: Path, name: str, content: bytes | None) -> None:
    from envkit.finetune.state import load_parts, load_tensors

    training = make_training("sgd", seed=1)
    training.save(tmp_path / "state")
    file = tmp_path / "state" / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)

    with pytest.raises(EnvkitError, match=name):
        if content is None and name != "state.json":
            load_tensors(file)
        else:
            load_parts(tmp_path / "state")
