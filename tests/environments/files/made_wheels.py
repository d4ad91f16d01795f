"""Wheels as an index gives them."""

from __future__ import annotations

from typing import Any

from envkit.environments.records import WheelPackage

DIGEST = "5" * 64


def wheel(name: str, version: str = "1.0", **changes: Any) -> WheelPackage:
    """Return a wheel from an index."""
    file_name = f"{name.replace('-', '_')}-{version.replace('+', '%2B')}-py3-none-any.whl"
    values: dict[str, Any] = {
        "url": f"https://index.example/{name}/{file_name}",
        "sha256": DIGEST,
        "size": 1234,
        "source": "index",
    }
    return WheelPackage(name=name, version=version, **{**values, **changes})
