"""What probes that were killed left on an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from envkit.api import ImageError
from envkit.images.engine.base_probe import probe_image, remove_stale_probes

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


@dataclass
class _Refusing(_Containers):
    """Those of an engine that makes no container; it says why."""

    said: str = ""

    def create(self, *words: Any, **options: Any) -> None:
        from docker.errors import APIError

        raise APIError("404", explanation=self.said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "the image does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
            "team/base:1 on this engine is for linux/amd64, not for linux/arm64",
        ),
        (
            "image with reference sha256:39 was found but does not provide the specified platform (linux/arm64)",
            "team/base:1 on this engine is not for linux/arm64",
        ),
    ],
)
def test_base_of_another_platform_is_told_with_both(said: str, message: str) -> None:
    engine = cast("DockerClient", _Engine(_Refusing([], said=said)))

    with pytest.raises(ImageError) as raised:
        probe_image(
            engine,
            reference="team/base:1",
            image_id="sha256:39",
            platform="linux/arm64",
            interpreter="python3",
        )

    assert raised.value.message == message
    assert "docker pull --platform linux/arm64 team/base:1" in str(raised.value.hint)
