"""What an install would change, asked of the installer before anything is changed."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from envkit.api import EnvError
from envkit.authoring.installers import packages_call
from envkit.authoring.uv_tools import find_unkept, read_receipt
from envkit.masking import mask_secrets
from envkit.registry.metadata import read_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.authoring.calls import Runner
    from envkit.authoring.owner import Owner
    from envkit.authoring.specs import Spec

# As in " + tiny==1.5", " - tiny==1.4", " ~ tiny==1.5", which is installed anew, and of what comes from an address
# " + tiny @ file:///…", or once it is there " - tiny==1.4 (from file:///…)".
_UV_LINE = re.compile(r"^ (?P<sign>[+~-]) (?P<name>[A-Za-z0-9._-]+)(==(?P<version>\S+)| @ (?P<address>\S+))")


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


class _Metadata(msgspec.Struct):
    name: str
    version: str


class _Item(msgspec.Struct):
    metadata: _Metadata
    requested: bool = False


class _Report(msgspec.Struct):
    """pip's report, version 1: what of it is read here. Source: pip's documentation, "Installation Report"."""

    install: list[_Item] = []


def installed_versions(owner: Owner) -> dict[str, str]:
    """Return the version of every distribution in the environment, by canonical name."""
    found = (read_headers(dist) for dist in distributions(path=[str(owner.site)]))
    return {canonicalize_name(headers.name): headers.version for headers in found if headers.name}


def foresee_install(
    owner: Owner, specs: Sequence[Spec], *, runner: Runner, is_upgrade: bool = False
) -> tuple[Change, ...]:
    """Return what installing these would change, the asked ones first. Raises: EnvError where it cannot be done."""
    if owner.has_pip:
        changes = _ask_pip(owner, specs, runner=runner, is_upgrade=is_upgrade)
    else:
        changes = _ask_uv(owner, specs, runner=runner, is_upgrade=is_upgrade)
    if owner.kind == "uv tool":
        changes += _lost(owner, specs, changes)
    return tuple(sorted(changes, key=lambda change: (not change.is_asked, change.name)))


def _ask_pip(owner: Owner, specs: Sequence[Spec], *, runner: Runner, is_upgrade: bool) -> list[Change]:
    file = runner.folder / "report.json"
    flags = ("--dry-run", "--quiet", "--report", str(file))
    runner.run(packages_call(owner, specs, is_upgrade=is_upgrade, flags=flags))
    try:
        report = msgspec.json.decode(file.read_bytes(), type=_Report)
    except (OSError, msgspec.DecodeError) as error:
        raise EnvError(
            f"pip does not say what it would install: {error}",
            hint=f"Upgrade it: {owner.python} -m pip install --upgrade pip",
        ) from error
    before = installed_versions(owner)
    return [
        Change(
            name=canonicalize_name(each.metadata.name),
            before=before.get(canonicalize_name(each.metadata.name)),
            after=each.metadata.version,
            is_asked=each.requested,
        )
        for each in report.install
    ]


def _ask_uv(owner: Owner, specs: Sequence[Spec], *, runner: Runner, is_upgrade: bool) -> list[Change]:
    call = packages_call(owner, specs, is_upgrade=is_upgrade, flags=("--dry-run",))
    if owner.kind == "uv tool":
        receipt = read_receipt(owner)
        call = replace(call, settings=receipt.options, constraints=receipt.constraints)
    return read_uv_changes(runner.run(call), asked={spec.name for spec in specs if spec.name is not None})


def read_uv_changes(lines: Iterable[str], *, asked: set[str]) -> list[Change]:
    """Return the changes that uv lists; what comes from an address of its own was asked for."""
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
            is_asked=old.is_asked or name in asked or parts["address"] is not None,
        )
    return list(found.values())


def _version_of(address: str) -> str:
    """Return the version that the name of a wheel tells; of anything else only building it would."""
    file = mask_secrets(address).partition("#")[0].rpartition("/")[2]
    try:
        return str(parse_wheel_filename(file)[1])
    except InvalidWheelFilename:
        return f"of {file}"


def _lost(owner: Owner, specs: Sequence[Spec], changes: Iterable[Change]) -> list[Change]:
    """Return what uv takes out of a tool's environment besides: what somebody put in past its receipt."""
    known = {spec.name for spec in specs} | {change.name for change in changes}
    versions = installed_versions(owner)
    return [
        Change(name=name, before=versions[name])
        for name in find_unkept(owner, read_receipt(owner))
        if name not in known
    ]
