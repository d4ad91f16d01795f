"""The rules by which known troubles are told: ``rules.toml``, as records."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

RULES_FILE = Path(__file__).with_name("rules.toml")


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What gives a trouble away: ``words`` in any case, and around them what ``line`` and ``near`` match.

    ``line`` is a regular expression for the line that holds the words, ``near`` one for the text around it;
    case is no matter in either.
    """

    words: str
    line: str | None = None
    near: str | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A known trouble: what it is, why it comes, what mends it, where that is written, and how it is told.

    A ``note`` is a message that looks like a trouble and is none. ``yields_to`` names rules that say the same
    more exactly; ``examples`` are logs in which it is found.
    """

    id: str
    title: str
    why: str
    fix: tuple[str, ...]
    link: str
    signs: tuple[Sign, ...]
    level: Literal["error", "note"] = "error"
    yields_to: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True):
    rule: tuple[Rule, ...]


@cache
def load_rules() -> tuple[Rule, ...]:
    """Return all rules, the most important first."""
    return msgspec.toml.decode(RULES_FILE.read_bytes(), type=_File).rule
