"""A reporter that remembers, and a tiny model that knows nothing yet."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from envkit_sentiment.read import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# A busy machine is no fault of the code's.
settings.register_profile("envkit-sentiment", deadline=None)
settings.load_profile("envkit-sentiment")


@dataclass
class Record:
    """A reporter that keeps what it is told."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    steps: list[tuple[int, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)

    def phase(self, name: str) -> None: ...

    def plan(self, *, steps: int, epochs: float) -> None: ...

    def measured(self, name: str, value: float) -> None: ...

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        self.steps.append((step, loss))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self.scores.append(dict(values))

    def choice(self, name: str, value: str, reason: str) -> None:
        self.choices[name] = value


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture(scope="module")
def module_record() -> Record:
    return Record()


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compute tiny models on one thread: on two, they would wait for each other most of the time."""
    if request.node.get_closest_marker("torch") is None:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file of this name and content."""

    def write_file(name: str, content: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    return write_file


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, which ENVKIT_TEST_DATA names; missing where it is required, it fails."""
    folder = Path(os.environ.get("ENVKIT_TEST_DATA", ""))
    if "ENVKIT_TEST_DATA" in os.environ and (folder / "sst2").is_dir():
        return folder
    if "data" in os.environ.get("ENVKIT_REQUIRE", "").split(","):
        pytest.fail(f"ENVKIT_REQUIRE asks for data, but there is no {folder}/sst2")
    pytest.skip("ENVKIT_TEST_DATA names no folder with sst2")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT that knows nothing yet, and a tokenizer of the sample's words."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    backend.train_from_iterator(SAMPLE.train.read_text(encoding="utf-8").splitlines(), trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    folder = tmp_path_factory.mktemp("tiny-model")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **names)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder
