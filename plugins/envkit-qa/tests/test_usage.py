from __future__ import annotations

import json
import runpy
from typing import TYPE_CHECKING

import pytest

from envkit.api import Inputs, PredictorRequest
from envkit_qa.plugin import QaOptions, envkit_predictor
from envkit_qa.usage import EXAMPLE, EXAMPLE_ROWS, describe_usage

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.testing.heard import Heard

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("threshold", [None, -100.0, 100.0])
def test_usage_code_runs_and_answers_as_the_predictor_does(
    tiny_model: Path,
    tmp_path: Path,
    heard: Heard,
    capsys: pytest.CaptureFixture[str],
    threshold: float | None,
) -> None:
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    folder = tmp_path / "model"
    AutoModelForQuestionAnswering.from_pretrained(tiny_model).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    decoding = {"can_be_none": threshold is not None, "null_threshold": threshold}
    predictor = envkit_predictor(
        PredictorRequest(model_dir=folder, options=QaOptions(device="cpu"), report=heard, decoding=decoding)
    )
    (expected,) = predictor.predict(Inputs(texts=EXAMPLE))
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f"{json.dumps(row)}\n" for row in EXAMPLE_ROWS), encoding="utf-8")
    (of_row,) = predictor.predict(Inputs(file=rows))
    assert of_row.fields["answer"] == expected.fields["answer"]
    usage = describe_usage(predictor.answering.cutting, threshold=threshold, is_tuned=True)
    assert ("more than the threshold" in usage) == (threshold is not None)
    script = tmp_path / "use.py"
    code = usage.replace("$folder", str(folder)).split("```")[1]
    script.write_text(code.removeprefix("python\n"), encoding="utf-8")

    runpy.run_path(str(script))

    assert capsys.readouterr().out.strip() == (expected.fields["answer"] or "no answer")
