"""The four tasks and what they are checked with: their samples, and their own scores of gold against gold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envkit.testing import Contract

if TYPE_CHECKING:
    from collections.abc import Mapping

PLUGINS_DIR = Path(__file__).parents[1] / "plugins"


def sample(task: str, suffix: str) -> dict[str, Path]:
    """Return the files of a plugin's sample by split."""
    folder = PLUGINS_DIR / f"envkit-{task}" / "src" / f"envkit_{task}" / "sample"
    return {split: folder / f"{split}{suffix}" for split in ("train", "dev", "test")}


def score_ner(file: Path) -> Mapping[str, float]:
    from envkit.data.token_rows import read_sentences
    from envkit_ner.score import score

    tags = [sentence.tags for sentence in read_sentences(file).sentences]
    return score(tags, tags).metrics("gold")


def score_classification(file: Path) -> Mapping[str, float]:
    from envkit.data.texts import read_texts
    from envkit_classification.score import Score, indicators

    rows = [row.labels for row in read_texts(file).rows]
    labels = tuple(sorted({label for row in rows for label in row}))
    gold = indicators(rows, labels)
    return Score(labels, gold, gold).metrics("gold")


def score_sentiment(file: Path) -> Mapping[str, float]:
    import numpy

    from envkit.data.texts import read_texts
    from envkit_sentiment.score import Score

    names = [row.labels[0] for row in read_texts(file).rows]
    levels = sorted(set(names))
    numbers = numpy.array([levels.index(name) for name in names])
    values = [float(number) for number in range(len(levels))]
    return Score(numbers, numbers, levels, values, is_ordinal=True).metrics("gold")


def score_qa(file: Path) -> Mapping[str, float]:
    from envkit.data.squad import read_questions
    from envkit_qa.score import score

    gold = [[answer.text for answer in question.answers] for question in read_questions(file).questions]
    return score([texts[0] if texts else "" for texts in gold], gold, rules="2.0").metrics("gold")


CONTRACTS = {
    "classification": Contract(
        task="classification",
        files=sample("classification", ".csv"),
        options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},
        score_gold=score_classification,
    ),
    "ner": Contract(
        task="ner",
        files=sample("ner", ".conll"),
        options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},
        score_gold=score_ner,
    ),
    "qa": Contract(
        task="qa",
        files=sample("qa", ".json"),
        options={"epochs": 1, "max_steps": 30, "learning_rate": 5e-3},
        score_gold=score_qa,
    ),
    "sentiment": Contract(
        task="sentiment",
        files=sample("sentiment", ".csv"),
        options={"epochs": 1, "max_steps": 40, "learning_rate": 5e-3},
        score_gold=score_sentiment,
    ),
}
