from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Inputs, PredictorRequest, Request, Run, UsageError
from envkit_qa.plugin import QaOptions, envkit_finetune, envkit_predictor, envkit_read
from envkit_qa.read import SAMPLE_DIR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.testing.heard import Heard

pytestmark = pytest.mark.torch

TEXT = "Nordal studied botany in Vostra. "


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute tiny models on one thread: on two, they would wait for each other most of the time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start(
    heard: Heard, folder: Path, stop: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[Any, QaOptions]:
    """Read and fine-tune as the worker does, in the folder ``model`` in this one."""
    model_dir = folder / "model"
    model_dir.mkdir(parents=True)
    typed = QaOptions(**{"device": "cpu", "precision": "float32", **options})
    data = envkit_read(Request(options=typed, report=heard))
    run = Run(
        options=typed,
        data=data,
        run_dir=folder,
        model_dir=model_dir,
        report=heard,
        should_stop=stop,
        headline="f1",
    )
    return envkit_finetune(run), typed


def load(folder: Path, result: Any, options: QaOptions, heard: Heard) -> Any:
    return envkit_predictor(
        PredictorRequest(model_dir=folder / "model", options=options, report=heard, decoding=result.decoding)
    )


def write(folder: Path, *rows: dict[str, Any], name: str = "train") -> Path:
    import json

    file = folder / f"{name}.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return file


def row(context: str = TEXT, **fields: Any) -> dict[str, Any]:
    return {"question": "What?", "context": context, "answers": ["botany"], **fields}


def test_finetune_of_a_tiny_model_learns_and_its_predictor_gives_what_it_was_scored_by(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    from transformers import AutoModelForQuestionAnswering

    result, options = start(
        heard, tmp_path, model=str(tiny_model), epochs=2, learning_rate=3e-3, batch_size=16
    )
    assert heard.steps[-1][1] < heard.steps[0][1] / 1.3
    assert [step for step, _ in heard.scores] == [28, 56]
    assert result.metrics["dev/f1"] == max(values["dev/f1"] for _, values in heard.scores)
    assert set(result.metrics) == {
        f"{split}/{name}"
        for split in ("dev", "test")
        for name in ("f1", "exact_match", "has_answer_f1", "no_answer_accuracy", "support")
    }
    low, high = result.intervals["test/f1"]
    assert low <= result.metrics["test/f1"] <= high
    assert "version 2.0" in result.scorer
    assert result.decoding["can_be_none"] is True
    assert [table.kind for table in result.tables] == ["scores", "errors"] * 2
    assert type(AutoModelForQuestionAnswering.from_pretrained(tmp_path / "model")).__name__.startswith("Bert")

    kept = result.predictions["dev"]
    assert len(kept) == 104
    assert sum(one.is_right for one in kept) / 104 == pytest.approx(result.metrics["dev/exact_match"])
    assert all(0 <= one.loss <= 1 for one in kept)
    predictor = load(tmp_path, result, options, heard)
    scored = predictor.score(SAMPLE_DIR / "dev.json")
    for name, value in scored.metrics.items():
        assert result.metrics[name.replace("test/", "dev/")] == pytest.approx(value, abs=1e-6)
    shared = ("name", "id", "question", "answer", "start")
    for before, now in zip(kept, predictor.predict(Inputs(file=SAMPLE_DIR / "dev.json")), strict=True):
        assert [before.fields[name] for name in shared] == [now.fields[name] for name in shared]
        assert before.fields["score"] == pytest.approx(now.fields["score"], abs=2e-4)
        assert len(now.fields["nbest"]) == 5
        assert now.fields["start"] is None or before.fields["context"][now.fields["start"] :].startswith(
            now.fields["answer"]
        )


def test_finetune_without_impossible_questions_always_answers(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    train = write(tmp_path, *[row(f"{TEXT}{number}") for number in range(20)])
    result, options = start(heard, tmp_path, model=str(tiny_model), train=train, max_steps=2)
    assert result.decoding == {"can_be_none": False, "null_threshold": None}
    assert set(result.metrics) == {"dev/f1", "dev/exact_match", "dev/support"}
    predictor = load(tmp_path, result, options, heard)
    (found,) = predictor.predict(Inputs(texts=["What?", TEXT]))
    assert found.fields["answer"] in TEXT
    assert found.fields["answer"]
    assert all(choice["text"] for choice in found.fields["nbest"])


def test_finetune_by_a_dev_that_always_has_an_answer_warns_that_the_threshold_is_no_use(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    rows = [row(f"{TEXT}{number}", answers=["botany"] * (number % 2)) for number in range(8)]
    files = {"train": write(tmp_path, *rows), "dev": write(tmp_path, row(), name="dev")}
    result, _ = start(heard, tmp_path, model=str(tiny_model), max_steps=1, **files)
    (warning,) = heard.warned
    assert "none of dev is" in warning
    assert "--null-threshold 0" in warning
    assert "dev/no_answer_accuracy" not in result.metrics


@pytest.mark.parametrize(("threshold", "answers"), [(1e9, 104), (-1e9, 0)])
def test_finetune_with_a_threshold_of_the_users_keeps_to_it(
    tiny_model: Path, tmp_path: Path, heard: Heard, threshold: float, answers: int
) -> None:
    result, _ = start(heard, tmp_path, model=str(tiny_model), max_steps=1, null_threshold=threshold)
    assert result.decoding["null_threshold"] == threshold
    assert "null threshold" not in heard.choices
    assert sum(bool(one.fields["answer"]) for one in result.predictions["dev"]) == answers


def test_finetune_first_step_is_the_mean_over_its_windows(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    rows = [row(f"{TEXT}{number}") for number in range(6)] + [row(TEXT, answers=[])]
    files = {"train": write(tmp_path, *rows), "dev": write(tmp_path, *rows, name="dev")}
    start(heard, tmp_path, model=str(tiny_model), max_steps=1, batch_size=99, seed=5, **files)

    from envkit.finetune.seeds import set_seeds

    set_seeds(5)
    model = AutoModelForQuestionAnswering.from_pretrained(tiny_model).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    losses = []
    for one in rows:  # one by one: no padding, no batch
        encoded = tokenizer(one["question"], one["context"], return_tensors="pt")
        with torch.no_grad():
            output = model(**encoded)
        offset = encoded["input_ids"].shape[1] - len(tokenizer(one["context"])["input_ids"]) + 1
        bare = tokenizer(one["context"], add_special_tokens=False, return_offsets_mapping=True)
        at = one["context"].index("botany")
        inside = [
            offset + number
            for number, (begin, end) in enumerate(bare["offset_mapping"])
            if begin < at + len("botany") and end > at
        ]
        places = (inside[0], inside[-1]) if one["answers"] else (0, 0)
        allowed = [0, *range(offset, offset + len(bare["input_ids"]))]
        for logits, place in zip((output.start_logits[0], output.end_logits[0]), places, strict=True):
            chances = logits[allowed].log_softmax(-1)
            losses.append(-float(chances[allowed.index(place)]) / 2)
    ((_, loss, *_),) = heard.steps
    assert loss == pytest.approx(sum(losses) / len(rows), rel=1e-4)


def test_finetune_told_to_stop_saves_what_it_has_and_how_to_decode(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    result, _ = start(heard, tmp_path, stop=lambda: heard.step_number == 2, model=str(tiny_model))
    assert heard.step_number == 2
    assert result.decoding == {"can_be_none": True, "null_threshold": None}
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_finetune_names_the_questions_and_answers_that_it_cannot_read_whole(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    long = "in Vostra. " * 30
    rows = [row() for _ in range(10)]
    rows += [row(question="what " * 200), row(TEXT + long, answers=[long.strip()])]
    files = {"train": write(tmp_path, *rows), "dev": write(tmp_path, row(), name="dev")}
    start(heard, tmp_path, model=str(tiny_model), max_steps=1, window=32, **files)
    cut, lost = heard.warned
    assert cut.startswith("1 questions are longer than the 14 pieces")
    assert "train.jsonl:11" in cut
    assert lost.startswith("the answers of 1 training questions stand whole in no window")
    assert "train.jsonl:12" in lost


def test_finetune_that_cannot_work_says_why(tiny_model: Path, tmp_path: Path, heard: Heard) -> None:
    with pytest.raises(UsageError, match="--window is 129, but .* reads at most 128"):
        start(heard, tmp_path / "a", model=str(tiny_model), window=129)
    long = "in Vostra. " * 30
    file = write(tmp_path, row(long, answers=[long.strip()]))
    with pytest.raises(DataError, match="no answer stands whole in a window"):
        start(heard, tmp_path / "b", model=str(tiny_model), train=file, dev=file, window=32)


def test_predictor_takes_all_kinds_of_inputs_in_their_order(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    result, options = start(heard, tmp_path, model=str(tiny_model), max_steps=1, n_best=2)
    predictor = load(tmp_path, result, options, heard)

    own = {"answer": "x", "name": "Bob", "score": 17}
    rows = [row(f"{TEXT}{number}", id=f"q{number}", source=number, **own) for number in range(70)]
    lines = list(predictor.predict(Inputs(file=write(tmp_path, *rows, name="asked"))))
    assert [one.fields["id"] for one in lines] == [f"q{number}" for number in range(70)]
    names = list(lines[3].fields)
    others = ["answers", "source", "input_name", "input_score"]
    assert names == [*others, "name", "id", "question", "answer", "start", "score", "nbest", "gold"]
    assert [lines[3].fields[name] for name in ("input_name", "input_score", "gold")] == ["Bob", 17, "x"]
    assert lines[3].fields["source"] == 3
    assert lines[3].fields["name"] == "asked.jsonl:4"
    assert len(lines[3].fields["nbest"]) == 2

    typed = list(predictor.predict(Inputs(texts=["What?", TEXT, "Who?", ""])))
    assert [one.fields["id"] for one in typed] == ["1", "2"]
    assert (typed[1].fields["answer"], typed[1].fields["start"]) == ("", None)

    table = tmp_path / "asked.csv"
    table.write_text(f'question,context\nWhat?,"{TEXT}"\n', encoding="utf-8")
    (found,) = predictor.predict(Inputs(file=table))
    assert found.fields["answer"] == typed[0].fields["answer"]

    for inputs, problem in (
        (Inputs(texts=["What?"]), "1 texts were given, expected a context behind each question"),
        (Inputs(file=write(tmp_path, {"text": "x"}, name="bad")), "bad.jsonl:1: there is no question"),
    ):
        with pytest.raises(DataError, match=problem):
            list(predictor.predict(inputs))


def test_finetune_names_the_rules_that_each_split_is_scored_by(
    tiny_model: Path, tmp_path: Path, heard: Heard
) -> None:
    train = write(tmp_path, *[row() for _ in range(4)])
    test = write(tmp_path, row(answers=[]), row(), name="test")
    result, _ = start(heard, tmp_path, model=str(tiny_model), max_steps=1, train=train, dev=train, test=test)
    assert result.scorer.endswith("scorer of version 1.1 on dev and 2.0 on test")


@pytest.mark.slow
def test_finetune_of_the_default_model_learns_the_sample(tmp_path: Path, heard: Heard) -> None:
    result, _ = start(heard, tmp_path)
    assert result.metrics["dev/f1"] > 0.6
    assert result.metrics["test/f1"] > 0.6
