from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import MachineError, Request, Run, RunFailed, UsageError
from envkit_ner.plugin import NerOptions, envkit_finetune, envkit_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Record

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute tiny models on one thread: on two, they would wait for each other most of the time."""
    import torch

    threads = torch.get_num_threads()
    if "tiny_model" in request.fixturenames:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start(
    record: Record, folder: Path, stop: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[Any, Path]:
    """Read and fine-tune as the worker does; return the result and the model's folder."""
    model_dir = folder / "model"
    model_dir.mkdir(parents=True)
    typed = NerOptions(**{"device": "cpu", **options})
    data = envkit_read(Request(options=typed, report=record))
    run = Run(options=typed, data=data, run_dir=folder, model_dir=model_dir, report=record, should_stop=stop)
    return envkit_finetune(run), model_dir


def test_finetune_of_a_tiny_model_learns_reports_and_saves_a_model_that_opens(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import AutoModelForTokenClassification, pipeline

    result, model_dir = start(record, tmp_path, model=str(tiny_model), epochs=4, learning_rate=5e-3)
    assert record.plans == [(120, 4.0)]
    assert [step for step, *_ in record.steps] == list(range(1, 121))
    assert record.steps[-1][1] < record.steps[0][1] / 3
    assert [step for step, _ in record.scores] == [30, 60, 90, 120, 120]
    assert list(dict.fromkeys(record.phases)) == ["load", "train", "evaluate", "save"]
    best = max(values["dev/entity_f1"] for _, values in record.scores[:-1])
    assert result.metrics["dev/entity_f1"] == best > 0.3
    assert result.metrics["test/support"] == 230
    assert len(result.tables) == 4
    model = AutoModelForTokenClassification.from_pretrained(model_dir)
    assert set(model.config.label2id) == {"O"} | {
        f"{p}-{t}" for p in "BI" for t in ("LOC", "MISC", "ORG", "PER")
    }
    find = pipeline("token-classification", model=str(model_dir), aggregation_strategy="simple")
    found = find("Rose Field , who runs Granite Motors , lives in Bergen .")
    assert {entity["entity_group"] for entity in found} <= {"LOC", "MISC", "ORG", "PER"}
    assert found


def test_finetune_saves_the_state_that_dev_chose(tiny_model: Path, tmp_path: Path, record: Record) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_tokenizer
    from envkit_ner.tokens import WordPieces, make_examples
    from envkit_ner.train import Setup, evaluate

    result, model_dir = start(record, tmp_path, model=str(tiny_model), epochs=3, learning_rate=8e-3)
    model = AutoModelForTokenClassification.from_pretrained(model_dir)
    tokenizer = load_tokenizer(model_dir)
    dev = envkit_read(Request(options=NerOptions(), report=record)).dev
    examples = make_examples(dev, WordPieces(tokenizer), label_numbers=model.config.label2id, window=64)
    setup = Setup(model, tokenizer, [], examples, [])
    scores = [evaluate(setup, examples, dev, tokens=tokens) for tokens in (64, 1000, 10**6)]
    assert [score.entity_f1 for score in scores] == [result.metrics["dev/entity_f1"]] * 3
    assert model.dtype == torch.float32


def test_finetune_whose_last_epoch_is_not_the_best_goes_back_to_the_best(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_tokenizer
    from envkit_ner.tokens import WordPieces, make_examples
    from envkit_ner.train import Setup, evaluate

    # At a rate this high a later epoch often loses what an earlier one had found; which seeds do so
    # depends on the processor's rounding.
    for seed in range(20):
        record.scores.clear()
        result, model_dir = start(
            record, tmp_path / str(seed), model=str(tiny_model), epochs=4, learning_rate=0.01, seed=seed
        )
        scores = [values["dev/entity_f1"] for _, values in record.scores if "dev/entity_f1" in values]
        if max(scores) > scores[-1]:
            break
    else:
        pytest.fail("with no seed was the last epoch worse than another: nothing to go back to")

    model = AutoModelForTokenClassification.from_pretrained(model_dir)
    tokenizer = load_tokenizer(model_dir)
    dev = envkit_read(Request(options=NerOptions(), report=record)).dev
    examples = make_examples(dev, WordPieces(tokenizer), label_numbers=model.config.label2id, window=64)
    found = evaluate(Setup(model, tokenizer, [], examples, []), examples, dev)

    assert found.entity_f1 == result.metrics["dev/entity_f1"] == max(scores)
    assert any("the best on dev" in text for text in record.said)


def test_finetune_first_step_is_the_mean_over_its_labelled_words(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    import json
    import shutil

    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model, load_tokenizer
    from envkit.finetune.seeds import set_seeds
    from envkit_ner.tokens import WordPieces, make_batch, make_examples, shuffled_batches

    folder = tmp_path / "without-dropout"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))

    start(record, tmp_path, model=str(folder), max_steps=1, batch_size=8, seed=5)

    set_seeds(5)
    data = envkit_read(Request(options=NerOptions(), report=record))
    model = load_model(
        folder,
        AutoModelForTokenClassification,
        labels=data.labels,
        device=torch.device("cpu"),
        report=record,
    ).double()
    tokenizer = load_tokenizer(folder)
    numbers = model.config.label2id
    examples = make_examples(data.train, WordPieces(tokenizer), label_numbers=numbers, window=64)
    first = next(shuffled_batches(examples, 8, generator=torch.Generator().manual_seed(5)))
    losses = []
    for example in first:  # one by one: no padding, no batch
        batch = make_batch([example], pad=0, device=torch.device("cpu"))
        with torch.no_grad():
            chances = model(input_ids=batch.pieces).logits[0].log_softmax(-1)
        losses += [
            -chances[place, label].item() for place, label in zip(example.places, example.labels, strict=True)
        ]
    ((_, loss, *_),) = record.steps
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_finetune_same_seed_gives_the_same_and_another_another(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        start(record, tmp_path / name, model=str(tiny_model), max_steps=3, seed=seed)
    losses = [loss for _, loss, *_ in record.steps]
    assert losses[:3] == losses[3:6] != losses[6:]


def test_finetune_told_to_stop_saves_what_it_has_at_once(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    result, model_dir = start(
        record, tmp_path, stop=lambda: len(record.steps) == 2, model=str(tiny_model), epochs=2
    )
    assert len(record.steps) == 2
    assert record.scores == []
    assert result.metrics == {}
    assert (model_dir / "model.safetensors").is_file()
    assert (model_dir / "tokenizer.json").is_file()


def test_finetune_in_small_windows_tags_every_word(tiny_model: Path, tmp_path: Path, record: Record) -> None:
    result, _ = start(record, tmp_path, model=str(tiny_model), window=8, max_steps=2)
    assert result.metrics["dev/support"] == 252
    assert result.metrics["test/support"] == 230


def test_finetune_steps_end_at_the_lesser_of_epochs_and_max_steps(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    start(record, tmp_path / "a", model=str(tiny_model), epochs=1, max_steps=1000, batch_size=240)
    start(record, tmp_path / "b", model=str(tiny_model), epochs=9, max_steps=3, batch_size=240)
    assert record.plans == [(2, 1.0), (3, 1.5)]
    assert [step for step, *_ in record.steps] == [1, 2, 1, 2, 3]


def test_finetune_where_the_model_cannot_read_the_script_warns_of_the_share(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    file = tmp_path / "thai.txt"
    file.write_text("ฉัน O\nรัก O\nกรุงเทพ B-LOC\nAda B-PER\n\n" * 20, encoding="utf-8")
    start(record, tmp_path / "run", model=str(tiny_model), train=file, max_steps=1)
    (warning,) = record.warned
    assert warning.startswith("75% of the words are unknown")
    assert "--model" in warning


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"window": 65}, UsageError, "--window is 65, but .* reads at most 64"),
        ({"device": "cuda:9"}, MachineError, "cuda:9 cannot be used"),
        ({"learning_rate": 1e30}, RunFailed, "the loss became"),
    ],
)
def test_finetune_that_cannot_work_says_why(
    tiny_model: Path,
    tmp_path: Path,
    record: Record,
    options: dict[str, Any],
    error: type[Exception],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem):
        start(record, tmp_path, model=str(tiny_model), **options)


def test_summed_loss_of_one_batch_is_that_of_its_parts(tiny_model: Path, record: Record) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model, load_tokenizer
    from envkit_ner.tokens import WordPieces, make_batch, make_examples
    from envkit_ner.train import summed_loss

    data = envkit_read(Request(options=NerOptions(), report=record))
    device = torch.device("cpu")
    model: Any = load_model(
        tiny_model, AutoModelForTokenClassification, labels=data.labels, device=device, report=record
    )
    model.eval().double()
    tokenizer = load_tokenizer(tiny_model)
    numbers = model.config.label2id
    examples = make_examples(data.train[:8], WordPieces(tokenizer), label_numbers=numbers, window=64)

    def gradient(parts: list[list[Any]]) -> torch.Tensor:
        model.zero_grad()
        items = sum(len(example.labels) for part in parts for example in part)
        for part in parts:
            (summed_loss(model, make_batch(part, pad=0, device=device)) / items).backward()
        return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])

    whole = gradient([examples])
    # The head's logits are made float before the loss, so single precision bounds the agreement.
    assert torch.allclose(gradient([[example] for example in examples]), whole, atol=1e-6)
    assert torch.allclose(gradient([examples[:3], examples[3:]]), whole, atol=1e-6)


