"""Tell whether torch can compute on Apple's GPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.facts import Apple

if TYPE_CHECKING:
    from envkit.api.facts import Platform

_OLDEST_MACOS = (12, 3)


def read_apple(platform: Platform) -> Apple:
    """Return whether MPS is there: a native Python on Apple silicon, macOS 12.3 or newer.

    Source: torch's documentation, "MPS backend".
    """
    version = re.match(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?", platform.os_version or "")
    is_new = version is not None and (int(version[1]), int(version[2] or 0)) >= _OLDEST_MACOS
    # A Python for Intel that runs under Rosetta says x86_64: its torch has no MPS.
    return Apple(has_mps=platform.system == "darwin" and platform.machine == "arm64" and is_new)
