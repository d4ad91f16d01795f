"""Real data, where there is some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from required import require_data

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for all examples of a property: each writes its file over the last one's."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder that ENVKIT_TEST_DATA names."""
    return require_data()
