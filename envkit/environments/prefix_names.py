"""The name and the link that belong to a generation's folder, ``envs/.made/NAME-N``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MADE = ".made"


def environment_name(prefix: Path) -> str:
    """Return the name that people know a prefix by: without its generation, where it has one."""
    return link_of(prefix).name


def link_of(prefix: Path) -> Path:
    """Return the path under which people find a prefix; the prefix itself where it is no generation."""
    name, _, number = prefix.name.rpartition("-")
    if prefix.parent.name == _MADE and name and number.isdigit():
        return prefix.parent.parent / name
    return prefix
