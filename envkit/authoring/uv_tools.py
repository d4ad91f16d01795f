"""uv's record of a tool, so that an install keeps all that is there: what is not in it, uv takes away.

What ``uv pip install`` puts into a tool's environment is gone after the next ``uv tool upgrade``; what ``--with``
names stays.
"""

from __future__ import annotations

import re
from importlib.metadata import distributions
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit import uv_receipt
from envkit.owner import UV_RECEIPT
from envkit.registry.metadata import read_fields, read_headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.owner import Owner
    from envkit.uv_receipt import Receipt


def read_receipt(owner: Owner) -> Receipt:
    """Return uv's record of this environment. Raises: EnvError for one that cannot be read."""
    return uv_receipt.read_receipt(owner.prefix / UV_RECEIPT)


def find_unkept(owner: Owner, receipt: Receipt) -> tuple[str, ...]:
    """Return the packages that nothing in the receipt asks for: uv takes them away with its next change."""
    dists = distributions(path=[str(owner.site)])
    there = {str(canonicalize_name(read_headers(dist).name)): dist for dist in dists}
    kept: set[tuple[str, str]] = set()
    waiting = [(each.name, extra) for each in (receipt.main, *receipt.others) for extra in _extras(each.text)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in kept or name not in there:
            continue
        kept.add((name, extra))
        waiting += _needs(read_fields(there[name], "Requires-Dist"), extra)
    names = {name for name, _ in kept}
    return tuple(sorted(name for name in there if name not in names))


def _extras(text: str) -> tuple[str, ...]:
    found = re.match(r"[^\[;@]*\[([^\]]*)\]", text)
    return ("", *(each.strip() for each in found[1].split(","))) if found else ("",)


def _needs(lines: Iterable[str], extra: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in lines:
        try:
            need = Requirement(line)
        except InvalidRequirement:
            continue
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            found += [(canonicalize_name(need.name), each) for each in ("", *need.extras)]
    return found
