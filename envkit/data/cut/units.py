"""The units of a data file that a split takes whole, and the text that some of them make again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

By = Literal["label", "paragraph", "document", "none"]
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")


@dataclass(frozen=True)
class Unit:
    """What no split tears apart: so many rows, the label by which to divide it, and what it is in the file.

    Units of one ``text`` are copies, which go to one split; None is a copy of nothing.
    """

    content: Any = field(repr=False)
    rows: int = 1
    key: str = ""
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CutFile:
    """A file as units; ``join`` makes a file's text of some of them.

    ``by`` says what they keep together, or by what they are to be divided; ``noun`` what is counted;
    ``suffix`` is that of files of this content.
    """

    units: tuple[Unit, ...]
    join: Callable[[Sequence[Unit]], str]
    by: By
    noun: str = "row"
    suffix: str = ".txt"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is to be read, where guessing is not enough; as the options of tasks say it."""

    task: str | None = None
    format: str = "auto"
    encoding: str | None = None
    text_column: str | None = None
    label_column: str | None = None


def keep_ends(text: str) -> list[str]:
    """Return the lines of a text with their ends."""
    return [line for line in _LINE.findall(text) if line]


def line_end(text: str) -> str:
    """Return what ends the first line."""
    found = re.search(r"\r\n|\n|\r", text)
    return found[0] if found else "\n"


def closed(content: str, end: str) -> str:
    """Return lines of which the last has its end, which the last one of a file may lack."""
    return content if content.endswith(("\n", "\r")) else content + end


def join_lines(text: str, *, head: str = "", between: str = "") -> Callable[[Sequence[Unit]], str]:
    """Return what joins units of the lines of this text, behind a head."""
    end = line_end(text)

    def join(chosen: Sequence[Unit]) -> str:
        return head + between.join(closed(unit.content, end) for unit in chosen)

    return join
