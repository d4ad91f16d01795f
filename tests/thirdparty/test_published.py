"""From an index to use: installed by envkit, run, broken off and resumed, predicted with, scored and checked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from echo import wait_until
from stranger import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stranger import Person

pytestmark = pytest.mark.slow

SAMPLES = {
    name: ROOT / "tests" / "thirdparty" / f"envkit-{name}" / "src" / f"envkit_{name}" / "sample"
    for name in ("relation", "seq2seq")
}
RELATIONS = (
    "[E1] Ada Lovelace [/E1] was born in [E2] London [/E2].",
    "[E2] Tilia Books [/E2] hired [E1] Ada Lovelace [/E1] in London.",
)


def result_of(run_dir: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run_dir / "result.json").read_bytes())
    return result


def weights_of(run_dir: Path) -> str:
    return hashlib.sha256((run_dir / "model" / "model.safetensors").read_bytes()).hexdigest()


def steps_in(events: Path) -> int:
    return events.read_text(encoding="utf-8").count('"event":"step"')


def rows_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def relation_run(user: Person) -> Path:
    """Return the folder of a run with the default model and all defaults."""
    user.types("envkit run relation --run-dir relation")
    return user.folder / "relation"


@pytest.fixture(scope="module")
def seq2seq_run(user: Person) -> Path:
    """Return the folder of a run from nothing, with the processor's seconds that it took in ``cpu-seconds``."""
    before = os.times()
    user.types("envkit run seq2seq --run-dir seq2seq")
    after = os.times()
    spent = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    (user.folder / "seq2seq" / "cpu-seconds").write_text(str(spent), encoding="utf-8")
    return user.folder / "seq2seq"


def test_plugins_of_an_index_are_installed_by_envkit_and_load(user: Person) -> None:
    listed = json.loads(user.types("envkit plugin list --json").stdout)["data"]
    text = json.dumps(listed)
    for name in ("relation", "seq2seq", "house-check", "house-image", "pip-backend"):
        assert f"envkit-{name}" in text
    assert "broken" not in text and "conflict" not in text


@pytest.mark.torch
def test_relation_learns_with_the_default_model(relation_run: Path) -> None:
    metrics = result_of(relation_run)["metrics"]
    assert metrics["test/micro_f1"] > 0.8  # one relation for every pair: 0.22
    assert metrics["test/support"] == 15


@pytest.mark.torch
def test_relation_answers_typed_texts_and_rows(user: Person, relation_run: Path, tmp_path: Path) -> None:
    words = " ".join(f"'{text}'" for text in RELATIONS)
    typed = rows_of(user.types(f"envkit predict relation {words}").stdout)
    assert [each["relation"] for each in typed] == ["born_in", "employed_by"]

    file = tmp_path / "new.jsonl"
    row = {"id": 3, "tokens": ["Ada", "was", "born", "in", "London"], "head": [0, 1], "tail": [4, 5]}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (read,) = rows_of(user.types(f"envkit predict relation --file {file}").stdout)
    assert (read["id"], read["relation"]) == (3, "born_in")


@pytest.mark.torch
def test_relation_is_scored_on_a_file_as_the_run_scored_it(user: Person, relation_run: Path) -> None:
    done = user.types(f"envkit evaluate relation {SAMPLES['relation'] / 'test.jsonl'} --json")
    metrics = json.loads(done.stdout)["data"]["result"]["metrics"]
    before = result_of(relation_run)["metrics"]
    assert {name: before[name] for name in metrics} == pytest.approx(metrics)


