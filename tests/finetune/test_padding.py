"""How much padding the default size of a step costs, on real texts as the default model reads them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from required import require_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.torch

TOKENS_PER_STEP = 512  # of the plugins, on a CPU

Texts = tuple[list[str], list[str] | None]


@pytest.fixture(scope="module")
def data_dir() -> Path:
    """Return the folder of real data."""
    return require_data()


def read_conll(folder: Path) -> Texts:
    parts = (folder / "conll2003" / "train.txt").read_text(encoding="utf-8").split("\n\n")
    rows = [[line.split()[0] for line in part.splitlines() if line] for part in parts if part.strip()]
    return [" ".join(row) for row in rows if row[0] != "-DOCSTART-"], None


def read_columns(name: str, *, header: int) -> Callable[[Path], Texts]:
    def read(folder: Path) -> Texts:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()[header:]
        return [line.split("\t")[0] for line in lines], None

    return read


def read_trec(folder: Path) -> Texts:
    lines = (folder / "trec" / "train.txt").read_text(encoding="latin-1").splitlines()
    return [line.partition(" ")[2] for line in lines], None


def read_squad(folder: Path) -> Texts:
    articles = json.loads((folder / "squad" / "train.json").read_text(encoding="utf-8"))["data"]
    pairs = [
        (question["question"], paragraph["context"])
        for article in articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    return [question for question, _ in pairs], [context for _, context in pairs]


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(read_conll, id="conll2003"),
        pytest.param(read_columns("sst2/train.tsv", header=1), id="sst2"),
        pytest.param(read_trec, id="trec"),
        pytest.param(read_columns("agnews/train.tsv", header=0), id="agnews"),
        pytest.param(read_squad, id="squad"),
    ],
)
def test_default_step_on_a_cpu_pads_at_most_six_percent(
    read: Callable[[Path], Texts], data_dir: Path
) -> None:
    from envkit.api import DEFAULT_MODEL
    from envkit.finetune.batching import StepSize, padding_ratio, plan_epoch
    from envkit.finetune.models import load_tokenizer
    from envkit.models import find_model

    found = find_model(DEFAULT_MODEL, environ=os.environ)
    assert found is not None
    first, second = read(data_dir)
    tokenizer = load_tokenizer(found.path)
    tokenizer.model_max_length = 10**9  # no warning of texts that are cut below
    encoded = tokenizer(first, second, return_attention_mask=False, return_token_type_ids=False)["input_ids"]
    lengths = [min(len(pieces), 512) for pieces in encoded]
    for seed in (0, 1):
        plan = plan_epoch(lengths, StepSize(tokens=TOKENS_PER_STEP), seed=seed, epoch=0)
        assert padding_ratio(lengths, plan) <= 1.06
