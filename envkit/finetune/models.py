"""Get a model and its tokenizer, from this machine if it is there and from the model hub if not."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer
from transformers.utils import logging

from envkit.api import DEFAULT_MODEL, RunFailed, UsageError
from envkit.data.check.pieces import read_trained_window
from envkit.finetune.hub import download_model
from envkit.models import check_default_weights, find_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Reporter


NO_LIMIT = 10**6  # pieces; a tokenizer that knows no limit states one of 10**30
USUAL_INPUT = 512  # pieces, where nothing states a limit: what most encoders were trained on


def fetch_model(name: str, *, report: Reporter, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of this model, and say where it was found; the hub is asked last.

    The default model's weights are checked by their hash. Raises: UsageError where there is no such
    model, EnvError where the weights are others or the hub cannot be reached.
    """
    found = find_model(name, environ=environ)
    if found is not None:
        report.say(f"Model {name} from {found.source}")
        path = found.path
    else:
        _refuse_folder(name)
        path = download_model(name, report=report, environ=environ)
    if name == DEFAULT_MODEL:
        check_default_weights(path)
    return path


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model folder, made to cut and pad nothing. Raises: UsageError."""
    with _loading(path, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    if tokenizer.is_fast:
        # Saved with some models (the default one: at 128 pieces), and obeyed in silence.
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def word_start(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return what stands before a word given alone, so that it is not read as the rest of another one.

    A blank for byte-level BPE, whose pieces of whole words begin with one; nothing for all others.
    """
    pre_tokenizer = tokenizer.backend_tokenizer.pre_tokenizer if tokenizer.is_fast else None
    if pre_tokenizer is None:
        return ""
    state = json.loads(pre_tokenizer.__getstate__())
    parts = (state, *state.get("pretokenizers", ()))
    return " " if any(part["type"] == "ByteLevel" for part in parts) else ""


def load_model(
    path: Path, auto_class: Any, *, labels: Sequence[str], device: torch.device, report: Reporter
) -> PreTrainedModel:
    """Load a model folder in float32 with a head for these labels; ``auto_class`` is transformers' AutoModelFor….

    Which label has which number is ``model.config.id2label``: a model that already has these labels keeps
    its numbers. Warns of weights other than the head's that the folder lacks. Raises: UsageError.
    """
    with _loading(path, "model"):
        config = _labelled_config(path, labels)
        model, info = auto_class.from_pretrained(
            path,
            config=config,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    encoder = f"{model.base_model_prefix}."
    missing = [key for key in info["missing_keys"] if key.startswith(encoder) and ".pooler." not in key]
    if missing:
        report.warn(
            f"{len(missing)} weights of the model are not in {path} and begin at random, the first {missing[0]}"
        )
    return model.to(device)


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save model and tokenizer so that transformers opens the folder. Raises: RunFailed."""
    with _saving(folder):
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Save the tokenizer beside an adapter. Raises: RunFailed."""
    with _saving(folder):
        tokenizer.save_pretrained(folder)


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many pieces, special ones included, the model can read at once."""
    stated = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None)]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its kin count positions from behind the padding's.
            taken = 0 if module.padding_idx is None else module.padding_idx + 1
            stated.append(module.num_embeddings - taken)
    limits = [limit for limit in stated if limit and 0 < limit < NO_LIMIT]
    return min(limits, default=USUAL_INPUT)


def usual_window(path: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many pieces at once suit the model of this folder: what it can read, or was trained on if less.

    Sentence models are trained on short texts; see ``read_trained_window`` for what they learn from longer ones.
    """
    longest = longest_input(model, tokenizer)
    return min(longest, read_trained_window(path) or longest)


def _labelled_config(path: Path, labels: Sequence[str]) -> Any:
    config = AutoConfig.from_pretrained(path, trust_remote_code=False)
    if set(config.id2label.values()) != set(labels) or len(config.id2label) != len(labels):
        config.id2label = dict(enumerate(labels))
    # Always: a configuration may lack it, or contradict itself.
    config.label2id = {label: number for number, label in config.id2label.items()}
    return config


def _refuse_folder(name: str) -> None:
    """Raise UsageError where the name is that of a folder or path: the hub has none such."""
    path = Path(name).expanduser()
    if path.exists():
        problem = f"{path} holds no model: expected a folder with config.json and model.safetensors"
    elif path.is_absolute() or name.startswith((".", "~")) or len(path.parts) > 2:
        problem = f"there is no folder {path}"
    else:
        return
    raise UsageError(
        problem, hint="Give --model a folder that save_pretrained wrote, or a name on the model hub"
    )


@contextlib.contextmanager
def _loading(path: Path, part: str) -> Iterator[None]:
    """Turn what transformers cannot load into a UsageError."""
    try:
        with _quiet():
            yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UsageError(
            f"the {part} in {path} cannot be loaded: {reason}",
            hint="Give --model another model, one that needs no code of its own",
        ) from error


@contextlib.contextmanager
def _saving(folder: Path) -> Iterator[None]:
    """Turn what cannot be written into a RunFailed."""
    with _quiet():
        try:
            yield
        except (OSError, SafetensorError) as error:  # what a full disk raises depends on who writes
            raise RunFailed(
                f"the model cannot be saved in {folder}: {error}",
                hint="Make room there, or run again with --run-dir on another disk",
            ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from showing bars and reports: what matters is told by the reporter."""
    verbosity, had_progress = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_progress:
            logging.enable_progress_bar()
