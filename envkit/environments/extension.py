"""envkit's own backends, handed in as those of any extension are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import hookimpl
from envkit.environments.conda.backend import CondaBackend
from envkit.environments.venv_backend import VenvBackend

if TYPE_CHECKING:
    from envkit.api import EnvironmentBackend

# One of each: the conda backend remembers, from planning to installing, passwords that stand in no record.
_VENV, _CONDA = VenvBackend(), CondaBackend()


@hookimpl
def envkit_backends() -> list[EnvironmentBackend]:
    """Return what makes venvs and conda prefixes."""
    return [_VENV, _CONDA]
