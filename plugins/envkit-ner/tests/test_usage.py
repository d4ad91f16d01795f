from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pytest

from envkit_ner.plugin import NerOptions
from envkit_ner.usage import EXAMPLE, describe_usage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("context", "is_told"), [("sentence", False), ("document", True)])
def test_usage_of_a_model_with_context_says_what_the_pipeline_lacks(context: str, is_told: bool) -> None:
    usage = describe_usage(NerOptions(context=context))
    assert ("--context document" in usage) == is_told
    assert 'aggregation_strategy="first"' in usage


@pytest.mark.torch
def test_usage_code_runs_and_cuts_no_name_in_two(tiny_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model = AutoModelForTokenClassification.from_pretrained(tiny_model, num_labels=2)
    model.config.id2label = {0: "O", 1: "B-PER"}
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    code = describe_usage(NerOptions()).replace("$folder", str(tmp_path / "model")).split("```")[1]
    script = tmp_path / "use.py"
    script.write_text(code.removeprefix("python\n"))

    find_names = runpy.run_path(str(script))["find_names"]

    borders = {0} | {place for place, sign in enumerate(EXAMPLE[0]) if sign == " "}
    for name in find_names(EXAMPLE[0]):
        assert name["start"] in borders or name["start"] - 1 in borders or EXAMPLE[0][name["start"]] == "."
