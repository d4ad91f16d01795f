from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Inputs, PredictorRequest, Request, Run, UsageError
from envkit_sentiment.plugin import SentimentOptions, envkit_finetune, envkit_predictor, envkit_read
from envkit_sentiment.read import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Record

    from envkit.api import Predictor, Result

pytestmark = pytest.mark.torch

CNN_LSTM = {"model": "cnn-lstm"}


def start(
    record: Record, folder: Path, stop: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[Result, Path]:
    """Read and fine-tune as the worker does; return the result and the model's folder."""
    model_dir = folder / "model"
    model_dir.mkdir(parents=True)
    typed = SentimentOptions(**{"device": "cpu", "precision": "float32", **options})
    run = Run(
        options=typed,
        data=envkit_read(Request(options=typed, report=record)),
        run_dir=folder,
        model_dir=model_dir,
        report=record,
        should_stop=stop,
        headline="accuracy",
    )
    return envkit_finetune(run), model_dir


def load(result: Result, model_dir: Path, record: Record, **options: Any) -> Predictor:
    """Load the model as the host does: the options without files, the decoding through JSON."""
    return envkit_predictor(
        PredictorRequest(
            model_dir=model_dir,
            options=SentimentOptions(device="cpu", **options),
            report=record,
            decoding=json.loads(json.dumps(result.decoding)),
        )
    )


@pytest.fixture(scope="module", params=["pretrained", "cnn-lstm"])
def trained(
    request: pytest.FixtureRequest,
    tiny_model: Path,
    tmp_path_factory: pytest.TempPathFactory,
    module_record: Record,
) -> tuple[Result, Path, Record]:
    record = module_record
    record.scores.clear()
    # The tokenizer's pieces differ from run to run: with few epochs, so does what is learned.
    model, epochs = (str(tiny_model), 8) if request.param == "pretrained" else ("cnn-lstm", 4)
    folder = tmp_path_factory.mktemp("run")
    return *start(record, folder, model=model, epochs=epochs, learning_rate=2e-3), record


def test_finetune_learns_the_sample_and_tells_of_every_text(trained: tuple[Result, Path, Record]) -> None:
    result, model_dir, record = trained
    assert result.metrics["test/accuracy"] > 0.3  # by chance 0.2
    assert result.metrics["test/qwk"] > 0.3
    assert result.metrics["dev/mae"] < 1.5  # by chance 1.6
    assert record.steps[-1][1] < record.steps[0][1]
    assert result.metrics["test/support"] == len(result.predictions["test"]) == 160
    assert (model_dir / "model.safetensors").is_file()
    best = max(values["dev/accuracy"] for values in record.scores)
    assert result.metrics["dev/accuracy"] == best
    right = sum(bool(prediction.is_right) for prediction in result.predictions["test"])
    assert right / 160 == result.metrics["test/accuracy"]
    worst = max(result.predictions["test"], key=lambda prediction: prediction.loss or 0)
    assert not worst.is_right
    assert {"name", "text", "label", "score", "scores", "gold"} == set(worst.fields)


def test_predictor_scores_a_file_as_the_training_did(
    trained: tuple[Result, Path, Record], record: Record
) -> None:
    result, model_dir, _ = trained
    found = load(result, model_dir, record).score(SAMPLE.test)
    of_test = {name: value for name, value in result.metrics.items() if name.startswith("test/")}
    assert found.metrics == of_test
    assert [p.fields["label"] for p in found.predictions["test"]] == [
        p.fields["label"] for p in result.predictions["test"]
    ]


def test_predictor_of_an_adapter_scores_as_the_training_did(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    result, model_dir = start(record, tmp_path / "run", model=str(tiny_model), max_steps=2, peft="lora")
    predictor = load(result, model_dir, record, peft="lora")
    of_test = {name: value for name, value in result.metrics.items() if name.startswith("test/")}
    assert predictor.score(SAMPLE.test).metrics == pytest.approx(of_test)
    (prediction,) = predictor.predict(Inputs(texts=["good"]))
    assert prediction.fields["label"] in {"1", "2", "3", "4", "5"}


def test_predictor_judges_rows_in_order_as_the_evaluation_did(
    trained: tuple[Result, Path, Record], record: Record
) -> None:
    result, model_dir, _ = trained
    expected = result.predictions["dev"]
    found = list(load(result, model_dir, record, label_column="stars").predict(Inputs(file=SAMPLE.dev)))
    assert [p.fields["text"] for p in found] == [p.fields["text"] for p in expected]
    assert [p.fields["label"] for p in found] == [p.fields["label"] for p in expected]
    assert [p.fields["score"] for p in found] == pytest.approx(
        [p.fields["score"] for p in expected], abs=2e-4
    )
    assert [p.is_right for p in found] == [p.is_right for p in expected]


def test_predictor_with_a_null_text_names_the_row_and_reads_no_other_column(
    trained: tuple[Result, Path, Record], record: Record, write: Callable[[str, str], Path]
) -> None:
    result, model_dir, _ = trained
    file = write("new.jsonl", '{"text": "Good.", "title": "x"}\n{"text": null, "title": "only a title"}\n')
    found = load(result, model_dir, record).predict(Inputs(file=file))
    assert next(found).fields["text"] == "Good."
    with pytest.raises(DataError, match="expected a text in 'text', found null") as raised:
        next(found)
    assert str(raised.value.file) == "new.jsonl:2"


def test_predictor_scores_other_spellings_of_the_labels_and_says_how_it_reads_them(
    trained: tuple[Result, Path, Record], record: Record, write: Callable[[str, str], Path]
) -> None:
    result, model_dir, _ = trained
    file = write("new.csv", "review,stars\nGood soup,5 stars\nBad soup,1 star\n")
    found = load(result, model_dir, record).score(file)
    assert found.metrics["test/support"] == 2
    assert record.said[-1] == "Labels, as the model knows them: 5 stars -> 5, 1 star -> 1"
    write("new.csv", "review,stars\nGood soup,pos\nBad soup,neg\n")
    with pytest.raises(DataError, match="'pos', 'neg', only 1, 2, 3, 4, 5"):
        load(result, model_dir, record).score(file)


def test_predictor_passes_other_fields_through_in_front(
    trained: tuple[Result, Path, Record], record: Record, write: Callable[[str, str], Path]
) -> None:
    result, model_dir, _ = trained
    file = write("new.jsonl", '{"id": 7, "text": "A superb lamp.", "label": "5 stars"}\n{"text": "Bad."}\n')
    first, second = load(result, model_dir, record).predict(Inputs(file=file))
    assert list(first.fields) == ["id", "name", "text", "label", "score", "scores", "gold"]
    assert (first.fields["id"], first.fields["gold"], second.is_right) == (7, "5", None)
    assert sum(first.fields["scores"].values()) == pytest.approx(1, abs=1e-3)
    (typed,) = load(result, model_dir, record).predict(Inputs(texts=["A superb lamp."]))
    assert typed.fields["scores"] == pytest.approx(first.fields["scores"], abs=2e-4)


def test_predictor_keeps_fields_that_its_own_would_hide(
    trained: tuple[Result, Path, Record], record: Record, write: Callable[[str, str], Path]
) -> None:
    result, model_dir, _ = trained
    file = write("own.jsonl", '{"name": "Bob", "score": 17, "label": "weird", "text": "A superb lamp."}\n')
    (found,) = load(result, model_dir, record).predict(Inputs(file=file))
    assert list(found.fields)[:4] == ["input_name", "input_score", "input_label", "name"]
    assert [found.fields[f"input_{name}"] for name in ("name", "score", "label")] == ["Bob", 17, "weird"]
    assert found.fields["name"] == "own.jsonl:1"


def test_saved_pretrained_model_opens_in_transformers_with_the_same_labels(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import pipeline

    result, model_dir = start(record, tmp_path, model=str(tiny_model), epochs=1, learning_rate=5e-3)
    judge = pipeline("text-classification", model=str(model_dir))
    for prediction in result.predictions["dev"][:20]:
        told = judge(prediction.fields["text"])[0]
        assert told["label"] == prediction.fields["label"]
        assert told["score"] == pytest.approx(prediction.fields["score"], abs=1e-3)


def test_finetune_of_aspects_learns_what_the_text_alone_does_not_tell(
    tiny_model: Path, tmp_path: Path, record: Record, write: Callable[[str, str], Path]
) -> None:
    parts = ("handle", "lid", "zip", "screen", "sound", "base")
    rows = [
        {"text": f"The {one} is great , the {other} is awful .", "aspect": aspect, "label": label}
        for one in parts
        for other in parts
        if one != other
        for aspect, label in ((one, "pos"), (other, "neg"))
    ]
    train = write("train.jsonl", "".join(json.dumps(row) + "\n" for row in rows * 4))
    result, model_dir = start(
        record,
        tmp_path / "run",
        train=train,
        dev=train,
        epochs=8,
        learning_rate=6e-3,
        **CNN_LSTM,
        aspect_column="aspect",
    )
    assert result.metrics["dev/accuracy"] > 0.9
    assert result.predictions["dev"][0].fields["pair"] == "handle"
    predictor = load(result, model_dir, record, aspect_column="aspect")
    with pytest.raises(Exception, match="nothing beside the text"):
        list(predictor.predict(Inputs(texts=["The lid is great ."])))
    found = list(predictor.predict(Inputs(file=train)))
    assert sum(bool(prediction.is_right) for prediction in found) / len(found) > 0.9


@pytest.mark.parametrize(("long_text", "told"), [("window", "nothing lost"), ("truncate", "leaves out")])
def test_finetune_of_long_texts_says_what_is_lost(
    tiny_model: Path,
    tmp_path: Path,
    record: Record,
    write: Callable[[str, str], Path],
    long_text: str,
    told: str,
) -> None:
    file = write("t.tsv", "text\tlabel\n" + f"{'the lid is great ' * 30}\tpos\nthe lid is bad\tneg\n" * 10)
    start(record, tmp_path / "run", model=str(tiny_model), train=file, max_steps=1, long_text=long_text)
    assert any(told in line for line in record.said if line.startswith("train: "))


@pytest.mark.parametrize(
    ("options", "window", "chosen"),
    [({}, 12, "12"), ({"window": 16}, 16, None), ({"window": 64}, 64, None), ({"peft": "lora"}, 12, "12")],
    ids=str,
)
def test_finetune_of_a_sentence_model_reads_what_it_was_trained_on_and_so_does_its_copied_folder(
    tiny_model: Path,
    tmp_path: Path,
    record: Record,
    options: dict[str, Any],
    window: int,
    chosen: str | None,
) -> None:
    base = shutil.copytree(tiny_model, tmp_path / "sentence-model")
    (base / "sentence_bert_config.json").write_text('{"max_seq_length": 12}', encoding="utf-8")
    result, model_dir = start(record, tmp_path / "run", model=str(base), max_steps=3, **options)
    assert record.choices.get("window") == chosen
    assert f"a window holds {window} word pieces" in " ".join(record.said)
    assert result.decoding["window"] == window
    assert f"max_length={window}" in result.usage
    copy = shutil.copytree(model_dir, tmp_path / "elsewhere")
    assert not (copy / "sentence_bert_config.json").exists()
    predictor = load(result, copy, record, **options)
    expected = result.predictions["dev"]
    found = list(predictor.predict(Inputs(texts=[str(one.fields["text"]) for one in expected])))
    for now, before in zip(found, expected, strict=True):
        assert now.fields["scores"] == pytest.approx(before.fields["scores"], abs=2e-4)
    of_test = {name: value for name, value in result.metrics.items() if name.startswith("test/")}
    assert predictor.score(SAMPLE.test).metrics == pytest.approx(of_test)


@pytest.mark.parametrize("kept", [True, False])
def test_predictor_reads_in_the_window_of_the_training_or_as_much_as_the_model_can(
    tiny_model: Path, tmp_path: Path, record: Record, kept: bool
) -> None:
    base = shutil.copytree(tiny_model, tmp_path / "sentence-model")
    (base / "sentence_bert_config.json").write_text('{"max_seq_length": 12}', encoding="utf-8")
    result, model_dir = start(record, tmp_path / "run", model=str(base), max_steps=1)
    decoding = {name: value for name, value in result.decoding.items() if kept or name != "window"}
    assert load(replace(result, decoding=decoding), model_dir, record).reader.window == (12 if kept else 64)


def test_finetune_same_seed_gives_the_same_and_another_another(tmp_path: Path, record: Record) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        start(record, tmp_path / name, **CNN_LSTM, max_steps=3, seed=seed, class_weights="balanced")
    losses = [loss for _, loss in record.steps]
    assert losses[:3] == losses[3:6] != losses[6:]


def test_finetune_of_cnn_lstm_resumed_ends_with_the_same_weights(tmp_path: Path, record: Record) -> None:
    from safetensors.torch import load_file

    options = SentimentOptions(
        device="cpu", precision="float32", max_steps=6, checkpoint_every=3, eval_every=6, **CNN_LSTM
    )
    data = envkit_read(Request(options=options, report=record))
    weights = []
    for name, is_cut in (("whole", False), ("cut", True)):
        folder = tmp_path / name
        (folder / "model").mkdir(parents=True)
        record.steps.clear()
        run: Run[Any, Any] = Run(
            options=options,
            data=data,
            run_dir=folder,
            model_dir=folder / "model",
            report=record,
            should_stop=lambda is_cut=is_cut: is_cut and len(record.steps) == 3,
            headline="accuracy",
        )
        envkit_finetune(run)
        if is_cut:
            (checkpoint,) = [path for path in (folder / "checkpoints").iterdir() if "step" in path.name]
            record.steps.append((0, 0.0))
            envkit_finetune(replace(run, checkpoint=checkpoint))
        weights.append(load_file(folder / "model" / "model.safetensors"))
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        assert tensor.equal(weights[1][name]), name


def test_finetune_told_to_stop_leaves_a_model_that_can_be_used(tmp_path: Path, record: Record) -> None:
    result, model_dir = start(record, tmp_path, stop=lambda: len(record.steps) == 2, **CNN_LSTM)
    assert result.metrics == {}
    (found,) = load(result, model_dir, record).predict(Inputs(texts=["A fine lamp"]))
    assert found.fields["label"] in {"1", "2", "3", "4", "5"}
    assert "load_cnn_lstm" in (model_dir / "README.md").read_text(encoding="utf-8")


def test_finetune_that_cannot_work_says_why(tiny_model: Path, tmp_path: Path, record: Record) -> None:
    with pytest.raises(UsageError, match="--window is 65, but .* reads at most 64"):
        start(record, tmp_path, model=str(tiny_model), window=65)


@pytest.mark.slow
def test_finetune_of_the_default_model_learns_the_sample(tmp_path: Path, record: Record) -> None:
    result, _ = start(record, tmp_path, precision="auto")
    assert result.metrics["test/accuracy"] > 0.75
    assert result.metrics["test/qwk"] > 0.85


@pytest.mark.slow
def test_finetune_of_cnn_lstm_reaches_075_on_sst2_with_20000_rows(
    tmp_path: Path, record: Record, real_data: Path
) -> None:
    import random

    head, *rows = (real_data / "sst2" / "train.tsv").read_text(encoding="utf-8").splitlines()
    part = tmp_path / "train.tsv"
    part.write_text("\n".join([head, *random.Random(7).sample(rows, 20_000)]) + "\n", encoding="utf-8")
    result, _ = start(record, tmp_path / "run", train=part, dev=real_data / "sst2" / "test.tsv", **CNN_LSTM)
    assert result.metrics["dev/accuracy"] > 0.75


def test_predictor_knows_the_columns_that_training_guessed(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    file = tmp_path / "train.csv"
    rows = [f"{n};Das ist der Film {n};{'positive' if n % 2 else 'negative'}\n" for n in range(20)]
    file.write_text("id;Titel;Urteil\n" + "".join(rows))
    result, model_dir = start(
        record, tmp_path / "run", model=str(tiny_model), max_steps=1, train=file, dev=file
    )
    predictor = load(result, model_dir, record)

    second = list(predictor.predict(Inputs(file=file)))[1].fields
    assert [second[name] for name in ("id", "text", "gold")] == ["1", "Das ist der Film 1", "positive"]
    file.write_text("id;Titel;Urteil\n3;Ja;positive\n")
    assert predictor.score(file).metrics["test/support"] == 1
