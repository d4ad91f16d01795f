from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Request
from envkit.registry import load_task
from envkit_qa.plugin import QaOptions, envkit_corpus, envkit_read
from envkit_qa.read import SAMPLE_DIR

if TYPE_CHECKING:
    from envkit.testing.heard import Heard


def row(context: str, **fields: Any) -> dict[str, Any]:
    return {"question": "Who?", "context": context, "answers": [{"text": "Ada", "answer_start": 0}], **fields}


def write(folder: Path, *rows: dict[str, Any], name: str = "train") -> Path:
    file = folder / f"{name}.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return file


def request(heard: Heard, **options: Any) -> Request[QaOptions]:
    return Request(options=QaOptions(**options), report=heard)


def test_plugin_is_found_by_its_task_and_has_all_hooks() -> None:
    loaded = load_task("qa")
    assert loaded.entry.plugin == "envkit-qa"
    assert loaded.entry.summary
    assert loaded.task.options is QaOptions
    assert loaded.task.headline == "f1"
    assert all(map(loaded.has, ("envkit_read", "envkit_finetune", "envkit_corpus", "envkit_predictor")))


def test_plugin_and_its_reading_import_nothing_heavy() -> None:
    program = (
        "import sys, envkit_qa.plugin; light = set(sys.modules); import envkit_qa.read, envkit_qa.corpus;"
        "assert not {'envkit_qa.read', 'envkit.data'} & light, light;"
        "heavy = {'torch', 'transformers', 'numpy', 'rich', 'click', 'pyarrow'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_read_of_no_data_takes_the_sample_and_says_so(heard: Heard) -> None:
    data = envkit_read(request(heard))
    assert (len(data.train), len(data.dev), len(data.test)) == (446, 104, 113)
    assert data.has_impossible
    assert heard.said[0].startswith("No data given: this run uses the small sample")
    assert heard.warned == []


def test_read_without_dev_cuts_whole_contexts_off_by_the_seed(tmp_path: Path, heard: Heard) -> None:
    rows = [row(f"Ada {number // 3}") for number in range(60)]
    file = write(tmp_path, *rows)
    data, same, other = (envkit_read(request(heard, train=file, seed=seed)) for seed in (1, 1, 2))
    assert data == same != other
    assert len(data.dev) == 6
    assert not {one.context for one in data.dev} & {one.context for one in data.train}
    assert len(data.train) + len(data.dev) == 60
    assert "No dev data given: 6 of 60 training questions" in heard.said[0]


def test_read_of_one_context_alone_divides_its_questions(tmp_path: Path, heard: Heard) -> None:
    data = envkit_read(request(heard, train=write(tmp_path, *[row("Ada") for _ in range(20)])))
    assert (len(data.train), len(data.dev)) == (18, 2)
    assert not data.has_impossible


def test_read_says_what_is_wrong_with_answers(tmp_path: Path, heard: Heard) -> None:
    wrong = row("It was Ada", id="q7")
    data = envkit_read(request(heard, train=write(tmp_path, wrong, *[row("Ada") for _ in range(9)])))
    assert len(data.train) + len(data.dev) == 10
    (warning,) = heard.warned
    assert warning.startswith("train.jsonl:1: answer 1 is not at its answer_start 0; it stands once")


def test_read_knows_of_impossible_questions_in_dev_alone(tmp_path: Path, heard: Heard) -> None:
    train = write(tmp_path, row("Ada"))
    dev = write(tmp_path, row("Ada", answers=[]), name="dev")
    assert envkit_read(request(heard, train=train, dev=dev)).has_impossible


def test_read_of_nothing_to_learn_is_refused(tmp_path: Path, heard: Heard) -> None:
    with pytest.raises(DataError, match="no question has an answer"):
        envkit_read(request(heard, train=write(tmp_path, row("Ada", answers=[]), row("Bo", answers=[]))))


def test_corpus_without_dev_is_cut_as_a_run_cuts_it(tmp_path: Path, heard: Heard) -> None:
    asked = request(
        heard, train=write(tmp_path, *[row(f"Ada {number // 3}") for number in range(60)]), seed=3
    )
    corpus, data = envkit_corpus(asked), envkit_read(asked)
    assert [one.name for one in corpus.splits["dev"]] == [one.name for one in data.dev]
    assert len(corpus.splits["train"]) == len(data.train) == 54
    assert "No dev data given: 6 of 60 training questions, cut by the seed" in corpus.notes


def test_corpus_of_the_sample_has_all_rows_and_no_problem(heard: Heard) -> None:
    corpus = envkit_corpus(request(heard))
    assert {split: len(rows) for split, rows in corpus.splits.items()} == {
        "train": 446,
        "dev": 104,
        "test": 113,
    }
    first = corpus.splits["train"][0]
    assert first.name == "train.json:train-1-1"
    assert first.texts == first.key
    assert {row.labels for row in corpus.splits["train"]} == {("answerable",), ("impossible",)}
    assert (corpus.labelled, corpus.problems, corpus.window, corpus.is_cut) == ("question", [], 384, False)


def test_corpus_of_a_broken_file_tells_what_is_wrong_and_keeps_the_rest(tmp_path: Path, heard: Heard) -> None:
    file = write(tmp_path, row("Ada", answers=[]), {"question": "Who?"}, row("Ada", answers=["Bo"]))
    corpus = envkit_corpus(request(heard, train=file, window=128))
    assert len(corpus.splits["train"]) == 1
    assert [(problem.level, problem.place) for problem in corpus.problems] == [
        ("error", "train.jsonl:2"),
        ("warning", "train.jsonl:3"),
        ("warning", "train.jsonl:3"),
        ("error", "train.jsonl"),
    ]
    assert corpus.window == 128


def test_sample_is_what_its_script_writes(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "scripts" / "make_sample.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    files = sorted(file.name for file in SAMPLE_DIR.iterdir())
    assert files == ["dev.json", "test.json", "train.json"]
    for name in files:
        assert (tmp_path / name).read_bytes() == (SAMPLE_DIR / name).read_bytes()
