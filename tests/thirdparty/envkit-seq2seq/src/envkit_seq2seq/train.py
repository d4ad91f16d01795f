"""Train a model to rewrite texts: one loop, from top to bottom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from transformers import AutoModelForSeq2SeqLM

from envkit.api import Result
from envkit.finetune.devices import choose_device
from envkit.finetune.finish import save_best
from envkit.finetune.losses import sequence_cross_entropy
from envkit.finetune.models import fetch_model, longest_input
from envkit.finetune.prepare import prepare
from envkit.finetune.saved_models import load_saved_model
from envkit.finetune.seeds import set_seeds
from envkit.finetune.steps import steps
from envkit_seq2seq.plugin import SMALL
from envkit_seq2seq.predictor import Seq2seqPredictor
from envkit_seq2seq.score import report_scores
from envkit_seq2seq.small import make_model, make_tokenizer

if TYPE_CHECKING:
    import torch

    from envkit.api import Run
    from envkit_seq2seq.examples import Batch
    from envkit_seq2seq.plugin import Seq2seqOptions
    from envkit_seq2seq.read import Seq2seqData

    TaskRun = Run[Seq2seqOptions, Seq2seqData]

SMALL_RATE, USUAL_RATE = 2e-3, 1e-4  # of weights that begin at random, and of trained ones


def finetune(run: TaskRun) -> Result:
    """Train, save the state that is the best on dev, and score it on test."""
    set_seeds(run.seed)
    data, predictor, smoothing = run.data, load(run), run.options.label_smoothing

    def summed_loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        # Teacher forcing: whatever the model would have written, it goes on from the right text.
        logits = model(**batch.source, decoder_input_ids=batch.given).logits
        return sequence_cross_entropy(logits.flatten(0, 1), batch.target.flatten(), label_smoothing=smoothing)

    examples = predictor.read(data.train)
    long = sum(len(example.target) >= predictor.longest for example in examples)
    if long:
        run.report.warn(f"{long} targets are as long as what is written at most, or cut: give --longest more")
    training = prepare(
        run,
        predictor.model,
        examples,
        collate=predictor.batch,
        loss=summed_loss,
        learning_rate=SMALL_RATE if run.options.model == SMALL else USUAL_RATE,
        tokens_per_step=1024,
        rows_per_step=8,
    )
    for step in steps(training):
        for batch in step:
            step.backward(summed_loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            step.report(report_scores({"dev": predictor.judge(data.dev)}).metrics)
    predictor = replace(predictor, model=save_best(training, predictor.tokenizer))
    result = Result(metrics=training.best_metrics)
    if not training.is_stopped:
        run.report.phase("evaluate")
        splits = {"dev": data.dev, "test": data.test}
        result = report_scores({split: predictor.judge(rows) for split, rows in splits.items() if rows})
    return replace(result, decoding={"window": predictor.window})


def load(run: TaskRun) -> Seq2seqPredictor:
    """Make the small model, or load another. Raises: UsageError, MachineError."""
    options, report = run.options, run.report
    device = choose_device(options.device)
    if options.model == SMALL:
        tokenizer = make_tokenizer(text for row in run.data.train for text in (row.text, *row.labels))
        model = make_model(tokenizer, dropout=options.dropout).to(device)
    else:
        path = fetch_model(options.model, report=report)
        model, tokenizer = load_saved_model(path, AutoModelForSeq2SeqLM, device=device, report=report)
    window = min(options.window or longest_input(model, tokenizer), longest_input(model, tokenizer))
    report.say(f"Computing on {device}; {window} pieces are read and {min(window, options.longest)} written")
    return Seq2seqPredictor.of(model, tokenizer, window=window, options=options)
