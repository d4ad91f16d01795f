from __future__ import annotations

import ast
import runpy
from typing import TYPE_CHECKING

import pytest

from envkit_sentiment.plugin import SentimentOptions
from envkit_sentiment.scale import read_scale
from envkit_sentiment.usage import describe_example, describe_rows, describe_usage

if TYPE_CHECKING:
    from pathlib import Path


def test_usage_says_what_the_labels_mean() -> None:
    usage = describe_usage(SentimentOptions(), read_scale(["0", "1"]), needs_pair=False, window=64)
    assert "`negative`, `positive`" in usage
    assert "`0` for `negative`, `1` for `positive`" in usage
    rated = describe_usage(SentimentOptions(), read_scale(["5", "1", "3", "2"]), needs_pair=False, window=64)
    assert "from the lowest to the highest: `1`, `2`, `3`, `5`" in rated


def test_usage_of_a_model_that_judges_aspects_names_their_column() -> None:
    options = SentimentOptions(aspect_column="part")
    usage = describe_usage(options, read_scale(["0", "1"]), needs_pair=True, window=64)
    assert '"part": "the sound"' in usage
    assert describe_example(needs_pair=True) == ()


@pytest.mark.torch
@pytest.mark.parametrize("needs_pair", [False, True])
def test_usage_code_runs_and_a_short_text_gets_the_same_either_way(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], needs_pair: bool
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=2)
    model.config.id2label = {0: "negative", 1: "positive"}
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "model")
    usage = describe_usage(SentimentOptions(), read_scale(["0", "1"]), needs_pair=needs_pair, window=64)
    printed = []
    for block in usage.replace("$folder", str(tmp_path / "model")).split("```python\n")[1:]:
        script = tmp_path / "use.py"
        script.write_text(block.split("```")[0], encoding="utf-8")
        runpy.run_path(str(script))
        printed.append(ast.literal_eval(capsys.readouterr().out))
    short, windows = printed
    assert {one["label"]: one["score"] for one in short} == pytest.approx(windows, abs=1e-5)


@pytest.mark.parametrize("needs_pair", [False, True])
def test_rows_of_texts_alone_are_shown_where_texts_can_be_typed(needs_pair: bool) -> None:
    (row,) = describe_rows(needs_pair=needs_pair)
    assert (set(row) == {"text"}) == bool(describe_example(needs_pair=needs_pair))
