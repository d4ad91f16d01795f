"""A reporter that remembers, a tiny model of the sample's words, and files to write data into."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

# A busy machine is no fault of the code's.
settings.register_profile("envkit-classification", deadline=None)
settings.load_profile("envkit-classification")

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_classification" / "sample"


@dataclass
class Record:
    """A reporter that keeps what it is told."""

    phases: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    plans: list[tuple[int, float]] = field(default_factory=list)
    steps: list[tuple[int, float]] = field(default_factory=list)
    scores: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def plan(self, *, steps: int, epochs: float) -> None:
        self.plans.append((steps, epochs))

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        self.steps.append((step, loss))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self.scores.append((step, dict(values)))

    def choice(self, name: str, value: str, reason: str) -> None:
        self.choices[name] = value

    def measured(self, name: str, value: float) -> None:
        self.figures[name] = value


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that ENVKIT_TEST_DATA names; missing where it is required, it fails."""
    folder = Path(os.environ.get("ENVKIT_TEST_DATA", ""))
    if "ENVKIT_TEST_DATA" in os.environ and (folder / "trec").is_dir():
        return folder
    if "data" in os.environ.get("ENVKIT_REQUIRE", "").split(","):
        pytest.fail(f"ENVKIT_REQUIRE asks for data, but there is none in {folder}")
    pytest.skip("ENVKIT_TEST_DATA names no folder with data")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT that knows nothing yet, and a WordPiece tokenizer of the sample's words."""
    from envkit.testing.tiny_model import make_tiny_model

    texts = (SAMPLE_DIR / "train.csv").read_text(encoding="utf-8").splitlines()
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model", texts)
