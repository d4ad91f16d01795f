"""A reporter for tests: it keeps what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Heard:
    """What a loop has reported, in order.

    ``steps`` holds (step, loss, tokens, learning rate), ``scores`` (step, metrics), ``plans`` (steps, epochs),
    ``choices`` (value, reason) by name.
    """

    phases: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    plans: list[tuple[int, float]] = field(default_factory=list)
    steps: list[tuple[int, float, int, float | None]] = field(default_factory=list)
    scores: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    choices: dict[str, tuple[str, str]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def step_number(self) -> int:
        """Return the last step's number, 0 before the first."""
        return self.steps[-1][0] if self.steps else 0

    def phase(self, name: str) -> None:
        """Keep the phase."""
        self.phases.append(name)

    def say(self, text: str) -> None:
        """Keep the text."""
        self.said.append(text)

    def warn(self, text: str) -> None:
        """Keep the text."""
        self.warned.append(text)

    def plan(self, *, steps: int, epochs: float) -> None:
        """Keep the plan."""
        self.plans.append((steps, epochs))

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Keep the step."""
        self.steps.append((step, loss, tokens, learning_rate))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the scores."""
        self.scores.append((step, dict(values)))

    def choice(self, name: str, value: str, reason: str) -> None:
        """Keep the choice."""
        self.choices[name] = (value, reason)

    def measured(self, name: str, value: float) -> None:
        """Keep the figure."""
        self.figures[name] = value
