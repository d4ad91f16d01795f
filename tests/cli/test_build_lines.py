"""What a build says while it goes on: words for envkit's own steps, one line for what a cache had."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from envkit.cli.build_lines import BuildLines, step_words
from envkit.cli.progress import PlainScreen
from envkit.images.building.dockerfile_steps import instructions

GOLDEN = Path(__file__).parents[1] / "images" / "rendering" / "golden"


class Lines:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def step(self, text: str) -> None:
        self.steps.append(text)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.Dockerfile")), ids=lambda file: file.name)
def test_step_words_know_every_step_of_envkits_own_templates(file: Path) -> None:
    for line in instructions(file.read_text()):
        title = " ".join(line.split())
        if title.split()[0] in ("FROM", "RUN", "COPY"):
            words = step_words(title)
            assert words != title and "/" not in words.partition("the base image")[0], title


def test_step_words_of_an_authors_own_instruction_are_its_own() -> None:
    assert (
        step_words("COPY [lock/envkit.lock, /opt/envkit/envkit.lock]") == "copying the lock"
    )  # as BuildKit says it
    assert step_words("RUN apt-get update") == "RUN apt-get update"
    assert step_words("FROM python:3.11-slim@sha256:55 AS base") == "the base image python:3.11-slim"


def test_build_lines_fit_a_terminal_and_count_what_was_cached() -> None:
    screen: Any = Lines()
    lines = BuildLines(screen)

    for number in (1, 3, 2):
        lines.step(number, 12, "COPY a b", False, None)
        lines.step(number, 12, "COPY a b", True, 0.0)
    lines.step(4, 12, "RUN " + "word: " * 40, False, None)
    lines.line("Downloading torch")
    lines.step(4, 12, "RUN " + "word: " * 40, False, 75.0)
    lines.step(12, 12, "exporting to image", False, None)
    lines.line("layers")
    lines.step(12, 12, "exporting to image", False, 0.1)
    lines.finish()

    assert screen.said[0] == "3 steps cached"
    assert screen.said[1].startswith("[4/12]   1:15  RUN word")
    assert screen.said[2:] == ["[12/12]  0.1 s  writing the image"]
    assert all(len(line) <= 80 for line in screen.said)
    # How far a step is stands behind the only colon: so a plain log has it every few seconds alone.
    assert screen.steps[-1].partition(": ") == ("[12/12] writing the image", ": ", "layers")


def test_build_that_is_all_cached_is_two_lines_of_a_log() -> None:
    out = io.StringIO()
    lines = BuildLines(PlainScreen(Console(file=out, width=80, soft_wrap=True), "", clock=lambda: 5.0))

    lines.step(1, 20, "FROM base:1", False, None)
    lines.step(1, 20, "FROM base:1", False, 0.0)
    for number in range(2, 20):
        lines.step(number, 20, f"COPY {number} b", False, None)
        lines.step(number, 20, f"COPY {number} b", True, 0.0)
    lines.step(20, 20, "exporting to image", False, None)
    lines.step(20, 20, "exporting to image", False, 0.1)
    lines.finish()

    assert out.getvalue().splitlines() == [
        "building: [1/20] the base image base 1",
        "nothing is new: every step was cached",
    ]
