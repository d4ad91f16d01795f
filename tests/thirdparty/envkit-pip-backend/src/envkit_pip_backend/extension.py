"""The backend that ``envkit env create`` is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import hookimpl

if TYPE_CHECKING:
    from envkit.api import EnvironmentBackend


@hookimpl
def envkit_backends() -> list[EnvironmentBackend]:
    """Return the backend ``pip``."""
    from envkit_pip_backend.backend import PipBackend

    return [PipBackend()]
