"""End a training: take the best state, save it, and report what the training came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from envkit.finetune.adapters import merge, save_adapter
from envkit.finetune.failing_rows import refuse_ruined_weights
from envkit.finetune.models import save_model, save_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from envkit.finetune.training import Training


def save_best(training: Training[Any, Any], tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """Save the best state, or the last where dev has judged none, and return the very model that was saved.

    It computes in float32, whatever the training computed in: so its final scores are those that
    transformers gives with the folder. An adapter is saved as one, or with ``--merge`` in a plain model.
    Raises: RunFailed where it cannot be saved.
    """
    run, position = training.run, training.position
    run.report.phase("save")
    best = training.take_best()
    if best is None:
        run.report.say(f"Kept the model as it was after {position.step} steps; it was never scored")
    elif best != position.step:
        run.report.say(f"Kept the model of step {best}, the best on dev")
    refuse_ruined_weights(training)
    _report_figures(training)
    adapters = training.updater.adapters
    model: PreTrainedModel = training.model
    if adapters is not None and not training.options.merge:
        save_adapter(adapters, run.model_dir)
        save_tokenizer(tokenizer, run.model_dir)
        return model
    if adapters is not None:
        model = merge(adapters)
    save_model(model, tokenizer, run.model_dir)
    return model


def _report_figures(training: Training[Any, Any]) -> None:
    """Report what the training cost: real tokens a second, padding, and a GPU's memory."""
    report, position = training.run.report, training.position
    if position.tokens and position.train_seconds:
        report.measured("tokens_per_second", position.tokens / position.train_seconds)
        report.measured("padding_ratio", position.computed_tokens / position.tokens)
    if torch.cuda.is_initialized():
        report.measured("peak_gpu_bytes", torch.cuda.max_memory_allocated())