@pytest.mark.long
@pytest.mark.torch
@pytest.mark.parametrize("task", ["relation", "seq2seq"])
def test_run_that_is_killed_resumes_to_the_same_weights(
    user: Person, relation_run: Path, seq2seq_run: Path, task: str
) -> None:
    # In numbers that are not left to a trial of the machine, which may be another's guest.
    options = "--max-steps 60 --checkpoint-every 4 --device cpu --precision float32"
    user.types(f"envkit run {task} {options} --run-dir {task}-whole")
    cut = user.folder / f"{task}-cut"
    with subprocess.Popen(
        ["envkit", "run", task, *options.split(), "--run-dir", str(cut)],
        cwd=user.folder,
        env=user.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as host:
        events = cut / "events.jsonl"
        wait_until(lambda: events.exists() and steps_in(events) >= 9)
        host.kill()
    wait_until(lambda: (cut / "result.json").exists())
    assert result_of(cut)["status"] == "cancelled"

    user.types(f"envkit runs resume {cut.name}")

    assert result_of(cut)["status"] == "finished"
    assert min(json.loads((cut / "metrics.json").read_bytes())["resumed_from"]) >= 9
    assert weights_of(cut) == weights_of(user.folder / f"{task}-whole")


@pytest.mark.long
@pytest.mark.torch
def test_seq2seq_learns_from_nothing_in_a_minute_of_one_processor(seq2seq_run: Path) -> None:
    assert result_of(seq2seq_run)["metrics"]["test/exact_match"] > 0.5
    # On one thread; the making of its environment is in it.
    assert float((seq2seq_run / "cpu-seconds").read_text()) < 60


@pytest.mark.long
@pytest.mark.torch
def test_seq2seq_rewrites_typed_texts_and_is_scored(user: Person, seq2seq_run: Path) -> None:
    typed = rows_of(user.types("envkit predict seq2seq '14 March 2021' '3.4.1999'").stdout)
    assert [len(each["target"]) for each in typed] == [10, 10]
    done = user.types(f"envkit evaluate seq2seq {SAMPLES['seq2seq'] / 'test.csv'} --json")
    metrics = json.loads(done.stdout)["data"]["result"]["metrics"]
    assert metrics["test/exact_match"] == pytest.approx(result_of(seq2seq_run)["metrics"]["test/exact_match"])


@pytest.mark.torch
@pytest.mark.parametrize(
    "name",
    [
        "envkit-relation",
        "envkit-house-check",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in ("envkit-seq2seq", "envkit-house-image", "envkit-pip-backend")
        ),
    ],
)
def test_installed_plugin_is_checked_without_a_fault(user: Person, name: str) -> None:
    done = user.types(f"envkit plugin check {name} --json")
    data = json.loads(done.stdout)["data"]
    findings = [each for check in data["checks"] for each in check["findings"]]
    assert [each for each in findings if each["severity"] not in ("ok", "info", "skip")] == []
    assert data["verdict"] == "well"


def test_house_check_finds_what_its_fix_then_mends(user: Person, tmp_path: Path) -> None:
    # pip's own file decides, with no variable above it.
    file = tmp_path / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[global]\ntimeout = 15\n", encoding="utf-8")
    unset = ("PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_CONFIG_FILE", "XDG_CONFIG_HOME")
    variables = {name: text for name, text in user.environ.items() if name not in unset}
    at_home = replace(user, environ={**variables, "HOME": str(tmp_path)})

    before = at_home.types("envkit doctor --only house.pip-timeout")
    at_home.types("envkit doctor --only house.pip-timeout --fix --yes")
    after = at_home.types("envkit doctor --only house.pip-timeout --strict")

    assert "pip does not wait the 60 s that our proxy may take" in before.stdout
    assert "timeout = 60" in file.read_text(encoding="utf-8")
    assert "does not wait" not in after.stdout


def test_environment_of_the_pip_backend_has_packages_and_a_pip(user: Person) -> None:
    user.types("envkit env create with-pip --backend pip --with iniconfig")
    listed = user.types("envkit env run with-pip -- python -m pip list --format=freeze").stdout
    assert "iniconfig==" in listed and "pip==" in listed
    shown = user.types("envkit env show with-pip").stdout
    assert "pip" in shown
    prefix = user.types("envkit env run with-pip -- python -c 'import sys; print(sys.prefix)'").stdout.strip()
    active = user.types('eval "$(envkit env activate with-pip)" && python -c "import sys; print(sys.prefix)"')
    assert active.stdout.strip() == prefix
    user.types("envkit env remove with-pip --yes")
