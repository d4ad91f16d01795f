"""Find the backends that extensions hand in, and pick one by its name."""

from __future__ import annotations

import os
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import BackendContext, ConfigError, EnvironmentBackend
from envkit.config_files import PREFER_PATH, read_layers
from envkit.environments.venv_backend import VenvBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import PluginError
    from envkit.claims import Claim, Claims
    from envkit.config import Settings

# The registry's own name for it: importing the registry, to look at all that is installed, is what is saved here.
_PREFER_VARIABLE = "ENVKIT_PREFER_PLUGINS"


def find_backends() -> dict[str, Claim[EnvironmentBackend]]:
    """Return the backends by name, sorted; one that two distributions claim is there with its fault."""
    return _claims().all()


def load_backend(name: str) -> EnvironmentBackend:
    """Return the backend of this name.

    That of venvs is envkit's own unless the user prefers another's: it is had without a look at what is installed.
    Raises: UsageError where there is none, PluginError where two distributions claim the name.
    """
    if name == VenvBackend.name and not _is_any_preferred():
        return VenvBackend()
    return _claims(wanted=name).pick(name)


def find_faults() -> list[PluginError]:
    """Return what is wrong with extensions that can hand in no backend."""
    return _claims().faults


def backend_context(
    settings: Settings, *, backend: str, environ: Mapping[str, str] = os.environ
) -> BackendContext:
    """Return what the backend of this name works with: envkit's settings and a cache of its own."""
    return BackendContext(
        environ=environ,
        cache_dir=settings.home / "cache" / backend,
        channels=settings.channels,
        channel_alias=settings.channel_alias,
    )


def _is_any_preferred() -> bool:
    """Tell whether the user prefers any distribution for any name, as the registry's ``preferred_plugin`` asks."""
    if os.environ.get(_PREFER_VARIABLE):
        return True
    try:
        return any(layer.table(PREFER_PATH) for layer in read_layers(Path.cwd()))
    except (ConfigError, OSError):  # it prefers nothing, there as here
        return False


def _claims(*, wanted: str | None = None) -> Claims[EnvironmentBackend]:
    from envkit.claims import read_claims  # with it comes the registry

    return read_claims(
        "backend",
        purpose="environments",
        hook="envkit_backends",
        take=methodcaller("backends"),
        find_wrong=_find_wrong,
        wanted=wanted,
    )


def _find_wrong(given: object) -> str:
    """Return what keeps this from being a backend; empty where nothing does."""
    if isinstance(given, EnvironmentBackend) and given.name:
        return ""
    wanted = [name for name in dir(EnvironmentBackend) if not name.startswith("_")]
    missing = [name for name in ("name", "summary", *wanted) if not hasattr(given, name)]
    lacks = f", which lacks {', '.join(dict.fromkeys(missing))}" if missing else ""
    return f"{type(given).__name__}, which is no backend{lacks}"
