from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from envkit.api import DataError, Inputs
from envkit.testing import Trial, Trials
from envkit_relation.contract import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch
TEXTS = ["[E1] Ada [/E1] was born in [E2] Rome [/E2]", "[E2] Acme [/E2] hired [E1] Ada [/E1]"]


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return Trials(CONTRACT, tmp_path_factory.mktemp("trials"))


@pytest.fixture(scope="module")
def trial(trials: Trials) -> Trial:
    return trials.usual()


def test_tiny_model_learns_the_sample(trial: Trial) -> None:
    assert trial.result.metrics["test/micro_f1"] >= 0.7  # one relation for all: 0.22


def test_predictor_tells_relations_of_typed_texts_in_order(trials: Trials, trial: Trial) -> None:
    found = list(trials.predictor(trial).predict(Inputs(texts=TEXTS)))
    assert [each.fields["text"] for each in found] == TEXTS
    for each in found:
        assert each.fields["score"] == each.fields["scores"][each.fields["relation"]]


def test_predictor_keeps_what_else_a_row_has(trials: Trials, trial: Trial, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"id": 7, "tokens": ["Ada", "left", "Rome"], "head": [0, 1], "tail": [2, 3], "relation": "left"}
    file.write_text(json.dumps(row))
    (found,) = trials.predict(trial, file)
    assert (found.fields["id"], found.fields["head"], found.fields["gold"]) == (7, [0, 1], "left")
    with pytest.raises(DataError, match="not in the training data"):
        trials.predictor(trial).score(file)


def test_adapter_answers_as_it_was_scored(trials: Trials) -> None:
    # Its markers are in no file of the adapter.
    trial = trials.run("adapter", peft="lora", epochs=2)
    scored = trials.predictor(trial).score(CONTRACT.files["dev"])
    assert scored.metrics["test/micro_f1"] == trial.result.metrics["dev/micro_f1"]
    before = [each.fields["scores"] for each in trial.result.predictions["dev"]]
    after = [each.fields["scores"] for each in scored.predictions["test"]]
    for one, other in zip(before, after, strict=True):
        assert one == pytest.approx(other, abs=2e-4)


def test_what_is_far_from_both_entities_is_left_out_first(trials: Trials, trial: Trial) -> None:
    predictor = trials.predictor(trial)
    one, _, two, _ = markers = predictor.markers  # type: ignore[attr-defined]  # of this package's own predictor
    far = max(markers) + 1
    pieces = [far, far, 9, one, 8, 8, 8, 8, two, 7, far]
    assert predictor.crop(pieces, 6) == [9, one, 8, 8, two, 7]  # type: ignore[attr-defined]
    assert predictor.crop(pieces, 99) == pieces  # type: ignore[attr-defined]
