"""An encoder-decoder small enough for a test: BART's shape, random weights, a tokenizer of the words it will read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.testing.tiny_model import LONGEST, save_tiny_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def make_tiny_seq2seq(folder: Path, texts: Iterable[str], *, dropout: float = 0.1) -> Path:
    """Save in ``folder`` a model for ``AutoModelForSeq2SeqLM`` that has learned nothing yet, and its tokenizer.

    ``texts`` are those that it will read and write. Encoder and decoder have two layers of 48 numbers each, which read
    and write at most 128 pieces; ``[CLS]`` begins what is written, ``[SEP]`` ends it. Needs torch and transformers.
    Return the folder.
    """
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = save_tiny_tokenizer(folder, texts)
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=48,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=96,
        decoder_ffn_dim=96,
        max_position_embeddings=LONGEST,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        decoder_start_token_id=tokenizer.cls_token_id,
        forced_eos_token_id=None,
        dropout=dropout,
        attention_dropout=dropout,
        activation_dropout=dropout,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BartForConditionalGeneration(config).save_pretrained(folder)
    return folder
