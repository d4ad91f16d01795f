"""Refuse a name in the configuration under which there is nothing here."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from envkit import config
from envkit.api import UsageError
from envkit.environments.backends import load_backend
from envkit.environments.store import list_environments

if TYPE_CHECKING:
    from envkit.config.keys import Key

# What ``--env`` takes besides the names of environments.
_WORDS = ("auto", "current")
_IMAGE = "docker:"


def check_known(key: Key, value: str) -> None:
    """Check that there is such a backend or environment. Raises: UsageError with the nearest, PluginError."""
    name = value.strip()
    if key.table is not None or not name:
        return
    if key.name == "backend":
        load_backend(name)
    elif key.name == "env" and name not in _WORDS and not name.startswith(_IMAGE):
        _check_environment(name)


def _check_environment(name: str) -> None:
    home = config.resolve_settings(config.read_layers(Path.cwd())).home.absolute()
    known = [each.name for each in list_environments(home)]
    if name in known:
        return
    near = difflib.get_close_matches(name, [*_WORDS, *known], n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    raise UsageError(
        f"env: there is no environment {name!r}",
        hint=f"{meant}Known: {', '.join([*_WORDS, *known])}. To make one: envkit env create {name}",
    )
