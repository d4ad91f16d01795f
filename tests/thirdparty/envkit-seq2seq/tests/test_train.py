from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import Inputs
from envkit.testing import Trial, Trials
from envkit_seq2seq.contract import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
TEXTS = ["4 May 1999", "March 14, 2021", "2.12.1987"]


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return Trials(CONTRACT, tmp_path_factory.mktemp("trials"))


@pytest.fixture(scope="module")
def small(trials: Trials) -> Trial:
    """The model that is made from nothing, as a user trains it."""
    return trials.run("small", model="small", epochs=20, batch_size=None, longest=64)


def test_small_model_learns_the_sample(small: Trial) -> None:
    assert small.result.metrics["test/exact_match"] > 0.5
    assert small.result.metrics["test/character_error"] < 0.1


def test_predictor_rewrites_typed_texts_in_order(trials: Trials, small: Trial) -> None:
    found = list(trials.predictor(small).predict(Inputs(texts=TEXTS)))
    assert [each.fields["text"] for each in found] == TEXTS
    assert all(len(each.fields["target"]) == len("1999-05-04") for each in found)


def test_predictor_keeps_what_else_a_row_has(trials: Trials, small: Trial, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": 7, "text": "4 May 1999", "target": "1999-05-04"}\n')
    (found,) = trials.predict(small, file)
    assert (found.fields["id"], found.fields["gold"]) == (7, "1999-05-04")


def test_text_of_unknown_letters_is_read_all_the_same(trials: Trials, small: Trial) -> None:
    (found,) = trials.predictor(small).predict(Inputs(texts=["4 мая 1999"]))
    assert found.fields["text"] == "4 мая 1999"


def test_small_model_resumes_to_the_same_weights(trials: Trials) -> None:
    options: dict[str, Any] = {"model": "small", "max_steps": 6, "checkpoint_every": 3, "dropout": 0.1}
    whole = trials.run("whole", **options)
    checkpoint = min(whole.run_dir.glob("checkpoints/step-*"))
    resumed = trials.run("whole", checkpoint=checkpoint, **options)
    assert resumed.heard.steps[0][0] == 4
    assert resumed.fingerprint() == whole.fingerprint()


@pytest.mark.parametrize("changed", [{"beams": 3}, {"label_smoothing": 0.1}], ids=str)
def test_ways_to_learn_and_to_write_do_as_well(trials: Trials, changed: dict[str, Any]) -> None:
    trial = trials.run("+".join(changed), model="small", epochs=12, **changed)
    scored = trials.predictor(trial).score(CONTRACT.files["dev"])
    assert scored.metrics["test/exact_match"] == trial.result.metrics["dev/exact_match"] > 0.3


def test_target_that_is_too_long_to_be_written_is_told(trials: Trials) -> None:
    trial = trials.run("short", model="small", max_steps=1, longest=5)
    assert "600 targets" in trial.heard.warned[0]
