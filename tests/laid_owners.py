"""Environments of several owners, laid out as their installers leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.owner import Owner, find_owner

if TYPE_CHECKING:
    from pathlib import Path

SITE = "lib/python3.12/site-packages"
MANAGED = "usr/lib/python3.12/EXTERNALLY-MANAGED"


def owner_of(root: Path, *files: str, prefix: str = "env", base: str = "usr") -> Owner:
    """Lay the files and tell the owner of the prefix."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("", encoding="utf-8")
    folder = root / prefix
    return find_owner(
        prefix=folder,
        base_prefix=root / base,
        python=folder / "bin/python",
        library=root / base / "lib/python3.12",
        site=folder / SITE,
    )
