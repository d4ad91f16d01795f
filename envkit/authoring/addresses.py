"""Where installed distributions came from, compared with the addresses that a user names.

Source: PEP 610 (``direct_url.json``), and the forms of addresses that pip and uv take.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envkit.masking import mask_secrets
from envkit.registry.metadata import read_headers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.authoring.specs import Spec
    from envkit.owner import Owner

SHOWN_DIGITS = 10  # of a commit
_SUBDIRECTORY = re.compile(r"(?:^|&)subdirectory=([^&]+)")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a distribution was installed from; ``commit`` is that of a repository, None for any other place."""

    place: str
    commit: str | None = None


def place_of(address: str) -> str:
    """Return what tells one place from another: the address without login, revision, query and digest."""
    # A login may hold what would stand between the parts of an address.
    bare, _, fragment = mask_secrets(address).partition("#")
    parts = urlsplit(bare)
    path = parts.path
    if "+" in parts.scheme:
        path = path.rpartition("@")[0] or path
    folder = _SUBDIRECTORY.search(fragment)
    inside = f"#{folder[1].strip('/')}" if folder else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{posixpath.normpath(unquote(path) or '/')}{inside}"


def read_source(record: Mapping[str, Any]) -> Source:
    """Return the source that a record in the form of PEP 610 tells. Raises: KeyError, TypeError."""
    repository = record.get("vcs_info")
    address = f"{repository['vcs']}+{record['url']}" if repository else str(record["url"])
    if record.get("subdirectory"):
        address += f"#subdirectory={record['subdirectory']}"
    return Source(place=place_of(address), commit=repository["commit_id"] if repository else None)


def installed_sources(owner: Owner) -> dict[str, Source]:
    """Return where those came from that were installed from an address, by canonical name."""
    found: dict[str, Source] = {}
    for dist in distributions(path=[str(owner.site)]):
        text = dist.read_text("direct_url.json")
        if text is None:
            continue
        try:
            source = read_source(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # as if it came from an index
        found[canonicalize_name(read_headers(dist).name)] = source
    return found


def with_names(specs: Sequence[Spec], places: Mapping[str, str]) -> list[Spec]:
    """Return the specs, those named where only their address was known; ``places`` are by name."""
    names = {place: name for name, place in places.items()}
    return [
        replace(spec, name=names.get(place_of(spec.address)))
        if spec.name is None and spec.address is not None
        else spec
        for spec in specs
    ]
