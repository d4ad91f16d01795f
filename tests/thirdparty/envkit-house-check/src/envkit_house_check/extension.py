"""The checks that ``envkit doctor`` is given."""

from __future__ import annotations

from envkit.api import Check, hookimpl
from envkit_house_check.checks import check_memory, check_pip_timeout


@hookimpl
def envkit_checks() -> list[Check]:
    """Return the checks of the house."""
    return [
        Check(
            id="house.memory",
            summary="Memory for the models of the house.",
            needs=("memory",),
            run=check_memory,
        ),
        Check(
            id="house.pip-timeout",
            summary="Patience of pip with the proxy of the house.",
            needs=("pip",),
            run=check_pip_timeout,
        ),
    ]
