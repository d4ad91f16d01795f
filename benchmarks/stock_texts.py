"""transformers' Trainer with its own defaults on texts with a label: 8 rows a step, float32, random order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from stock_trainer import Clock, Counted, Figures
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from envkit.finetune.models import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.data.rows import TextRow

LONGEST = 512  # pieces; what is beyond is cut, as the Trainer's examples do


class StockTexts:
    """The rows as transformers' examples give them to a model: cut at its limit, padded to the longest of a batch."""

    def __init__(self, model: Path, train: Sequence[TextRow], dev: Sequence[TextRow]) -> None:
        self._model = model
        self._tokenizer = load_tokenizer(model)
        self._labels = sorted({row.labels[0] for row in train})
        self._train, self._dev = self._rows(train), self._rows(dev)
        self.dev_tokens = sum(len(row["input_ids"]) for row in self._dev)

    def run(
        self, folder: Path, *, epochs: float, learning_rate: float, seed: int, max_steps: int = -1
    ) -> Figures:
        """Train and evaluate; ``folder`` is for checkpoints. The score is accuracy on dev."""
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
        model = AutoModelForSequenceClassification.from_pretrained(
            self._model, num_labels=len(self._labels), dtype=torch.float32
        )
        collate, clock = Counted(DataCollatorWithPadding(self._tokenizer)), Clock()
        trainer = Trainer(
            model=model, args=arguments, data_collator=collate, train_dataset=self._train, callbacks=[clock]
        )
        trainer.train()
        # The first step warms up; its tokens and time are left out.
        steps = len(clock.moments)
        rate = sum(collate.tokens[1:steps]) / (clock.moments[-1] - clock.moments[0])
        began = time.perf_counter()
        best = trainer.predict(self._dev).predictions.argmax(-1)
        seconds = time.perf_counter() - began
        right = sum(int(number == row["labels"]) for number, row in zip(best, self._dev, strict=True))
        return Figures(rate, self.dev_tokens / seconds, right / len(self._dev))

    def _rows(self, rows: Sequence[TextRow]) -> list[dict[str, Any]]:
        encoded = self._tokenizer([row.text for row in rows], truncation=True, max_length=LONGEST)
        return [
            {
                "input_ids": pieces,
                "attention_mask": [1] * len(pieces),
                "labels": self._labels.index(row.labels[0]),
            }
            for pieces, row in zip(encoded["input_ids"], rows, strict=True)
        ]
