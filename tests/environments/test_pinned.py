"""Exact files of a pylock in a plan: which count, where they come from, and what is resolved around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.config import Settings
from envkit.environments.pinned import pin_wheels
from envkit.environments.plan import plan_environment
from envkit.environments.records import EnvSpec, WheelPackage

if TYPE_CHECKING:
    from pathlib import Path

FAR = WheelPackage(
    name="far",
    version="1.0",
    url="https://host.example/far-1.0-py3-none-any.whl",
    sha256="a" * 64,
    source="index",
)
NEAR = msgspec.structs.replace(FAR, name="near", url="file:///w/near-1.0-py3-none-any.whl")
TORCH = msgspec.structs.replace(FAR, name="torch", version="2.0.0+cpu")
DIRECT = WheelPackage(name="own", version="", url="git+https://host.example/own@abc", source="direct")
SPEC = EnvSpec(packages=("far==1.0", "near==1.0", "own @ git+https://host.example/own@abc"))


@pytest.mark.parametrize(
    ("index", "is_offline", "sources"),
    [
        (None, False, {"far": "pylock", "near": "pylock", "own": "direct"}),
        (None, True, {"far": "index", "near": "pylock", "own": "direct"}),
        ("https://mirror.example/simple", False, {"far": "index", "near": "pylock", "own": "direct"}),
    ],
)
def test_pinned_files_come_from_their_addresses_unless_a_mirror_or_no_index_is_set(
    index: str | None, is_offline: bool, sources: dict[str, str], planning: Any, told: Any, tmp_path: Path
) -> None:
    given = planning(
        settings=Settings(home=tmp_path / "home", package_index=index),
        environ={"PIP_CONFIG_FILE": "/dev/null"} | ({"PIP_NO_INDEX": "1"} if is_offline else {}),
    )
    plan = plan_environment("mine", SPEC, planning=given, progress=told)
    pinned = pin_wheels(plan, (FAR, NEAR, TORCH, DIRECT), planning=given, progress=told)
    assert {wheel.name: wheel.source for wheel in pinned.locked} == sources


def test_pinned_files_that_nobody_asks_for_change_nothing(planning: Any, told: Any) -> None:
    given = planning()
    plan = plan_environment("mine", EnvSpec(packages=("far>=1",)), planning=given, progress=told)
    assert pin_wheels(plan, (FAR, TORCH), planning=given, progress=told) is plan