@pytest.mark.parametrize(
    ("steps", "warmup", "factors"),
    [
        (4, 0.0, [1, 0.75, 0.5, 0.25]),
        (4, 0.5, [1 / 3, 2 / 3, 1, 0.5]),
        (2, 1.0, [1 / 3, 2 / 3]),
        (1, 0.1, [1]),
    ],
)
def test_make_schedule_rises_and_falls_and_wastes_no_step(
    steps: int, warmup: float, factors: list[float]
) -> None:
    import torch

    from envkit_ner.train import make_schedule

    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make_schedule(optimizer, steps=steps, warmup=warmup)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert found == pytest.approx(factors)


def test_make_optimizer_decays_matrices_alone(tiny_model: Path) -> None:
    from transformers import AutoModel

    from envkit_ner.train import make_optimizer

    model: Any = AutoModel.from_pretrained(tiny_model)
    decayed, spared = make_optimizer(model, NerOptions(weight_decay=0.3)).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0.0)
    assert {weight.ndim for weight in decayed["params"]} == {2}
    assert {weight.ndim for weight in spared["params"]} == {1}
    assert len(decayed["params"]) + len(spared["params"]) == len(list(model.parameters()))


@pytest.mark.slow
def test_finetune_of_the_default_model_learns_the_sample(tmp_path: Path, record: Record) -> None:
    result, _ = start(record, tmp_path)
    assert 0.9 < result.metrics["dev/entity_f1"] < 1
    assert result.metrics["test/entity_f1"] > 0.9


@pytest.mark.slow
def test_finetune_of_the_default_model_reaches_080_on_conll2003_in_300_steps(
    tmp_path: Path, record: Record, conll2003: Path
) -> None:
    result, _ = start(record, tmp_path, data=conll2003, max_steps=300, batch_size=16, learning_rate=3e-4)
    assert result.metrics["dev/entity_f1"] >= 0.80
    assert result.metrics["dev/support"] == 5942
    assert result.metrics["test/support"] == 5648
