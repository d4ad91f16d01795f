"""The shells of this machine that tests start."""

from __future__ import annotations

import os
import shutil

import pytest


def require_shell(name: str) -> str:
    """Return the shell's program; skip where it is missing, or fail where ENVKIT_REQUIRE says it must be there."""
    program = shutil.which(name)
    if program is None:
        if "shells" in os.environ.get("ENVKIT_REQUIRE", "").split(","):
            pytest.fail(f"ENVKIT_REQUIRE asks for shells, but {name} is not installed")
        pytest.skip(f"{name} is not installed")
    return program
