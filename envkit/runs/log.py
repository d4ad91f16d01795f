"""Show the end of a worker's log as a terminal would have shown it, progress bars overwritten."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 256 * 1024  # of the end of a log; a bar that is drawn ten times a second fills this in minutes

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f\x80-\x9f]+)"
    r"|\x1b\[(?P<arguments>[0-?]*)[ -/]*(?P<code>[@-~])"  # a control sequence (ECMA-48, 5.4)
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # a window title or a link
    r"|(?P<control>[\r\n\b\t])"
    r"|[\x00-\x1f\x7f\x80-\x9f]"
)


def log_tail(file: Path, lines: int, *, start: int = 0) -> list[str]:
    """Return the last ``lines`` lines of a log from byte ``start`` on, none if there is no log."""
    try:
        with file.open("rb") as stream:
            end = stream.seek(0, 2)
            begin = max(start, end - _MOST_BYTES)
            stream.seek(begin)
            content = stream.read(end - begin)
    except OSError:
        return []
    if begin > start:
        content = content.partition(b"\n")[2] or content  # the first line may be cut
    shown = screen_lines(content.decode("utf-8", "replace"))
    return shown[-lines:] if lines else []


def screen_lines(text: str) -> list[str]:
    """Return the lines that stand on an endless screen after this was printed, without colour.

    Carriage return, backspace, tab, moves up and down and erasing a line are obeyed, which is what progress
    bars use; every other control character is left out. Blank lines at the end are dropped.
    """
    screen: list[list[str]] = [[]]
    row = column = 0
    for token in _TOKEN.finditer(text):
        if (printed := token["text"]) is not None:
            line = screen[row]
            line.extend(" " * (column - len(line)))
            line[column : column + len(printed)] = printed
            column += len(printed)
        elif (control := token["control"]) is not None:
            if control == "\n":
                row, column = row + 1, 0
            elif control == "\r":
                column = 0
            elif control == "\b":
                column = max(0, column - 1)
            else:
                column += 8 - column % 8
        elif token["code"] in ("A", "B"):
            count = int(token["arguments"]) if token["arguments"].isdecimal() else 1
            row = max(0, row - count) if token["code"] == "A" else min(row + count, len(screen) - 1)
        elif token["code"] == "K":
            if token["arguments"] in ("", "0"):
                del screen[row][column:]
            elif token["arguments"] == "2":
                screen[row].clear()
        if row == len(screen):
            screen.append([])
    while screen and not "".join(screen[-1]).strip():
        screen.pop()
    return ["".join(line).rstrip() for line in screen]
