"""Fine-tune a model to tell relations: one loop, from top to bottom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from transformers import AutoModelForTokenClassification

from envkit.api import Result
from envkit.finetune.added_tokens import add_tokens
from envkit.finetune.devices import choose_device
from envkit.finetune.finish import save_best
from envkit.finetune.losses import sequence_cross_entropy
from envkit.finetune.models import fetch_model, load_model, load_tokenizer, longest_input, usual_window
from envkit.finetune.prepare import prepare
from envkit.finetune.seeds import set_seeds
from envkit.finetune.steps import steps
from envkit_relation.predictor import RelationPredictor
from envkit_relation.read import MARKERS
from envkit_relation.score import report_scores

if TYPE_CHECKING:
    import torch

    from envkit.api import Run
    from envkit.finetune.text_examples import TextBatch
    from envkit_relation.plugin import RelationOptions
    from envkit_relation.read import RelationData

    TaskRun = Run[RelationOptions, RelationData]


def finetune(run: TaskRun) -> Result:
    """Fine-tune, save the state that is the best on dev, and score it on test."""
    set_seeds(run.seed)
    data, predictor, no_relation = run.data, load(run), run.options.no_relation

    def summed_loss(model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        return sequence_cross_entropy(predictor.logits(model, batch), batch.labels)

    training = prepare(
        run,
        predictor.model,
        predictor.read(data.train),
        collate=predictor.batch,
        loss=summed_loss,
        learning_rate=1e-4,
        tokens_per_step=512,
        rows_per_step=8,
    )
    for step in steps(training):
        for batch in step:
            step.backward(summed_loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            step.report(report_scores({"dev": predictor.judge(data.dev)}, no_relation).metrics)
    predictor = replace(predictor, model=save_best(training, predictor.tokenizer))
    result = Result(metrics=training.best_metrics)
    if not training.is_stopped:
        run.report.phase("evaluate")
        splits = {"dev": data.dev, "test": data.test}
        judged = {split: predictor.judge(rows) for split, rows in splits.items() if rows}
        result = report_scores(judged, no_relation)
    return replace(result, decoding={"window": predictor.window})


def load(run: TaskRun) -> RelationPredictor:
    """Load model and tokenizer. Raises: UsageError, MachineError."""
    options, report = run.options, run.report
    device = choose_device(options.device)
    path = fetch_model(options.model, report=report)
    tokenizer = load_tokenizer(path)
    labels = [f"{marker} {label}" for marker in MARKERS[::2] for label in run.data.labels]
    model = load_model(path, AutoModelForTokenClassification, labels=labels, device=device, report=report)
    add_tokens(model, tokenizer, MARKERS)
    window = min(options.window or usual_window(path, model, tokenizer), longest_input(model, tokenizer))
    report.say(f"Computing on {device}; a window holds {window} word pieces")
    return RelationPredictor.of(model, tokenizer, window=window, options=options)
