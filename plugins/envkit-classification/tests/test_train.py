from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Inputs, PredictorRequest, Request, Run, UsageError
from envkit_classification.plugin import (
    ClassificationOptions,
    envkit_finetune,
    envkit_predictor,
    envkit_read,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Record

    from envkit.api import Prediction, Result

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_classification" / "sample"

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute tiny models on one thread: on two, they would wait for each other most of the time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start(
    record: Record, folder: Path, stop: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[Result, Any]:
    """Read and fine-tune as the worker does; return the result and what asks for a predictor of the model."""
    model_dir = folder / "run" / "model"
    model_dir.mkdir(parents=True)
    usual = {"device": "cpu", "precision": "float32", "learning_rate": 5e-3, "batch_size": 16}
    typed = ClassificationOptions(**{**usual, **options})
    run = Run(
        options=typed,
        data=envkit_read(Request(options=typed, report=record)),
        run_dir=model_dir.parent,
        model_dir=model_dir,
        report=record,
        should_stop=stop,
        headline="accuracy",
    )
    result = envkit_finetune(run)
    used = PredictorRequest(model_dir=model_dir, options=typed, report=record, decoding=result.decoding)
    return result, used


def write_several(folder: Path) -> Path:
    """Write texts that have each a label for each of its telling words; none has the label d in dev."""
    words = {"apple": "a", "bread": "b", "cheese": "c"}
    for split, count in (("train", 120), ("dev", 40)):
        lines = []
        for number in range(count):
            there = [word for place, word in enumerate(words) if number >> place & 1]
            labels = [words[word] for word in there] + ["d"] * (split == "train" and number % 9 == 0)
            text = f"message {number} about {' and '.join(there) or 'nothing'}"
            lines.append(f'{{"id": {number}, "text": "{text}", "labels": {labels}}}'.replace("'", '"'))
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_pairs(folder: Path) -> Path:
    for split, count in (("train", 80), ("dev", 20)):
        rows = [
            f"I bought a lamp {n},{('lamp' if n % 2 else 'drill')} {n},{'yn'[n % 2]}\n" for n in range(count)
        ]
        (folder / f"{split}.csv").write_text("sentence1,sentence2,label\n" + "".join(rows))
    return folder


def test_finetune_of_a_tiny_model_learns_and_saves_a_model_that_a_pipeline_opens(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import pipeline

    result, used = start(record, tmp_path, model=str(tiny_model), epochs=3)
    assert record.steps[-1][1] < record.steps[0][1] / 2
    assert result.metrics["dev/accuracy"] == max(values["dev/accuracy"] for _, values in record.scores) > 0.6
    assert result.metrics["test/support"] == 150
    assert [table.kind for table in result.tables] == ["scores", "confusion"] * 2
    low, high = result.intervals["test/macro_f1"]
    assert low < result.metrics["test/macro_f1"] < high
    assert result.scorer.startswith("scikit-learn ")
    kept = result.predictions["dev"]
    assert sum(bool(one.is_right) for one in kept) / len(kept) == pytest.approx(
        result.metrics["dev/accuracy"]
    )
    assert all((one.fields["label"] == one.fields["gold"]) == one.is_right for one in kept)
    classify = pipeline("text-classification", model=str(used.model_dir))
    for one in kept[:20]:
        (found,) = classify([one.fields["text"]])
        assert found["label"] == one.fields["label"]
        assert found["score"] == pytest.approx(one.fields["score"], abs=2e-4)


def test_predictor_gives_what_the_evaluation_gave_and_streams_in_order(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    result, used = start(record, tmp_path, model=str(tiny_model), epochs=1)
    predictor = envkit_predictor(used)
    texts = [str(one.fields["text"]) for one in result.predictions["dev"]]
    found = list(predictor.predict(Inputs(texts=texts)))
    assert [one.fields["text"] for one in found] == texts
    assert [one.fields["label"] for one in found] == [p.fields["label"] for p in result.predictions["dev"]]
    first = found[0].fields
    assert list(first) == ["name", "text", "label", "score", "scores"]
    assert list(first["scores"]) == sorted(first["scores"]) and len(first["scores"]) == 5
    assert max(first["scores"], key=first["scores"].__getitem__) == first["label"]
    assert sum(first["scores"].values()) == pytest.approx(1, abs=1e-3)
    scored = predictor.score(SAMPLE_DIR / "dev.csv")
    assert scored.metrics["test/accuracy"] == result.metrics["dev/accuracy"]
    assert len(scored.predictions["test"]) == 150


def test_predictor_reads_the_column_that_training_read_in_every_row(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    file = tmp_path / "train.jsonl"
    row = '{"id": %d, "body_x": "bad thing %d", "note": "zzz %d", "cls": "%s"}\n'
    file.write_text("".join(row % (n, n, n, "np"[n % 2]) for n in range(20)))
    columns = {"text_column": "2", "label_column": "cls"}
    _, used = start(record, tmp_path, model=str(tiny_model), max_steps=1, train=file, dev=file, **columns)
    new = tmp_path / "new.jsonl"
    new.write_text('{"id": 0, "body_x": "one", "note": "x"}\n{"id": "1", "body_x": null, "note": "x"}\n')
    found = envkit_predictor(used).predict(Inputs(file=new))
    first = next(found).fields
    assert (first["id"], first["text"], first["note"]) == (0, "one", "x")
    with pytest.raises(DataError, match=r"expected a text in 'body_x', found null") as caught:
        next(found)
    assert str(caught.value.file) == "new.jsonl:2"


def test_predictor_knows_a_header_by_the_column_that_training_named(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    file = tmp_path / "train.csv"
    file.write_text("my words,kind\n" + "".join(f"bad thing {n},{'np'[n % 2]}\n" for n in range(20)))
    _, used = start(record, tmp_path, model=str(tiny_model), max_steps=1, train=file, text_column="my words")
    new = tmp_path / "new.csv"
    new.write_text("my words,when\none more,today\n")
    (found,) = envkit_predictor(used).predict(Inputs(file=new))
    assert (found.fields["text"], found.fields["when"]) == ("one more", "today")


def test_predictor_knows_the_columns_that_training_guessed_and_tells_gold_labels_in_one_shape(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    file = tmp_path / "train.csv"
    rows = [f"{n};Das ist der Film {n};{'ja:sehr' if n % 2 else 'nein:nie'}\n" for n in range(20)]
    file.write_text("id;Titel;Kategorie\n" + "".join(rows))
    _, used = start(
        record, tmp_path, model=str(tiny_model), max_steps=1, train=file, dev=file, label_part="first"
    )
    predictor = envkit_predictor(used)

    found = [one.fields for one in predictor.predict(Inputs(file=file))]
    assert [found[1][name] for name in ("id", "text", "gold")] == ["1", "Das ist der Film 1", "ja"]
    lists = tmp_path / "new.jsonl"
    lists.write_text('{"Titel": "x", "Kategorie": ["ja:sehr"]}\n{"Titel": "y", "Kategorie": "nein:nie"}\n')
    assert [one.fields["gold"] for one in predictor.predict(Inputs(file=lists))] == ["ja", "nein"]
    file.write_text("id;Titel;Kategorie\n3;Ja;ja:sehr\n")
    assert predictor.score(file).metrics["test/support"] == 1


def test_predictor_passes_other_values_on_and_calls_the_old_label_gold(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    _, used = start(record, tmp_path, model=str(tiny_model), max_steps=1)
    file = tmp_path / "new.jsonl"
    file.write_text('{"id": 7, "text": "my lamp broke", "label": "fault"}\n{"id": 8, "text": ""}\n')
    first, second = (one.fields for one in envkit_predictor(used).predict(Inputs(file=file)))
    assert list(first) == ["id", "name", "text", "label", "score", "scores", "gold"]
    assert (first["id"], first["gold"], first["name"]) == (7, "fault", "new.jsonl:1")
    assert second["id"] == 8 and "label" in second
    file.write_text('{"name": "Bob", "score": 17, "text": "my lamp broke"}\n')
    (own,) = (one.fields for one in envkit_predictor(used).predict(Inputs(file=file)))
    assert list(own)[:3] == ["input_name", "input_score", "name"]
    assert (own["input_name"], own["input_score"], own["name"]) == ("Bob", 17, "new.jsonl:1")


def test_finetune_with_several_labels_chooses_thresholds_that_the_predictor_uses(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import AutoConfig

    data = write_several(tmp_path)
    result, used = start(record, tmp_path, data=data, model=str(tiny_model), epochs=14)
    assert record.choices["metric"] == "dev/micro_f1"
    assert result.metrics["dev/micro_f1"] > 0.8
    thresholds = result.decoding["thresholds"]
    assert list(thresholds) == ["a", "b", "c", "d"] and thresholds["d"] == 0.5
    assert AutoConfig.from_pretrained(used.model_dir).problem_type == "multi_label_classification"
    found = list(envkit_predictor(used).predict(Inputs(file=data / "dev.jsonl")))
    kept = result.predictions["dev"]
    assert [one.fields["gold"] for one in found] == [one.fields["gold"] for one in kept]
    assert [one.fields["labels"] for one in found] == [one.fields["labels"] for one in kept]
    assert envkit_predictor(used).score(data / "dev.jsonl").metrics["test/micro_f1"] == pytest.approx(
        result.metrics["dev/micro_f1"]
    )
    for one in found:
        for label, score in one.fields["scores"].items():
            if abs(score - thresholds[label]) > 1e-4:  # scores are rounded, thresholds are not
                assert (score > thresholds[label]) == (label in one.fields["labels"])


def test_finetune_of_pairs_reads_both_and_predicts_typed_pairs(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    data = write_pairs(tmp_path)
    result, used = start(record, tmp_path, data=data, model=str(tiny_model), max_steps=4)
    assert result.decoding["is_pair"] is True
    assert result.decoding["columns"].keys() == {"text", "pair", "label"}
    predictor = envkit_predictor(used)
    typed = list(
        predictor.predict(Inputs(texts=["I bought a lamp 1", "lamp 1", "I bought a lamp 0", "drill 0"]))
    )
    by_file = list(predictor.predict(Inputs(file=data / "dev.csv")))
    assert len(by_file) == 20
    for one, other in zip(typed, (by_file[1], by_file[0]), strict=True):
        assert (one.fields["text"], one.fields["pair"]) == (other.fields["text"], other.fields["pair"])
        assert one.fields["score"] == pytest.approx(other.fields["score"], abs=2e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"class_weights": "balanced", "label_smoothing": 0.1, "focal_gamma": 2.0},
        {"long_text": "truncate", "window": 12},
        {"long_text": "head-tail", "window": 12},
        {"window": 12},
        {"peft": "lora"},
    ],
    ids=str,
)
@pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
def test_options_give_a_model_whose_predictor_agrees_with_the_evaluation(
    tiny_model: Path, tmp_path: Path, record: Record, options: dict[str, Any], several: bool
) -> None:
    where = {"data": write_several(tmp_path)} if several else {}
    result, used = start(record, tmp_path, model=str(tiny_model), max_steps=3, **where, **options)
    name = "labels" if several else "label"
    kept: list[Prediction] = list(result.predictions["dev"])
    texts = [str(one.fields["text"]) for one in kept]
    found = list(envkit_predictor(used).predict(Inputs(texts=texts)))
    assert [one.fields[name] for one in found] == [one.fields[name] for one in kept]
    if "window" in options:
        wanted = (
            "nothing lost" if "long_text" not in options else f"--long-text {options['long_text']} leaves out"
        )
        assert any(wanted in text for text in record.said)


@pytest.fixture
def sentence_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A model that says that it was trained on texts of 12 pieces; it can read 128."""
    folder = shutil.copytree(tiny_model, tmp_path / "sentence-model")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    return folder


@pytest.mark.parametrize(
    ("options", "window", "chosen"),
    [
        ({}, 12, "12"),
        ({"window": 16}, 16, None),
        ({"window": 128}, 128, None),
        ({"peft": "lora"}, 12, "12"),
    ],
    ids=str,
)
def test_finetune_of_a_sentence_model_reads_what_it_was_trained_on_and_so_does_its_copied_folder(
    sentence_model: Path,
    tmp_path: Path,
    record: Record,
    options: dict[str, Any],
    window: int,
    chosen: str | None,
) -> None:
    result, used = start(record, tmp_path, model=str(sentence_model), max_steps=3, **options)
    assert record.choices.get("window") == chosen
    assert f"a window holds {window} word pieces" in " ".join(record.said)
    assert result.decoding["window"] == window
    assert f"max_length={window})" in result.usage
    copy = shutil.copytree(used.model_dir, tmp_path / "elsewhere")
    assert not (copy / "sentence_bert_config.json").exists()
    decoding = json.loads(json.dumps(result.decoding))
    predictor = envkit_predictor(replace(used, model_dir=copy, decoding=decoding))
    kept = result.predictions["dev"]
    found = list(predictor.predict(Inputs(texts=[str(one.fields["text"]) for one in kept])))
    for now, before in zip(found, kept, strict=True):
        assert now.fields["label"] == before.fields["label"]
        assert now.fields["score"] == pytest.approx(before.fields["score"], abs=2e-4)
    scored = predictor.score(SAMPLE_DIR / "dev.csv").metrics
    assert scored["test/accuracy"] == result.metrics["dev/accuracy"]


def test_predictor_of_a_model_that_tells_no_window_reads_as_much_as_it_can(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    _, used = start(record, tmp_path, model=str(tiny_model), max_steps=1)
    decoding = {name: value for name, value in used.decoding.items() if name != "window"}
    assert envkit_predictor(replace(used, decoding=decoding)).window == 128


def test_finetune_that_is_stopped_keeps_the_window(
    sentence_model: Path, tmp_path: Path, record: Record
) -> None:
    result, _ = start(record, tmp_path, lambda: len(record.steps) >= 2, model=str(sentence_model))
    assert result.decoding["window"] == 12
    assert "max_length=12)" in result.usage


def test_finetune_with_a_window_beyond_the_model_is_refused(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    with pytest.raises(UsageError, match="reads at most 128 pieces"):
        start(record, tmp_path, model=str(tiny_model), window=129)


def test_finetune_that_is_stopped_leaves_a_model_that_predicts(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    data = write_several(tmp_path)
    _, used = start(record, tmp_path, lambda: len(record.steps) >= 2, data=data, model=str(tiny_model))
    assert len(record.steps) == 2
    (found,) = envkit_predictor(used).predict(Inputs(texts=["about bread"]))
    assert set(found.fields["scores"]) == {"a", "b", "c", "d"}


def test_score_does_not_depend_on_the_size_of_a_batch(
    tiny_model: Path, tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envkit.finetune.evaluation import EVALUATION_TOKENS

    data = write_several(tmp_path)
    _, used = start(record, tmp_path, data=data, model=str(tiny_model), max_steps=10, window=12)
    metrics = []
    for tokens in (1, 10**6):
        monkeypatch.setitem(EVALUATION_TOKENS, "cpu", tokens)
        metrics.append(dict(envkit_predictor(used).score(data / "dev.jsonl").metrics))
    assert metrics[0] == pytest.approx(metrics[1])


@pytest.mark.slow
def test_default_model_learns_the_sample(tmp_path: Path, record: Record) -> None:
    result, _ = start(record, tmp_path, learning_rate=None, batch_size=None)
    assert result.metrics["test/accuracy"] > 0.9
