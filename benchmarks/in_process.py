"""Fine-tune in this process, as the worker does, and keep what the loop reports."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import Request, Run
from envkit.api.options import from_builtins
from envkit.registry import load_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import Result


@dataclass
class Account:
    """A reporter that keeps what it is told, with the moment of each step and phase."""

    phases: list[tuple[str, float]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    steps: list[tuple[int, float, int, float]] = field(default_factory=list)
    scores: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    scored_at: list[float] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)

    def phase(self, name: str) -> None:
        """Keep the phase."""
        self.phases.append((name, time.perf_counter()))

    def say(self, text: str) -> None:
        """Keep the text."""
        self.said.append(text)

    def warn(self, text: str) -> None:
        """Keep the text."""
        self.said.append(f"warning: {text}")

    def plan(self, *, steps: int, epochs: float) -> None:
        """Take no note of it."""

    def step(self, step: int, *, loss: float, tokens: int, learning_rate: float | None = None) -> None:
        """Keep the step."""
        self.steps.append((step, loss, tokens, time.perf_counter()))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the scores."""
        self.scores.append((step, dict(values)))
        self.scored_at.append(time.perf_counter())

    def choice(self, name: str, value: str, reason: str) -> None:
        """Keep the choice."""
        self.choices[name] = f"{value}: {reason}"

    def measured(self, name: str, value: float) -> None:
        """Keep the figure."""
        self.measures[name] = value

    def seconds(self, phase: str) -> float:
        """Return the seconds spent in this phase."""
        ends = [moment for _, moment in self.phases[1:]] + [time.perf_counter()]
        return sum(end - began for (name, began), end in zip(self.phases, ends, strict=True) if name == phase)


def finetune(task: str, options: Mapping[str, Any]) -> tuple[Result, Account]:
    """Run the task with these options in a temporary folder; return its result and what it reported."""
    loaded = load_task(task)
    typed = from_builtins(dict(options), loaded.task.options)
    account = Account()
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder)
        model_dir = run_dir / "model"
        model_dir.mkdir()
        data = loaded.read(Request(options=typed, report=account))
        run: Run[Any, Any] = Run(
            options=typed,
            data=data,
            run_dir=run_dir,
            model_dir=model_dir,
            report=account,
            should_stop=lambda: False,
            headline=loaded.task.headline,
        )
        return loaded.finetune(run), account
