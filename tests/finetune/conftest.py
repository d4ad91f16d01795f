"""A tiny model of BERT's kind, and a reporter that remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Record:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def phase(self, name: str) -> None:
        """Forget the phase."""

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def plan(self, *, steps: int, epochs: float) -> None:
        """Forget the plan."""

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Forget the step."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Forget the metrics."""


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute on one thread: a tiny model's threads would mostly wait for each other."""
    if request.node.get_closest_marker("torch") is None:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT without a head, its tokenizer saved to cut at 4 pieces and pad to 8."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "wrote", "##s", "rome", "a", "b", "c"]
    backend = Tokenizer(
        models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    )
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.enable_truncation(4)
    backend.enable_padding(length=8)
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder
