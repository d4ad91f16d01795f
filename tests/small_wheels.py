"""Wheels of one module, written by hand, for an installer to take from a folder."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    needs: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    content: str = "",
    code: str | None = None,
    entry_points: str = "",
) -> Path:
    """Write a wheel into the folder; ``content`` is what its module says, or ``code`` all that is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    headers = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
    headers += [f"Requires-Dist: {need}" for need in needs]
    files = {
        f"{name.replace('-', '_')}.py": f"WORD = {content!r}\n" if code is None else code,
        f"{info}/METADATA": "\n".join([*headers, ""]),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    if entry_points:
        files[f"{info}/entry_points.txt"] = entry_points
    rows = []
    wheel = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for place, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{place},sha256={digest},{len(text.encode())}\n")
            archive.writestr(zipfile.ZipInfo(place), text)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "".join([*rows, f"{info}/RECORD,,\n"]))
    return wheel
