"""How long something was not used, as it is written on a command line."""

from __future__ import annotations

import re

from envkit.api import UsageError


def read_age(text: str) -> float:
    """Return the seconds of ``30d`` or ``4w``. Raises: UsageError."""
    found = re.fullmatch(r"([0-9]+)([dw])", text)
    if found is None:
        raise UsageError(f"{text!r} is no time", hint="Write days or weeks: --unused-for 30d, 4w")
    return int(found[1]) * {"d": 86400.0, "w": 604800.0}[found[2]]
