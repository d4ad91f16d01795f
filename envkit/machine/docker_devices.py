"""Read which devices containers can be given by name. Source: the Container Device Interface's specification."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envkit.machine.files import Files

_KIND = re.compile(r"^kind\s*:\s*['\"]?(?P<kind>[\w.-]+/[\w.-]+)", re.MULTILINE)
_NAME = re.compile(r"name\s*:\s*['\"]?(?P<name>[\w.:-]+)")


def read_cdi_devices(files: Files, folders: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all devices that files in these folders describe, as ``nvidia.com/gpu=0``."""
    found: set[str] = set()
    for folder in folders:
        for name in files.names(folder):
            text = files.text(f"{folder}/{name}") or ""
            if name.endswith(".json"):
                found.update(_of_json(text))
            elif name.endswith((".yaml", ".yml")):
                found.update(_of_yaml(text))
    return tuple(sorted(found))


def _of_json(text: str) -> Iterator[str]:
    try:
        specification = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return
    devices = specification.get("devices")
    for device in devices if isinstance(devices, list) else ():
        if isinstance(device, dict) and "name" in device:
            yield f"{specification.get('kind')}={device['name']}"


def _of_yaml(text: str) -> Iterator[str]:
    """Yield the devices of a file as `nvidia-ctk cdi generate` lays it out: blocks, no braces.

    A library for YAML is not worth its start for two words of a file that a program writes.
    """
    kind = _KIND.search(text)
    indent = None
    is_inside = False
    for line in text.splitlines() if kind else ():
        bare = line.lstrip(" ")
        place = len(line) - len(bare)
        if place == 0 and bare and not bare.startswith(("-", "#")):
            is_inside, indent = bare.startswith("devices"), None
        elif is_inside and bare.startswith("- ") and indent in (None, place):
            indent, place, bare = place, place + 2, bare[2:].lstrip(" ")
        if is_inside and indent is not None and place == indent + 2 and (match := _NAME.match(bare)) and kind:
            yield f"{kind['kind']}={match['name']}"
