"""What a test needs of the machine: without it the test is skipped, or fails where ENVKIT_REQUIRE asks for it.

The variable holds words with commas between them: ``data`` (ENVKIT_TEST_DATA names a folder that has the sets),
``trackers``, ``conda``, ``shells``, ``docker``, ``programs``.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

import pytest


def skip_or_fail(what: str, why: str) -> NoReturn:
    """Skip the test, or fail where ENVKIT_REQUIRE has the word ``what``."""
    if what in os.environ.get("ENVKIT_REQUIRE", "").split(","):
        pytest.fail(f"ENVKIT_REQUIRE asks for {what}: {why}")
    pytest.skip(why)


def require_dists(what: str, *names: str) -> None:
    """Go on where these distributions are installed in the Python of the tests."""
    for name in names:
        try:
            version(name)
        except PackageNotFoundError:
            skip_or_fail(what, f"{name} is not installed")


def require_program(what: str, *names: str) -> str:
    """Return the first of these programs that is on PATH."""
    for name in names:
        if (program := shutil.which(name)) is not None:
            return program
    skip_or_fail(what, f"{' or '.join(names)} is not installed")


def require_data(*parts: str) -> Path:
    """Return a file or folder of the real data that ENVKIT_TEST_DATA names; without parts the folder itself."""
    folder = os.environ.get("ENVKIT_TEST_DATA")
    if not folder:
        skip_or_fail("data", "ENVKIT_TEST_DATA names no folder")
    path = Path(folder, *parts)
    if not path.exists():
        skip_or_fail("data", f"there is no {path}")
    return path
