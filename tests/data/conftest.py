"""Real data, where there is some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for all examples of a property: each writes its file over the last one's."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder that ENVKIT_TEST_DATA names; missing where it is required, it fails."""
    folder = Path(os.environ.get("ENVKIT_TEST_DATA", ""))
    if "ENVKIT_TEST_DATA" in os.environ and folder.is_dir():
        return folder
    if "data" in os.environ.get("ENVKIT_REQUIRE", "").split(","):
        pytest.fail(f"ENVKIT_REQUIRE asks for data, but there is no {folder}")
    pytest.skip("ENVKIT_TEST_DATA names no folder")
