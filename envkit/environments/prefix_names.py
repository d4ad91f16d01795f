"""The names that environments may have, and what belongs to a generation's folder, ``envs/.made/NAME-N``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_MADE = ".made"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# What --env takes for something else.
_TAKEN_NAMES = frozenset({"auto", "current"})


def is_name(name: str) -> bool:
    """Tell whether a folder of this name can be an environment's."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return the name of an environment as it is. Raises: UsageError for one that none may have."""
    if is_name(name) and name not in _TAKEN_NAMES:
        return name
    why = "means something else to --env" if name in _TAKEN_NAMES else "cannot name an environment"
    raise UsageError(
        f"{name!r} {why}",
        hint="A name is up to 100 letters, digits, '.', '_' and '-', and begins with a letter or digit",
    )


def environment_name(prefix: Path) -> str:
    """Return the name that people know a prefix by: without its generation, where it has one."""
    return link_of(prefix).name


def link_of(prefix: Path) -> Path:
    """Return the path under which people find a prefix; the prefix itself where it is no generation."""
    name, _, number = prefix.name.rpartition("-")
    if prefix.parent.name == _MADE and name and number.isdigit():
        return prefix.parent.parent / name
    return prefix
