"""What people see: aligned tables, warnings and numbers."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from envkit.cli.printable import printable
from envkit.cli.wide_tables import cell_text, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api.records import TableRecord


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Let the error through: rich's own way ends the program, and with it a run that needs no reader."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def screen(*, to_stderr: bool = False) -> Console:
    """Return the console: plain and unwrapped where it is not a terminal, without colour under NO_COLOR."""
    stream = sys.stderr if to_stderr else sys.stdout
    return _Screen(file=stream, highlight=False, soft_wrap=True, emoji=False, markup=False)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, console: Console | None = None, indent: str = ""
) -> None:
    """Print rows under a head, aligned by the width of the characters on screen; on a terminal the last column wraps."""
    console = console or screen()
    columns = [printable(name) for name in columns]
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(cell_len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    numeric = [_is_numeric(column) for column in zip(*rows, strict=True)] if rows else [False] * len(columns)
    console.print(Text(indent + _line(columns, widths, numeric), style="bold"))
    last = len(indent) + sum(widths[:-1]) + 2 * (len(widths) - 1)
    room = console.width - last
    for row in rows:
        if not console.is_terminal or room < 20 or cell_len(row[-1]) <= room:
            console.print(Text(indent + _line(row, widths, numeric)))
            continue
        first, *more = Text(row[-1]).wrap(console, room)
        console.print(Text(indent + _line((*row[:-1], first.plain), widths, numeric)))
        for line in more:
            console.print(Text(" " * last) + line)


def print_pairs(pairs: Sequence[tuple[str, str]], *, console: Console | None = None) -> None:
    """Print names and values in two columns; on a terminal, long values wrap at words inside theirs."""
    console = console or screen()
    pairs = [(printable(name), printable(value)) for name, value in pairs]
    indent = max(cell_len(name) for name, _ in pairs) + 2
    for name, value in pairs:
        lines = (
            Text(value).wrap(console, max(20, console.width - indent))
            if console.is_terminal
            else [Text(value)]
        )
        for number, line in enumerate(lines):
            # Not the style of the whole text: what is appended would take it on.
            head = Text.assemble((name, "bold")) if number == 0 else Text()
            head.append(" " * (indent - head.cell_len))
            console.print(head + line)


def print_wrapped(text: str, *, console: Console) -> None:
    """Print a line; on a terminal it wraps at words."""
    console.print(Text(text), soft_wrap=not console.is_terminal)


def print_record_table(table: TableRecord, *, console: Console | None = None) -> None:
    """Print a table of a run's result under its title, made to fit where it is wider than the screen."""
    console = console or screen()
    indent = "  "
    table = fit(table, width=console.width - len(indent))
    console.print()
    console.print(Text(table.title, style="bold"))
    print_table(
        table.columns,
        [[cell_text(cell) for cell in row] for row in table.rows],
        console=console,
        indent=indent,
    )


def path_text(path: Path) -> str:
    """Return the path as short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def size_text(count: float) -> str:
    """Return a number of bytes as people read it: ``1.2 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def seconds_text(seconds: float) -> str:
    """Return a duration as people read it: ``0.4 s``, ``12 s``, ``3:07``, ``1:02:03``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _is_numeric(column: Sequence[str]) -> bool:
    return all(cell.replace(".", "", 1).isdigit() for cell in column)


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = []
    for cell, width, is_number in zip(cells, widths, numeric, strict=True):
        gap = " " * (width - cell_len(cell))
        parts.append(gap + cell if is_number else cell + gap)
    return "  ".join(parts).rstrip()
