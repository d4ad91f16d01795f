"""What uv is told to install, and what came of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from envkit.environments.installer import locked_lines, recorded_size
from envkit.environments.prefixes import environment_size
from envkit.environments.records import WheelPackage
from envkit.environments.wheels import remake_wheel

if TYPE_CHECKING:
    from pathlib import Path


def test_locked_packages_are_named_exactly_with_their_hashes(install: Any, tmp_path: Path) -> None:
    wheel = remake_wheel(install("Mine_Own"), folder=tmp_path)
    locked = [
        WheelPackage(name="a", version="1+cpu", sha256="aa", source="find-links"),
        WheelPackage(name="b", version="2", url="https://host.example/b.whl", sha256="bb", source="direct"),
        WheelPackage(name="c", version="3", source="index"),
        WheelPackage(name="mine-own", version="1.0", sha256="of another day", source="host"),
    ]
    assert list(locked_lines(locked, [wheel])) == [
        "a==1+cpu --hash=sha256:aa",
        "b @ https://host.example/b.whl --hash=sha256:bb",
        "c===3",
        f"mine-own @ {wheel.as_uri()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}",
    ]


def test_size_is_read_from_the_lists_of_files(install: Any, tmp_path: Path) -> None:
    install("one", files={"one/data.bin": "x" * 5000})
    install("two")
    prefix = tmp_path / "prefix"
    unlisted = sum(file.stat().st_size for file in prefix.rglob("RECORD"))
    assert recorded_size(prefix) == environment_size(prefix) - unlisted
    (prefix / "conda-meta").mkdir()
    listed = recorded_size(prefix)
    (prefix / "conda-meta" / "zlib-1-0.json").write_text(
        '{"paths": [{"size_in_bytes": 7}, {"size_in_bytes":8}]}'
    )
    assert recorded_size(prefix) == listed + 15
