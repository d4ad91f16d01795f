"""What conda finds in a prefix besides the packages: its history, and which of them were asked for.

Source: conda, conda/history.py and conda/models/records.py (``requested_spec``).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.environments.conda.jobs import Package

_NAME = re.compile(r"(?:.*::)?\s*([A-Za-z0-9_.-]+)")


def write_history(
    prefix: Path,
    packages: Sequence[Package],
    *,
    requested: Sequence[str],
    subdir: str,
    now: float | None = None,
) -> None:
    """Write ``conda-meta/history`` in conda's format, and the spec of each package that was asked for."""
    meta = prefix / "conda-meta"
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    lines = [f"==> {moment} <==", "# cmd: envkit env create"]
    lines += sorted(
        f"+{package.channel}/{_subdir(package, subdir)}::{package.name}-{package.version}-{package.build}"
        for package in packages
    )
    lines.append(f"# update specs: {list(requested)!r}")
    (meta / "history").write_text("\n".join(lines) + "\n", encoding="utf-8")
    specs = {found[1].lower(): spec for spec in requested if (found := _NAME.match(spec))}
    for package in packages:
        file = meta / f"{package.name}-{package.version}-{package.build}.json"
        if package.name in specs:
            _add_spec(file, specs[package.name])


def _add_spec(file: Path, spec: str) -> None:
    record = msgspec.json.decode(file.read_bytes()) | {"requested_spec": spec, "requested_specs": [spec]}
    # Over what is there: to empty or remove a file written just now waits for the disk.
    with file.open("r+b") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
        stream.truncate()


def _subdir(package: Package, subdir: str) -> str:
    parts = package.url.split("/")
    return parts[-2] if len(parts) > 1 else subdir
