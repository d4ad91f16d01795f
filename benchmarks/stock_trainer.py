"""transformers' Trainer, set up as its own example run_ner.py does, on the sentences that envkit reads."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers import (
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from envkit.finetune.models import load_tokenizer, word_start
from envkit_ner.score import score

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.data.token_rows import Sentence

NOT_LABELLED = -100
CHECKPOINT_SECONDS = 60.0  # as often as envkit


@dataclass(frozen=True)
class Figures:
    """Real tokens a second in training and in evaluation, and the score on dev: for NER strict entity F1."""

    train: float
    evaluation: float
    score: float


class Clock(TrainerCallback):
    """Note when each step ends, and ask for a checkpoint once a minute."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self._saved = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Note the moment."""
        self.moments.append(time.perf_counter())
        if self.moments[-1] - self._saved > CHECKPOINT_SECONDS:
            self._saved, control.should_save = self.moments[-1], True


class Counted:
    """A collator that counts the real tokens of each batch."""

    def __init__(self, collate: Any) -> None:
        self._collate = collate
        self.tokens: list[int] = []

    def __call__(self, rows: list[dict[str, Any]]) -> Any:
        """Collate, and count."""
        self.tokens.append(sum(len(row["input_ids"]) for row in rows))
        return self._collate(rows)


class StockTrainer:
    """The model folder's tokenizer, and the sentences as run_ner.py gives them to its model."""

    def __init__(self, model: Path, train: Sequence[Sentence], dev: Sequence[Sentence]) -> None:
        self._model = model
        self._tokenizer = load_tokenizer(model)
        self._dev = dev
        self._labels = sorted({tag for sentence in (*train, *dev) for tag in sentence.tags})
        self._train_rows, self._dev_rows = self._rows(train), self._rows(dev)
        self.dev_tokens = sum(len(row["input_ids"]) for row in self._dev_rows)

    def run(
        self,
        folder: Path,
        *,
        epochs: int,
        learning_rate: float,
        seed: int,
        is_grouped: bool = False,
        is_bfloat16: bool = False,
    ) -> Figures:
        """Train and evaluate; ``folder`` is for checkpoints."""
        arguments = TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=epochs,
            learning_rate=learning_rate,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=16,
            seed=seed,
            use_cpu=True,
            bf16=is_bfloat16,
            train_sampling_strategy="group_by_length" if is_grouped else "random",
            save_strategy="no",  # the clock says when
            report_to="none",
            disable_tqdm=True,
            logging_strategy="no",
            dataloader_pin_memory=False,
        )
        torch.manual_seed(seed)
        model = AutoModelForTokenClassification.from_pretrained(
            self._model, num_labels=len(self._labels), dtype=torch.float32
        )
        collate = Counted(DataCollatorForTokenClassification(self._tokenizer))
        clock = Clock()
        trainer = Trainer(
            model=model,
            args=arguments,
            data_collator=collate,
            train_dataset=self._train_rows,
            callbacks=[clock],
        )
        trainer.train()
        # The first step warms up; its tokens and time are left out.
        steps = len(clock.moments)
        rate = sum(collate.tokens[1:steps]) / (clock.moments[-1] - clock.moments[0])
        began = time.perf_counter()
        found = trainer.predict(self._dev_rows)  # in the order of the rows
        f1 = self._score(found.predictions)
        seconds = time.perf_counter() - began
        return Figures(rate, self.dev_tokens / seconds, f1)

    def _rows(self, sentences: Sequence[Sentence]) -> list[dict[str, list[int]]]:
        start = word_start(self._tokenizer)
        rows = []
        for sentence in sentences:
            encoded = self._tokenizer(
                [start + word for word in sentence.words], is_split_into_words=True, truncation=True
            )
            labels, before = [], None
            for word in encoded.word_ids():
                is_first = word is not None and word != before
                labels.append(self._labels.index(sentence.tags[word]) if is_first else NOT_LABELLED)
                before = word
            rows.append({"input_ids": encoded["input_ids"], "labels": labels})
        return rows

    def _score(self, logits: Any) -> float:
        """Return the strict entity F1 on dev; logits [sentences, longest, labels] as a numpy array."""
        best = logits.argmax(-1)
        predicted = []
        for sentence, row, numbers in zip(self._dev, self._dev_rows, best, strict=True):
            tags = [
                self._labels[number]
                for number, label in zip(numbers, row["labels"], strict=False)
                if label != NOT_LABELLED
            ]
            # What was cut off is not tagged.
            predicted.append([*tags, *["O"] * (len(sentence.words) - len(tags))])
        return float(
            score([sentence.tags for sentence in self._dev], predicted).metrics("dev")["dev/entity_f1"]
        )
