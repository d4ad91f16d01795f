from __future__ import annotations

import runpy
from typing import TYPE_CHECKING, Any

import pytest

from envkit_classification.plugin import ClassificationOptions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch  # the decoder needs numpy


@pytest.mark.parametrize(("is_pair", "count"), [(False, 1), (True, 2)])
def test_example_of_pairs_is_two_texts(is_pair: bool, count: int) -> None:
    from envkit_classification.usage import describe_example

    assert len(describe_example(is_pair=is_pair)) == count


@pytest.mark.parametrize("long_text", ["window", "head-tail", "truncate"])
def test_usage_says_what_becomes_of_long_texts(long_text: str) -> None:
    from envkit_classification.decode import Decoder
    from envkit_classification.usage import describe_usage

    usage = describe_usage(
        ClassificationOptions(long_text=long_text), Decoder(("a", "b")), is_pair=False, window=64
    )
    assert "max_length=64" in usage
    assert "longer text" in usage or "left out" in usage


@pytest.mark.parametrize("is_pair", [False, True])
@pytest.mark.parametrize(("thresholds", "printed"), [(None, "a "), ((0.0, 1.0, 0.0), "['a', 'c']")])
def test_usage_code_runs_and_prints_what_the_decoder_chooses(
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    thresholds: tuple[float, ...] | None,
    printed: str,
    is_pair: bool,
) -> None:
    from envkit_classification.decode import Decoder
    from envkit_classification.usage import describe_usage

    save_model(tiny_model, tmp_path / "model", is_multi_label=thresholds is not None)
    usage = describe_usage(
        ClassificationOptions(), Decoder(("a", "b", "c"), thresholds), is_pair=is_pair, window=64
    )
    script = tmp_path / "use.py"
    code = usage.replace("$folder", str(tmp_path / "model")).split("```")[1]
    script.write_text(code.removeprefix("python\n"), encoding="utf-8")

    runpy.run_path(str(script))

    assert capsys.readouterr().out.startswith(printed)


def save_model(base: Path, folder: Path, *, is_multi_label: bool) -> None:
    """Save a model that finds the label a likeliest, then c, then b."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model: Any = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([2.0, -2.0, 1.0]))
    model.config.id2label = {0: "a", 1: "b", 2: "c"}
    model.config.problem_type = f"{'multi' if is_multi_label else 'single'}_label_classification"
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
