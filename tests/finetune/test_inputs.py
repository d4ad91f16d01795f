from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import UsageError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "ada", "wrote", "rome", "a", "b")


def make_tokenizer(kind: str) -> Any:
    """Return a tokenizer that puts texts together as models of this kind do."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(
        models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    single, pair = {
        "bert": ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
        "roberta": ("[CLS] $A [SEP]", "[CLS] $A [SEP] [SEP] $B [SEP]"),
        "xlnet": ("$A [SEP] [CLS]:2", "$A [SEP] $B:1 [SEP]:1 [CLS]:2"),
        "t5": ("$A [SEP]", "$A [SEP] $B [SEP]"),
        "gpt": ("$A", "$A $B"),
    }[kind]
    special = [(token, WORDS.index(token)) for token in ("[CLS]", "[SEP]")]
    if kind == "gpt":
        special = []
    backend.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlnet", "t5", "gpt"])
def test_template_puts_texts_together_as_the_tokenizer_does(kind: str) -> None:
    from envkit.finetune.inputs import InputTemplate, encode_texts

    tokenizer = make_tokenizer(kind)
    template = InputTemplate.of(tokenizer)
    one, two = encode_texts(tokenizer, ["ada wrote a", "rome x"])
    for ours, theirs in (
        (template.single(one.pieces), tokenizer("ada wrote a")),
        (template.pair(one.pieces, two.pieces), tokenizer("ada wrote a", "rome x")),
    ):
        assert list(ours.pieces) == theirs["input_ids"]
        assert list(ours.types or [0] * len(ours.pieces)) == theirs["token_type_ids"]
    pair = template.pair(one.pieces, two.pieces).pieces
    start = template.second_start(len(one.pieces))
    assert pair[start : start + len(two.pieces)] == two.pieces
    assert template.room_single(20) == 20 - len(template.single(()).pieces)
    assert template.room_pair(20) == 20 - len(template.pair((), ()).pieces)
    assert template.has_types == (kind in ("bert", "xlnet"))


@pytest.mark.parametrize(("kind", "types"), [("bert", True), ("distilbert", False), ("roberta", False)])
def test_template_has_types_only_where_the_model_takes_them(kind: str, types: bool) -> None:
    from tiny_models import tiny_model

    from envkit.finetune.inputs import InputTemplate

    model = tiny_model(kind, "SequenceClassification")
    if kind == "roberta":
        model.config.type_vocab_size = 1
    assert InputTemplate.of(make_tokenizer("bert"), model=model).has_types == types


def test_encode_texts_cuts_nothing_and_says_which_characters_pieces_are_of(tiny_model: Path) -> None:
    from envkit.finetune.inputs import encode_texts
    from envkit.finetune.models import load_tokenizer

    tokenizer = load_tokenizer(tiny_model)
    texts = ["ada wrote a", "", "rome " * 40, "ada wrote a"]
    found = encode_texts(tokenizer, texts, offsets=True)
    assert [len(one.pieces) for one in found] == [3, 0, 40, 3]
    assert found[0].offsets == ((0, 3), (4, 9), (10, 11))
    assert found[3] is found[0]
    assert [one.offsets for one in encode_texts(tokenizer, texts)] == [None] * 4


def test_template_of_a_tokenizer_that_mixes_texts_is_refused() -> None:
    from envkit.finetune.inputs import InputTemplate

    class Mixing:
        """A tokenizer that reads a text otherwise where special pieces are around it."""

        def __call__(self, *texts: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
            return {"input_ids": [1, 2, 3] if add_special_tokens else [4]}

    with pytest.raises(UsageError, match="otherwise alone"):
        InputTemplate.of(Mixing())  # type: ignore[arg-type]  # all that is used of one


@pytest.mark.parametrize(("config", "given", "piece"), [(3, 0, 0), (None, 5, 5), (None, None, 0)])
def test_padding_piece_is_the_tokenizers_and_the_model_knows_one(
    config: int | None, given: int | None, piece: int
) -> None:
    from types import SimpleNamespace

    from envkit.finetune.inputs import padding_piece

    model: Any = SimpleNamespace(config=SimpleNamespace(pad_token_id=config))
    tokenizer: Any = SimpleNamespace(pad_token_id=given, eos_token_id=None)
    assert padding_piece(model, tokenizer) == piece
    assert model.config.pad_token_id == (piece if config is None else config)
