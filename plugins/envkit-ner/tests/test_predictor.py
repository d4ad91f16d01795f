from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Inputs, PredictorRequest, Request, Result, Run
from envkit_ner.plugin import NerOptions, envkit_finetune, envkit_predictor, envkit_read
from envkit_ner.read import SAMPLE_DIR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Record

    from envkit.api import Prediction, Predictor

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Compute tiny models on one thread: on two, they would wait for each other most of the time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(record: Record, folder: Path, **options: Any) -> tuple[Result, Path]:
    model_dir = folder / "model"
    model_dir.mkdir(parents=True)
    typed = NerOptions(**{"device": "cpu", "precision": "float32", "learning_rate": 8e-3, **options})
    run = Run(
        options=typed,
        data=envkit_read(Request(options=typed, report=record)),
        run_dir=folder,
        model_dir=model_dir,
        report=record,
        should_stop=lambda: False,
        headline="entity_f1",
    )
    return envkit_finetune(run), model_dir


def open_predictor(record: Record, model_dir: Path, **options: Any) -> Predictor:
    typed = NerOptions(**{"device": "cpu", **options})
    return envkit_predictor(PredictorRequest(model_dir=model_dir, options=typed, report=record))


@pytest.fixture(scope="module")
def trained(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory, shared_record: Record
) -> tuple[Result, Path]:
    """What a run on the sample came to, and the model that it left."""
    folder = tmp_path_factory.mktemp("run")
    result, model_dir = train(shared_record, folder, model=str(tiny_model), epochs=3)
    assert result.metrics["test/entity_f1"] > 0
    return result, model_dir


def test_score_of_the_test_file_is_what_the_end_of_the_training_gave(
    trained: tuple[Result, Path], record: Record
) -> None:
    result, model_dir = trained
    scored = open_predictor(record, model_dir).score(SAMPLE_DIR / "test.conll")
    assert scored.metrics == {
        name: value for name, value in result.metrics.items() if name.startswith("test/")
    }
    assert scored.intervals == {name: result.intervals[name] for name in scored.intervals}
    assert list(scored.tables) == [table for table in result.tables if table.title.startswith("test")]
    assert list(scored.predictions["test"]) == list(result.predictions["test"])
    assert scored.scorer == result.scorer


@pytest.mark.parametrize("layout", ["columns", "tokens", "texts", "spans"])
def test_predict_of_the_test_file_in_any_layout_finds_what_the_evaluation_found(
    trained: tuple[Result, Path], record: Record, tmp_path: Path, layout: str
) -> None:
    result, model_dir = trained
    judged = list(result.predictions["test"])
    words = [[word for word, _ in found.columns or ()] for found in judged]
    if layout == "columns":
        content = "\n\n".join("\n".join(sentence) for sentence in words)
    elif layout == "tokens":
        content = "\n".join(json.dumps({"tokens": sentence}) for sentence in words)
    elif layout == "texts":
        content = "\n".join(
            json.dumps({"text": " ".join(sentence), "tokens": sentence}) for sentence in words
        )
    else:
        content = "\n".join(json.dumps(dict(found.fields)) for found in judged)
    file = tmp_path / "some.data"
    file.write_text(content, encoding="utf-8")
    predicted = list(open_predictor(record, model_dir).predict(Inputs(file=file)))
    assert [found.fields["text"] for found in predicted] == [found.fields["text"] for found in judged]
    if layout == "spans":  # words are found anew here, and need not be those of the file
        assert all(found.is_right is None for found in predicted)
        return
    assert [found.fields["entities"] for found in predicted] == [found.fields["entities"] for found in judged]
    assert [found.columns for found in predicted] == [found.columns for found in judged]


def test_predict_texts_gives_a_prediction_for_each_in_order_and_what_it_says_is_in_the_text(
    trained: tuple[Result, Path], record: Record
) -> None:
    texts = ["Rose Field, who runs Granite Motors, lives in Bergen.", "", "  ", "Bergen", "word " * 300]
    predicted = list(open_predictor(record, trained[1]).predict(Inputs(texts=texts)))
    assert [found.fields["text"] for found in predicted] == texts
    assert [found.fields["name"] for found in predicted] == [f"text:{number}" for number in range(1, 6)]
    assert all(
        entity["text"] == found.fields["text"][entity["start"] : entity["end"]]
        for found in predicted
        for entity in found.fields["entities"]
    )
    assert predicted[0].fields["entities"]
    assert "tokens" not in predicted[0].fields
    assert [len(found.columns or ()) for found in predicted] == [12, 0, 0, 1, 300]


def test_predict_of_json_puts_the_other_fields_in_front_unchanged(
    trained: tuple[Result, Path], record: Record, tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"id": 7, "tokens": ["Bergen"], "meta": {"a": [1]}, "tags": ["O"], "name": "Bo"}\n')
    (found,) = open_predictor(record, trained[1]).predict(Inputs(file=file))
    own = ["id", "meta", "input_name"]
    assert list(found.fields) == [*own, "name", "text", "entities", "tokens", "tags", "gold"]
    assert (found.fields["input_name"], found.fields["gold"]) == ("Bo", ["O"])
    assert (found.fields["id"], found.fields["meta"]) == (7, {"a": [1]})
    assert found.fields["tokens"] == ["Bergen"]
    assert found.columns == (("Bergen", found.fields["tags"][0]),)


@pytest.mark.parametrize("options", [{"window": 8}, {"context": "document"}, {"peft": "lora"}])
def test_score_and_predict_use_the_window_the_context_and_the_adapter_of_the_run(
    tiny_model: Path, tmp_path: Path, record: Record, options: dict[str, Any]
) -> None:
    files = {}
    for split in ("train", "dev", "test"):
        parts = (SAMPLE_DIR / f"{split}.conll").read_text(encoding="utf-8").strip().split("\n\n")[:60]
        marked = ["-DOCSTART-\tO\n\n" * (number % 6 == 0) + part for number, part in enumerate(parts)]
        files[split] = tmp_path / f"{split}.conll"
        files[split].write_text("\n\n".join(marked) + "\n", encoding="utf-8")
    result, model_dir = train(
        record, tmp_path / "run", model=str(tiny_model), epochs=4, learning_rate=2e-2, **files, **options
    )
    predictor = open_predictor(record, model_dir, **options)
    scored = predictor.score(files["test"])
    assert scored.metrics.items() <= result.metrics.items()
    judged = [found.columns for found in result.predictions["test"]]
    predicted = list(predictor.predict(Inputs(file=files["test"])))
    assert [_words_and_tags(found) for found in predicted] == judged


def _words_and_tags(found: Prediction) -> tuple[tuple[str, str], ...]:
    rows = [row for row in found.columns or () if row and row[0] != "-DOCSTART-"]
    return tuple((row[0], row[-1]) for row in rows)


def test_predict_of_columns_keeps_the_marks_of_documents_and_all_columns_in_front_of_the_tag(
    trained: tuple[Result, Path], record: Record, tmp_path: Path
) -> None:
    file = tmp_path / "some.conll"
    file.write_text(
        "-DOCSTART- -X- O\n\nBergen NNP B-LOC\nfell VBD O\n\nRain NN O\n\n-DOCSTART- -X- O\n\nSnow NN O\n"
    )
    found = [found.columns or () for found in open_predictor(record, trained[1]).predict(Inputs(file=file))]
    assert [row[:-1] for columns in found for row in columns] == [
        ("-DOCSTART-", "-X-", "O"),
        (),
        ("Bergen", "NNP", "B-LOC"),
        ("fell", "VBD", "O"),
        ("Rain", "NN", "O"),
        ("-DOCSTART-", "-X-", "O"),
        (),
        ("Snow", "NN", "O"),
    ]
    assert [len(columns) for columns in found] == [4, 1, 3]


def test_score_of_types_that_the_model_does_not_know_is_refused_at_their_line(
    trained: tuple[Result, Path], record: Record, tmp_path: Path
) -> None:
    file = tmp_path / "some.conll"
    file.write_text("Ada B-PER\nAcme B-COMPANY\n")
    with pytest.raises(DataError, match=r"some\.conll:2: the training data has no entity of type 'COMPANY'"):
        open_predictor(record, trained[1]).score(file)


def test_predict_gives_what_came_before_an_error_and_then_raises_it(
    trained: tuple[Result, Path], record: Record, tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"text": "Bergen"}\n{"text": 3}\n')
    found = open_predictor(record, trained[1]).predict(Inputs(file=file))
    assert next(found).fields["text"] == "Bergen"
    with pytest.raises(DataError, match=r"some\.jsonl:2"):
        next(found)


def test_forget_keeps_few_words_and_changes_no_pieces(trained: tuple[Result, Path]) -> None:
    from envkit.data.token_rows import Sentence
    from envkit.finetune.models import load_tokenizer
    from envkit_ner.tokens import WordPieces

    pieces = WordPieces(load_tokenizer(trained[1]))
    sentence = Sentence(("Bergen", "won"), ("O", "O"), 0, 1)
    pieces.read([sentence])
    before = pieces["Bergen"]
    pieces.forget(beyond=2)
    assert pieces["Bergen"] == before
    pieces.forget(beyond=1)
    pieces.read([sentence])
    assert pieces["Bergen"] == before
