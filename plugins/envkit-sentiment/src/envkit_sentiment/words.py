"""The words that a model from nothing reads: those of the training texts, as a tokenizer of transformers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFC, Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PAD, UNKNOWN, BEGIN, BETWEEN = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
MOST_WORDS = 30_000
FEWEST_TIMES = 2  # rarer words are read as unknown, of which the model so learns what to make
WINDOW = 512  # words read at once; what is beyond is read in further windows

# A word with its apostrophes and hyphens, or a single other character: "don't", "so-so", "!".
_WORD = r"[\p{L}\p{M}\p{N}_]+(?:['’\-][\p{L}\p{M}\p{N}_]+)*|[^\s\p{L}\p{M}\p{N}_]"


def make_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer of the words that these texts have, the most frequent if there are many.

    A text is read as ``[CLS] words``, a pair as ``[CLS] words [SEP] words``, so that none is ever empty.
    """
    backend = Tokenizer(WordLevel({UNKNOWN: 0}, unk_token=UNKNOWN))
    backend.normalizer = Sequence([NFC(), Replace(Regex(r"<[a-zA-Z/][^<>]{0,40}>"), " "), Lowercase()])
    backend.pre_tokenizer = Split(Regex(_WORD), behavior="removed", invert=True)
    counts: Counter[str] = Counter()
    for text in texts:
        normal = backend.normalizer.normalize_str(text)
        counts.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal))
    # By count, then by spelling: the same texts in any order give the same numbers.
    words = sorted((word for word in counts if counts[word] >= FEWEST_TIMES), key=lambda w: (-counts[w], w))
    special = (PAD, UNKNOWN, BEGIN, BETWEEN)
    numbers = {word: number for number, word in enumerate((*special, *words[:MOST_WORDS]))}
    backend.model = WordLevel(numbers, unk_token=UNKNOWN)
    backend.add_special_tokens(list(special))
    backend.post_processor = TemplateProcessing(
        single=f"{BEGIN} $A",
        pair=f"{BEGIN} $A {BETWEEN}:1 $B:1",
        special_tokens=[(BEGIN, numbers[BEGIN]), (BETWEEN, numbers[BETWEEN])],
    )
    return _wrap(backend)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Return the tokenizer that was saved with a model. Raises: OSError, Exception of tokenizers."""
    return _wrap(Tokenizer.from_file(str(folder / "tokenizer.json")))


def _wrap(backend: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        unk_token=UNKNOWN,
        cls_token=BEGIN,
        sep_token=BETWEEN,
        model_max_length=WINDOW,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
