"""Open what ``save_best`` saved, a whole model or an adapter, to predict with."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from transformers import AutoConfig

from envkit.api import EnvError, UsageError
from envkit.finetune.adapters import BASE_CONFIG
from envkit.finetune.added_tokens import fit_embedding
from envkit.finetune.attention import speed_up_attention
from envkit.finetune.models import fetch_model, load_model, load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.api import Reporter

ADAPTER_CONFIG = "adapter_config.json"  # peft's


def load_saved_model(
    folder: Path, auto_class: Any, *, device: torch.device, report: Reporter
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return model and tokenizer of a run's model folder, in float32 and ready to predict with.

    An adapter is put on the model that it was trained for, which is fetched like any other.
    Raises: UsageError where the folder holds no model, EnvError where peft is missing.
    """
    tokenizer = load_tokenizer(folder)
    if (folder / ADAPTER_CONFIG).exists():
        model = _load_adapted(folder, auto_class, tokenizer, device=device, report=report)
    else:
        labels = tuple(AutoConfig.from_pretrained(folder).id2label.values())
        model = load_model(folder, auto_class, labels=labels, device=device, report=report)
    model.eval()
    speed_up_attention(model)  # as the training's evaluations had it: the same sums, and sooner
    return model, tokenizer


def _load_adapted(
    folder: Path,
    auto_class: Any,
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: torch.device,
    report: Reporter,
) -> PreTrainedModel:
    try:
        import peft
    except ImportError as error:
        from envkit.owner import install_command  # for an error alone

        raise EnvError(
            f"{folder} holds an adapter, which needs the package peft: {error}",
            hint=f"Install it: {install_command('envkit-ml[finetune]')}",
        ) from error
    base = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
    try:
        kept = json.loads((folder / BASE_CONFIG).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{folder} holds an adapter without {BASE_CONFIG}, which has its labels",
            hint="Give the model folder of a run as the run left it",
        ) from error
    path = fetch_model(base, report=report)
    labels = [kept["id2label"][str(number)] for number in range(len(kept["id2label"]))]
    model = load_model(path, auto_class, labels=labels, device=device, report=report)
    # A base with these labels in another order would have kept its own; the adapter's head has this one.
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: number for number, label in enumerate(labels)}
    model.config.problem_type = kept.get("problem_type")
    fit_embedding(model, tokenizer)  # tokens that were added for the training, whose rows no adapter holds
    with warnings.catch_warnings():
        # peft asks transformers in a way that transformers 6 will forget; no one else can mend it.
        warnings.simplefilter("ignore", FutureWarning)
        wrapped = peft.PeftModel.from_pretrained(model, folder)
    adapted: PreTrainedModel = wrapped.get_base_model()  # with the adapter inside
    return adapted.to(device)
