"""What an install changes: each distribution, and how the installers say it."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from envkit.authoring.addresses import SHOWN_DIGITS, place_of
from envkit.masking import mask_secrets
from envkit.registry.metadata import read_headers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envkit.owner import Owner

# As in " + tiny==1.5", " - tiny==1.4", " ~ tiny==1.5", which is installed anew, and of what comes from an address
# " + tiny @ file:///…", or once it is there " - tiny==1.4 (from file:///…)".
_UV_LINE = re.compile(r"^ (?P<sign>[+~-]) (?P<name>[A-Za-z0-9._-]+)(==(?P<version>\S+)| @ (?P<address>\S+))")

_COMMIT = re.compile(r"@[0-9a-f]{40}$")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One distribution that an install puts in (``before`` is None), takes out (``after`` is None) or changes.

    ``is_asked`` marks what the user named.
    """

    name: str
    before: str | None = None
    after: str | None = None
    is_asked: bool = False

    @property
    def is_other(self) -> bool:
        """Tell whether it changes something that is there and that the user did not name."""
        return not self.is_asked and self.before is not None and self.before != self.after

    def __str__(self) -> str:
        """Return it as people read it."""
        if self.after is None:
            return f"{self.name} {self.before} is removed"
        if self.before is None:
            return f"{self.name} {self.after} is new"
        return (
            f"{self.name} {self.before} becomes {self.after}"
            if self.before != self.after
            else f"{self.name} {self.after} is installed anew"
        )


def installed_versions(owner: Owner) -> dict[str, str]:
    """Return the version of every distribution in the environment, by canonical name."""
    found = (read_headers(dist) for dist in distributions(path=[str(owner.site)]))
    return {canonicalize_name(headers.name): headers.version for headers in found if headers.name}


def read_uv_changes(lines: Iterable[str], *, asked: set[str]) -> list[Change]:
    """Return the changes that uv lists; ``asked`` are the names that the user gave, or that their addresses have."""
    found: dict[str, Change] = {}
    for line in lines:
        parts = _UV_LINE.match(line)
        if parts is None:
            continue
        sign, name = parts["sign"], str(canonicalize_name(parts["name"]))
        version = parts["version"] or _version_of(parts["address"])
        old = found.get(name, Change(name=name))
        found[name] = Change(
            name=name,
            before=old.before if sign == "+" else version,
            after=old.after if sign == "-" else version,
            is_asked=name in asked,
        )
    return list(found.values())


def read_uv_places(lines: Iterable[str]) -> dict[str, str]:
    """Return the place, by name, of each distribution that uv takes from an address."""
    found = (_UV_LINE.match(line) for line in lines)
    return {
        str(canonicalize_name(parts["name"])): place_of(parts["address"])
        for parts in found
        if parts is not None and parts["address"] is not None
    }


def _version_of(address: str) -> str:
    """Return the version that the name of a wheel tells; of anything else only building it would."""
    file = mask_secrets(address).partition("#")[0].rpartition("/")[2]
    try:
        return str(parse_wheel_filename(file)[1])
    except InvalidWheelFilename:
        return f"of {_COMMIT.sub(lambda found: found[0][: SHOWN_DIGITS + 1], file)}"
