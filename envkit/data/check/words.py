"""Numbers and names as the messages of a check write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """Return ``1 row``, ``3 rows``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def number_of(count: int, noun: str) -> str:
    """Return ``the row`` for one, ``3 rows`` for more."""
    return f"the {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """Return the names with commas, and how many more there are than are named."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def percent(share: float) -> str:
    """Return a fraction of 1 as ``3.8 %``."""
    return f"{100 * share:.1f} %"


def shown(text: str, *, most: int = 40) -> str:
    """Return the beginning of a text in quotes, on one line."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= most else f'"{line[: most - 1]}…"'
