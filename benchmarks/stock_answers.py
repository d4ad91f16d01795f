"""transformers' Trainer on questions, set up as its example run_qa.py: windows padded to 384, 8 a step, float32."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from stock_trainer import Clock, Counted, Figures
from transformers import AutoModelForQuestionAnswering, Trainer, TrainingArguments, default_data_collator

from envkit.finetune.models import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from envkit.data.rows import Question

WINDOW, STRIDE = 384, 128  # pieces, as in run_qa.py
LONGEST_ANSWER, CANDIDATES = 30, 20


class StockAnswers:
    """The questions as run_qa.py gives them to a model, and answers found as it finds them."""

    def __init__(
        self,
        model: Path,
        train: Sequence[Question],
        dev: Sequence[Question],
        *,
        score: Callable[[Sequence[str]], float],
    ) -> None:
        self._model = model
        self._tokenizer = load_tokenizer(model)
        self._dev, self._score = dev, score
        self._train = [_labelled(*row, train) for row in self._windows(train)]
        self._dev_windows = self._windows(dev)
        self.dev_tokens = sum(sum(row["attention_mask"]) for row, _, _ in self._dev_windows)

    def run(
        self,
        folder: Path,
        *,
        epochs: float,
        learning_rate: float,
        seed: int,
        max_steps: int = -1,
        is_cut: bool = False,
    ) -> Figures:
        """Train and evaluate; ``folder`` is for checkpoints. The score is what ``score`` says of the answers.

        Where ``is_cut``, batches end with their longest window instead of at 384 pieces: three times as fast.
        """
        arguments = TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=epochs,
            max_steps=max_steps,
            learning_rate=learning_rate,
            seed=seed,
            use_cpu=True,
            save_strategy="no",  # the clock says when
            report_to="none",
            disable_tqdm=True,
            logging_strategy="no",
            dataloader_pin_memory=False,
        )
        torch.manual_seed(seed)
        model = AutoModelForQuestionAnswering.from_pretrained(self._model, dtype=torch.float32)
        collate, clock = CountedWindows(_cut_collator if is_cut else default_data_collator), Clock()
        trainer = Trainer(
            model=model, args=arguments, data_collator=collate, train_dataset=self._train, callbacks=[clock]
        )
        trainer.train()
        steps = len(clock.moments)
        rate = sum(collate.tokens[1:steps]) / (clock.moments[-1] - clock.moments[0])
        began = time.perf_counter()
        found = trainer.predict([row for row, _, _ in self._dev_windows]).predictions
        answers = self._answers(found[0], found[1])
        seconds = time.perf_counter() - began
        return Figures(rate, self.dev_tokens / seconds, self._score(answers))

    def _windows(self, questions: Sequence[Question]) -> list[tuple[dict[str, Any], int, list[Any]]]:
        """Return for each window what the model reads, the question's number, and offsets in the context."""
        encoded = self._tokenizer(
            [question.question.lstrip() for question in questions],
            [question.context for question in questions],
            truncation="only_second",
            max_length=WINDOW,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )
        rows = []
        for place, number in enumerate(encoded["overflow_to_sample_mapping"]):
            parts = encoded.sequence_ids(place)
            offsets = [
                offset if part == 1 else None
                for offset, part in zip(encoded["offset_mapping"][place], parts, strict=True)
            ]
            read = {name: encoded[name][place] for name in ("input_ids", "attention_mask", "token_type_ids")}
            rows.append((read, number, offsets))
        return rows

    def _answers(self, starts: Any, ends: Any) -> list[str]:
        found: dict[int, list[tuple[float, str]]] = defaultdict(list)
        for place, (_, number, offsets) in enumerate(self._dev_windows):
            best_ends = ends[place].argsort()[::-1][:CANDIDATES]
            for start in starts[place].argsort()[::-1][:CANDIDATES]:
                for end in best_ends:
                    if offsets[start] and offsets[end] and start <= end < start + LONGEST_ANSWER:
                        text = self._dev[number].context[offsets[start][0] : offsets[end][1]]
                        found[number].append((float(starts[place][start] + ends[place][end]), text))
        return [max(found[number], default=(0.0, ""))[1] for number in range(len(self._dev))]


class CountedWindows(Counted):
    """A collator that counts the real tokens of windows that are padded already."""

    def __call__(self, rows: list[dict[str, Any]]) -> Any:
        """Collate, and count."""
        self.tokens.append(sum(sum(row["attention_mask"]) for row in rows))
        return self._collate(rows)


def _cut_collator(rows: list[dict[str, Any]]) -> dict[str, Any]:
    batch = default_data_collator(rows)
    longest = int(batch["attention_mask"].sum(1).max())
    return {name: each[:, :longest] if each.dim() == 2 else each for name, each in batch.items()}


def _labelled(
    row: dict[str, Any], number: int, offsets: list[Any], questions: Sequence[Question]
) -> dict[str, Any]:
    """Return the window with the places of its answer's first and last piece, 0 where it is not there."""
    start = end = 0
    for answer in questions[number].answers[:1]:
        stop = answer.start + len(answer.text)
        inside = [place for place, offset in enumerate(offsets) if offset]
        if offsets[inside[0]][0] <= answer.start and stop <= offsets[inside[-1]][1]:
            start = max(place for place in inside if offsets[place][0] <= answer.start)
            end = min(place for place in inside if offsets[place][1] >= stop)
    return {**row, "start_positions": start, "end_positions": end}
