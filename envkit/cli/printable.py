"""Text of others on a screen: names of GPUs, values of variables and words of plugins move no cursor and forge no line."""

from __future__ import annotations

import unicodedata

# Control characters with C1, what steers direction and width, separators of lines, halves of characters, no characters.
_SPELLED_OUT = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Cn"})
# They join letters of Persian and of Indic scripts, and the parts of emoji: words are misspelled without.
_JOINERS = frozenset("\u200c\u200d")


def printable(text: str) -> str:
    """Return one line in which all that a terminal would obey, a line break too, is spelled out: ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(_spelled(letter) for letter in text)


def printable_lines(text: str) -> str:
    """Return the text with its line breaks and tabs, and all else as ``printable`` has it."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def _spelled(letter: str) -> str:
    if letter in _JOINERS or unicodedata.category(letter) not in _SPELLED_OUT:
        return letter
    return letter.encode("unicode_escape").decode("ascii")
