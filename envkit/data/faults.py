"""Keep what is wrong in the rows of a file while reading goes on, so that one pass finds all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from envkit.api import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong in a file at a line (from 1); those of one ``kind`` are one to the user.

    An ``error`` tells of the first of its kind, a ``warning`` or ``note`` of all ``count`` of them.
    """

    kind: str
    message: str
    line: int
    hint: str = ""
    level: Literal["error", "warning", "note"] = "error"
    count: int = 1

    def error(self, file: Path) -> DataError:
        """Return it as what ends the reading of this file."""
        others = f" (the first of {self.count})" if self.count > 1 else ""
        return DataError(self.message + others, file=file, line=self.line, hint=self.hint or None)

    def text(self, file: Path) -> str:
        """Return it as one line for the user."""
        return f"{file}:{self.line}: {self.message}"

    def problem(self, file: Path) -> Problem:
        """Return it as what is told of the data before a run."""
        return Problem(
            level=self.level,
            message=self.message,
            place=f"{file.name}:{self.line}",
            count=self.count,
            hint=self.hint,
        )


def count_kinds(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the first fault of each kind, in the order of lines, with the count of all of its kind."""
    firsts: dict[str, Fault] = {}
    for fault in sorted(faults, key=lambda fault: fault.line):
        first = firsts.get(fault.kind)
        firsts[fault.kind] = fault if first is None else replace(first, count=first.count + fault.count)
    return tuple(firsts.values())


class BadRow(ValueError):
    """Say why a row cannot be read at all, and what it should look like; its reader knows where it stands."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def fault(self, line: int) -> Fault:
        """Return it as a fault of the row on this line."""
        return Fault(kind="row", message=self.message, line=line, hint=self.hint)
