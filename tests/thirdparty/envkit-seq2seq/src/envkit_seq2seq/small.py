"""A model that needs no pretrained weights: a small encoder-decoder, and a tokenizer of the letters of its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

if TYPE_CHECKING:
    from collections.abc import Iterable

PAD, UNKNOWN, BEGIN, END = "[PAD]", "[UNK]", "[BEGIN]", "[END]"
LONGEST = 256  # letters, read or written


def make_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose pieces are the letters of these texts; a text is read with an end behind it."""
    letters = sorted({letter for text in texts for letter in text})
    numbers = {piece: number for number, piece in enumerate((PAD, UNKNOWN, BEGIN, END, *letters))}
    backend = Tokenizer(WordLevel(numbers, unk_token=UNKNOWN))
    backend.pre_tokenizer = Split(Regex(r"[\s\S]"), behavior="isolated")
    backend.decoder = Fuse()
    backend.post_processor = TemplateProcessing(
        single=f"$A {END}", pair=f"$A {END} $B {END}", special_tokens=[(END, numbers[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, *, dropout: float) -> BartForConditionalGeneration:
    """Return a model that knows nothing yet, its weights drawn from torch's generator."""
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=96,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=192,
        decoder_ffn_dim=192,
        max_position_embeddings=LONGEST,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.bos_token_id,
        forced_eos_token_id=None,
        dropout=dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        init_std=0.05,
    )
    return BartForConditionalGeneration(config)
