"""Follow a page: write its listings, apply its changes, run its commands, and hold what they print against the page."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_RUN = re.compile(r"\d{8}-\d{6}-([a-z-]+)-[0-9a-f]{4}")
_PART = " (part)"
_ANYTHING = "..."
MOST_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of a page: its language, the file that it is about, its text, and its line in the page."""

    language: str
    title: str
    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command and the lines that the page shows of what it prints."""

    words: str
    shown: tuple[str, ...]


@dataclass(kw_only=True)
class Reader:
    """Somebody who does what a page says, beginning in ``folder``; ``runs`` says which commands are run at all."""

    folder: Path
    environ: Mapping[str, str]
    runs: Callable[[str], bool] = lambda words: True
    done: list[str] = field(default_factory=list)

    def follow(self, blocks: Iterable[Block]) -> None:
        """Do all of it. Raises: AssertionError with the line of the page where something differs."""
        for block in blocks:
            place = f"line {block.line}"
            if block.language == "console":
                for command in read_commands(block):
                    self._run(command, place)
            elif block.title.endswith(_PART):
                there = (self.folder / block.title.removesuffix(_PART)).read_text(encoding="utf-8")
                assert block.text in there, f"{place}: {block.title} does not hold what is shown"
            elif block.language == "diff":
                file = self.folder / block.title
                file.write_text(change(file.read_text(encoding="utf-8"), block.text, place), encoding="utf-8")
            elif block.title:
                file = self.folder / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text, encoding="utf-8")

    def _run(self, command: Command, place: str) -> None:
        if command.words.startswith("cd "):
            self.folder = (self.folder / command.words.removeprefix("cd ")).resolve(strict=True)
            return
        if not self.runs(command.words):
            return
        done = subprocess.run(
            ["bash", "-c", command.words],
            cwd=self.folder,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        self.done.append(command.words)
        told = f"{place}: {command.words}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, told
        assert is_shown(command.shown, done.stdout.splitlines()), f"{told}\nThe page shows:\n{command.shown}"


def read_blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(language=found[1], title=found[2] or "", text=found[3], line=line)


def read_commands(block: Block) -> list[Command]:
    """Return the commands of a block as in a terminal: a line with ``$``, and what is printed below it."""
    commands: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(words=line.removeprefix("$ "), shown=()))
        else:
            last = commands.pop()
            commands.append(Command(words=last.words, shown=(*last.shown, line)))
    return commands


def change(text: str, diff: str, place: str) -> str:
    """Return a text changed by hunks: their lines stand in it once, one below the other. Raises: AssertionError."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        assert text.count(old) == 1, f"{place}: this stands there {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    return text


def is_shown(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Tell whether what a page shows is what was printed.

    ``...`` is any lines, at the end of a line the rest of it, and any number is any other.
    """
    pattern = "".join(map(_pattern, shown))
    return re.fullmatch(pattern, "".join(_plain(line) + "\n" for line in printed)) is not None


def _pattern(line: str) -> str:
    if line == _ANYTHING:
        return r"(?:.*\n)*?"
    rest = r".*\n" if line.endswith(_ANYTHING) else r"\n"
    return re.escape(_plain(line.removesuffix(_ANYTHING))) + rest


def _plain(line: str) -> str:
    """Return a line without what differs from machine to machine: numbers, ids of runs, how far columns stand apart."""
    return re.sub(" {2,}", "  ", _NUMBER.sub("0", _RUN.sub(r"RUN-\1", line))).rstrip()
