"""A reporter that remembers, and tiny models with tokenizers of three kinds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

# A busy machine is no fault of the code's.
settings.register_profile("envkit-ner", deadline=None)
settings.load_profile("envkit-ner")

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_ner" / "sample"


@dataclass
class Record:
    """A reporter that keeps what it is told."""

    phases: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    plans: list[tuple[int, float]] = field(default_factory=list)
    steps: list[tuple[int, float, int, float | None]] = field(default_factory=list)
    scores: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def plan(self, *, steps: int, epochs: float) -> None:
        self.plans.append((steps, epochs))

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        self.steps.append((step, loss, tokens, learning_rate))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self.scores.append((step, dict(values)))

    def choice(self, name: str, value: str, reason: str) -> None:
        self.choices[name] = value

    def measured(self, name: str, value: float) -> None:
        self.figures[name] = value


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture(scope="session")
def shared_record() -> Record:
    """A reporter for what several tests share."""
    return Record()


@pytest.fixture(scope="session")
def conll2003() -> Path:
    """The folder of CoNLL-2003, which ENVKIT_TEST_DATA names; missing where it is required, it fails."""
    folder = Path(os.environ.get("ENVKIT_TEST_DATA", ""), "conll2003")
    if "ENVKIT_TEST_DATA" in os.environ and folder.is_dir():
        return folder
    if "data" in os.environ.get("ENVKIT_REQUIRE", "").split(","):
        pytest.fail(f"ENVKIT_REQUIRE asks for data, but there is no {folder}")
    pytest.skip("ENVKIT_TEST_DATA names no folder with conll2003")


def train_tokenizer(kind: str) -> Any:
    """Return a small tokenizer of this kind, trained on the sample."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    words = [line.partition("\t")[0] for line in (SAMPLE_DIR / "train.conll").read_text().splitlines()]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    if kind == "wordpiece":
        backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        backend.normalizer = normalizers.BertNormalizer(lowercase=True)
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    elif kind == "byte-level":
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        del names["unk_token"]
        trainer = trainers.BpeTrainer(
            vocab_size=500,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    else:
        backend = Tokenizer(models.Unigram())
        backend.normalizer = normalizers.NFKC()
        backend.pre_tokenizer = pre_tokenizers.Metaspace()
        backend.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=300, special_tokens=special, unk_token="[UNK]", show_progress=False
        )
    backend.train_from_iterator(words, trainer)
    ends = [(token, backend.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **names)


@pytest.fixture(scope="session", params=["wordpiece", "byte-level", "unigram"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    """Each of the three kinds of tokenizers."""
    return train_tokenizer(request.param)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT that knows nothing yet, and a WordPiece tokenizer of the sample's words."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny-model")
    tokenizer = train_tokenizer("wordpiece")
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder
