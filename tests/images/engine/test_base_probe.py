"""What probes that were killed left on an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from envkit.images.engine.base_probe import remove_stale_probes

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass
class _Container:
    attrs: dict[str, Any]
    is_removed: bool = False

    def remove(self, **options: Any) -> None:
        assert "force" not in options
        self.is_removed = True


@dataclass
class _Containers:
    """Those of an engine, which filters by itself."""

    held: list[_Container]
    filters: dict[str, Any] = field(default_factory=dict)

    def list(self, *, filters: dict[str, Any], **options: Any) -> list[_Container]:
        assert options["all"]
        self.filters = filters
        return self.held


@dataclass
class _Engine:
    containers: _Containers


@pytest.mark.parametrize(
    ("created", "is_removed"),
    [
        ("2026-11-22T10:00:00.123456789Z", True),
        ("2026-11-22T11:55:00.123456789Z", False),
        ("", False),
    ],
)
def test_probe_removes_those_that_were_killed_long_ago(created: str, is_removed: bool) -> None:
    containers = _Containers([_Container({"Created": created})])

    remove_stale_probes(cast("DockerClient", _Engine(containers)), now=datetime(2026, 11, 22, 12, tzinfo=UTC))

    assert containers.held[0].is_removed is is_removed
    assert containers.filters["label"] == "envkit.probe=base"
    assert "running" not in containers.filters["status"]
