"""Files to read and records to write down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.stored import record_of, wanted

from envkit.environments.records import EnvSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.records import EnvRecord


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file into the test's folder, and the folders that it names."""

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return variables under which pip is told nothing."""
    return {"HOME": str(tmp_path / "home"), "PIP_CONFIG_FILE": "/dev/null"}


@pytest.fixture
def make_record() -> Callable[..., EnvRecord]:
    """Make the record of an environment for no task but with what is changed."""

    def make(**changes: Any) -> EnvRecord:
        record = record_of(wanted(plugins=(), envkit=None), generation=1)
        return msgspec.structs.replace(
            record, **{"name": "demo", "spec": EnvSpec(), "without_dependencies": (), **changes}
        )

    return make
