from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, MachineError, Request, Run, RunFailed, UsageError
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
    typed = NerOptions(**{"device": "cpu", "precision": "float32", **options})
    data = envkit_read(Request(options=typed, report=record))
    run = Run(
        options=typed,
        data=data,
        run_dir=folder,
        model_dir=model_dir,
        report=record,
        should_stop=stop,
        headline="entity_f1",
    )
    return envkit_finetune(run), model_dir


def score_saved(model_dir: Path, record: Record, *, tokens: int | None = None) -> Any:
    """Score the model in this folder on the sample's dev data, as the loop does."""
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_tokenizer
    from envkit_ner.examples import make_examples
    from envkit_ner.tokens import WordPieces
    from envkit_ner.train import Setup, evaluate

    model = AutoModelForTokenClassification.from_pretrained(model_dir)
    tokenizer = load_tokenizer(model_dir)
    dev = envkit_read(Request(options=NerOptions(), report=record)).dev
    examples = make_examples(
        dev, WordPieces(tokenizer), file="dev", label_numbers=model.config.label2id, window=64
    )
    return evaluate(model, Setup(model, tokenizer, [], examples, []), examples, dev, tokens=tokens)


def test_finetune_of_a_tiny_model_learns_reports_and_saves_a_model_that_opens(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import AutoModelForTokenClassification, pipeline

    result, model_dir = start(
        record, tmp_path, model=str(tiny_model), epochs=4, learning_rate=5e-3, batch_size=16
    )
    assert record.plans == [(120, 4.0)]
    assert [step for step, *_ in record.steps] == list(range(1, 121))
    assert record.steps[-1][1] < record.steps[0][1] / 3
    assert [step for step, _ in record.scores] == [30, 60, 90, 120]
    assert list(dict.fromkeys(record.phases)) == ["load", "train", "evaluate", "save"]
    best = max(values["dev/entity_f1"] for _, values in record.scores)
    assert result.metrics["dev/entity_f1"] == best > 0.3
    assert result.metrics["test/support"] == 230
    assert [table.kind for table in result.tables] == ["scores", "scores", "errors"] * 2
    assert {split: len(found) for split, found in result.predictions.items()} == {"dev": 120, "test": 120}
    wrong = sum(not found.is_right for found in result.predictions["test"])
    assert 0 < wrong < 120
    model = AutoModelForTokenClassification.from_pretrained(model_dir)
    assert set(model.config.label2id) == {"O"} | {
        f"{p}-{t}" for p in "BI" for t in ("LOC", "MISC", "ORG", "PER")
    }
    find = pipeline("token-classification", model=str(model_dir), aggregation_strategy="simple")
    found = find("Rose Field , who runs Granite Motors , lives in Bergen .")
    assert {entity["entity_group"] for entity in found} <= {"LOC", "MISC", "ORG", "PER"}
    assert found


def test_finetune_saves_the_state_that_dev_chose_and_scores_what_it_saved(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    result, model_dir = start(record, tmp_path, model=str(tiny_model), epochs=3, learning_rate=8e-3)
    scores = [score_saved(model_dir, record, tokens=tokens).entity_f1 for tokens in (64, 1000, 10**6)]
    assert scores == [result.metrics["dev/entity_f1"]] * 3
    assert max(values["dev/entity_f1"] for _, values in record.scores) == scores[0] > 0
    low, high = result.intervals["dev/entity_f1"]
    assert low < scores[0] < high
    assert "envkit-ner" in result.scorer


def test_finetune_in_bfloat16_saves_float32_and_scores_what_it_saved(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from safetensors.torch import load_file

    result, model_dir = start(
        record, tmp_path, model=str(tiny_model), epochs=2, learning_rate=8e-3, precision="bfloat16"
    )
    assert {str(weight.dtype) for weight in load_file(model_dir / "model.safetensors").values()} == {
        "torch.float32"
    }
    assert score_saved(model_dir, record).entity_f1 == result.metrics["dev/entity_f1"] > 0


@pytest.mark.parametrize("options", [{}, {"merge": True}])
def test_finetune_of_an_adapter_saves_it_or_the_merged_model(
    tiny_model: Path, tmp_path: Path, record: Record, options: dict[str, Any]
) -> None:
    result, model_dir = start(
        record, tmp_path, model=str(tiny_model), peft="lora", epochs=2, learning_rate=0.02, **options
    )
    assert (model_dir / "adapter_config.json").exists() == (not options)
    assert (model_dir / "model.safetensors").exists() == bool(options)
    if options:
        assert score_saved(model_dir, record).entity_f1 == result.metrics["dev/entity_f1"]
    assert any("weights" in text for text in record.said if text.startswith("Training"))


def test_finetune_with_document_context_scores_every_word(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from envkit_ner.read import SAMPLE_DIR

    files = {}
    for split in ("train", "dev", "test"):
        parts = (SAMPLE_DIR / f"{split}.conll").read_text(encoding="utf-8").strip().split("\n\n")
        marked = ["-DOCSTART-\tO\n\n" * (number % 6 == 0) + part for number, part in enumerate(parts)]
        files[split] = tmp_path / f"{split}.conll"
        files[split].write_text("\n\n".join(marked) + "\n", encoding="utf-8")
    alone, _ = start(record, tmp_path / "a", model=str(tiny_model), max_steps=4, **files)
    together, _ = start(
        record, tmp_path / "b", model=str(tiny_model), max_steps=4, context="document", **files
    )
    for split in ("dev", "test"):
        assert together.metrics[f"{split}/support"] == alone.metrics[f"{split}/support"]


def test_finetune_with_document_context_of_a_file_without_documents_is_refused(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    with pytest.raises(DataError, match="not divided into documents"):
        start(record, tmp_path, model=str(tiny_model), context="document")


def test_finetune_first_step_is_the_mean_over_its_labelled_words(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    import json
    import shutil

    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model, load_tokenizer
    from envkit.finetune.seeds import set_seeds
    from envkit_ner.examples import make_examples
    from envkit_ner.tokens import WordPieces

    folder = tmp_path / "without-dropout"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))

    start(record, tmp_path, model=str(folder), max_steps=1, batch_size=10**6, seed=5)

    set_seeds(5)
    data = envkit_read(Request(options=NerOptions(), report=record))
    device = torch.device("cpu")
    model = load_model(
        folder, AutoModelForTokenClassification, labels=data.labels, device=device, report=record
    ).double()
    numbers = model.config.label2id
    examples = make_examples(
        data.train, WordPieces(load_tokenizer(folder)), file="train", label_numbers=numbers, window=64
    )
    losses = []
    for example in examples:  # one by one: no padding, no batch
        with torch.no_grad():
            chances = model(input_ids=torch.tensor([example.pieces])).logits[0].log_softmax(-1)
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
