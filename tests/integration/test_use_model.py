"""A model that was just trained, used: the plugin ner, in this interpreter."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from stranger import Person, fresh_environ

import envkit_ner

pytestmark = [pytest.mark.slow, pytest.mark.torch]

SAMPLE = Path(envkit_ner.__file__).parent / "sample"


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return a person with a short run in `run`."""
    folder = tmp_path_factory.mktemp("person")
    environ = {**fresh_environ(folder / "home"), "OMP_NUM_THREADS": "1"}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    person = Person(folder, environ)
    person.types("envkit run ner --env current --max-steps 40 --run-dir run")
    return person


def test_evaluate_gives_the_scores_that_the_run_had(person: Person) -> None:
    result = json.loads((person.folder / "run" / "result.json").read_bytes())

    done = person.types(f"envkit evaluate run {SAMPLE / 'test.conll'} --json --predictions told.jsonl")

    found = json.loads(done.stdout)["data"]["result"]
    names = [name for name in result["metrics"] if name.startswith("test/")]
    assert names
    assert {name: found["metrics"][name] for name in names} == {
        name: result["metrics"][name] for name in names
    }
    told = (person.folder / "told.jsonl").read_text()
    assert told == (person.folder / "run" / "predictions" / "test.jsonl").read_text()


def test_predict_with_a_copied_model_gives_in_every_format_what_evaluation_gave(person: Person) -> None:
    shutil.copytree(person.folder / "run" / "model", person.folder / "copied")
    kept = (person.folder / "run" / "predictions" / "test.jsonl").read_text().splitlines()
    words = f"cut -d' ' -f1 {SAMPLE / 'test.conll'} | envkit predict copied"

    columns = person.types(f"{words} --to conll").stdout
    rows = [json.loads(line) for line in person.types(words).stdout.splitlines()]

    assert [row["entities"] for row in rows] == [json.loads(line)["entities"] for line in kept]
    tags = [line.split("\t")[-1] for line in columns.splitlines() if line]
    assert tags == [tag for row in rows for tag in row["tags"]]


def test_predict_of_typed_text_prints_a_row_and_nothing_else(person: Person) -> None:
    done = person.types("envkit predict run 'Ada Lovelace lived in London.' | cat")

    (line,) = done.stdout.splitlines()
    assert json.loads(line)["text"] == "Ada Lovelace lived in London."
    assert done.stderr == ""
