"""What an install would change, asked of the installer before anything is changed."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from envkit.api import EnvError
from envkit.authoring.addresses import SHOWN_DIGITS, installed_sources, read_source, with_names
from envkit.authoring.changes import Change, installed_versions, read_uv_changes, read_uv_places
from envkit.authoring.installers import packages_call, uses_pip
from envkit.authoring.owner import shown_words
from envkit.authoring.pip_failures import explain_index_trouble
from envkit.authoring.uv_tools import find_unkept, read_receipt
from envkit.environments.missing_packages import MissingPackages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from envkit.authoring.addresses import Source
    from envkit.authoring.calls import Runner
    from envkit.authoring.specs import Spec
    from envkit.owner import Owner

_ONLY_WHEELS = ("--only-binary", ":all:")
_UV_WANTS_BUILD = re.compile(
    r"([\w.-]+)(?:==\S+)? has no usable wheels|Building source distributions for `([^`]+)` is disabled"
)
_PIP_PASSES_OVER = re.compile(r"No sources permitted for (\S+): (\S+)")


class SourceOnly(EnvError):
    """Report that only a build, which is code of others, would tell what an install changes."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} has to be built: what it needs is not known without running its build")


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What would be installed: the specs, named as far as that is known, and the changes, the asked ones first.

    ``anew``, ``pins``: see ``install_call``. ``notes`` are for the user.
    """

    specs: tuple[Spec, ...]
    changes: tuple[Change, ...]
    anew: frozenset[str] = frozenset()
    pins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Metadata(msgspec.Struct):
    name: str
    version: str


class _Item(msgspec.Struct):
    metadata: _Metadata
    download_info: dict[str, Any] = {}
    requested: bool = False
    is_direct: bool = False

    @property
    def name(self) -> str:
        return str(canonicalize_name(self.metadata.name))

    @property
    def source(self) -> Source:
        return read_source(self.download_info)

    @property
    def pin(self) -> str:
        if not self.is_direct:
            return f"{self.name}=={self.metadata.version}"
        kind = self.download_info.get("vcs_info")
        address = self.download_info["url"]
        return f"{self.name} @ " + (f"{kind['vcs']}+{address}@{kind['commit_id']}" if kind else address)


class _Report(msgspec.Struct):
    """pip's report, version 1: what of it is read here. Source: pip's documentation, "Installation Report"."""

    install: list[_Item] = []


def foresee_install(
    owner: Owner,
    specs: Sequence[Spec],
    *,
    runner: Runner,
    is_upgrade: bool = False,
    only_wheels: bool = False,
) -> Forecast:
    """Return what installing these would change; with ``only_wheels`` nothing is built for that.

    Raises: EnvError where it cannot be done, SourceOnly where only a build would tell.
    """
    sources = installed_sources(owner)
    named = with_names(specs, {name: each.place for name, each in sources.items()})
    asking = _Asking(owner=owner, runner=runner, is_upgrade=is_upgrade, only_wheels=only_wheels)
    found = asking.pip(named, sources) if uses_pip(owner) else asking.uv(named)
    changes = found.changes
    if owner.kind == "uv tool":
        changes += tuple(_lost(owner, found.specs, changes))
    anew = found.anew
    if owner.kind == "pipx" or not uses_pip(owner):
        anew |= _put_in_again(owner, found.specs, changes)
    return replace(
        found,
        changes=tuple(sorted(changes, key=lambda change: (not change.is_asked, change.name))),
        anew=anew,
        notes=() if is_upgrade else tuple(_unchanged(found.specs, changes, sources)),
    )


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """How the installers are asked; each answers with what it knows itself."""

    owner: Owner
    runner: Runner
    is_upgrade: bool
    only_wheels: bool

    def pip(self, specs: list[Spec], sources: Mapping[str, Source]) -> Forecast:
        """Ask pip, which passes over what an address has where the version is that of what is here."""
        addressed = [spec for spec in specs if spec.address is not None]
        if self.only_wheels and any(spec.is_source for spec in addressed):
            # What an address has pip builds, whatever it is told.
            raise SourceOnly(shown_words(spec.text for spec in addressed if spec.is_source))
        items = {each.name: each for each in self._pip_report(specs)}
        anew: set[str] = set()
        direct = {name for name, each in items.items() if each.requested and each.is_direct}
        if len(direct) < len(addressed):
            given = {
                each.name: each for each in self._pip_report(addressed, "--force-reinstall", "--no-deps")
            }
            specs = with_names(specs, {name: each.source.place for name, each in given.items()})
            anew = {
                name
                for name, each in given.items()
                if name not in direct and (self.is_upgrade or not _is_here(each.source, sources.get(name)))
            }
            items |= {name: given[name] for name in anew}
        before = installed_versions(self.owner)
        changes = [
            Change(name=name, before=before.get(name), after=each.metadata.version, is_asked=each.requested)
            for name, each in items.items()
        ]
        from_addresses = {spec.name for spec in specs if spec.address is not None}
        pins = tuple(each.pin for name, each in items.items() if name not in from_addresses)
        return Forecast(specs=tuple(specs), changes=tuple(changes), anew=frozenset(anew), pins=pins)

    def uv(self, specs: list[Spec]) -> Forecast:
        """Ask uv, which looks whether a repository has another commit, and at nothing else that it knows."""
        here = installed_versions(self.owner)
        names = frozenset(
            spec.name
            for spec in specs
            if spec.address and spec.name in here and (self.is_upgrade or not spec.is_repository)
        )
        flags = ("--dry-run", *(_ONLY_WHEELS if self.only_wheels else ()))
        call = packages_call(self.owner, specs, is_upgrade=self.is_upgrade, anew=names, flags=flags)
        if self.owner.kind == "uv tool":
            receipt = read_receipt(self.owner)
            call = replace(
                call,
                settings=receipt.options,
                constraints=receipt.constraints,
                overrides=receipt.overrides,
            )
        try:
            lines = self.runner.run(call)
        except EnvError as error:
            wanted = _UV_WANTS_BUILD.search(error.message) if self.only_wheels else None
            if wanted is None:
                raise
            raise SourceOnly(wanted[1] or wanted[2]) from error
        specs = with_names(specs, read_uv_places(lines))
        changes = read_uv_changes(lines, asked={spec.name for spec in specs if spec.name is not None})
        return Forecast(specs=tuple(specs), changes=tuple(changes), anew=names)

    def _pip_report(self, specs: Sequence[Spec], *words: str) -> list[_Item]:
        file = self.runner.folder / "report.json"
        flags = ["--dry-run", "--quiet", "--report", str(file), *words]
        flags += _ONLY_WHEELS if self.only_wheels else ()
        try:
            self._run_pip(specs, flags)
        except MissingPackages as error:
            raise self._truer_error(specs, flags, error) from None
        try:
            return msgspec.json.decode(file.read_bytes(), type=_Report).install
        except (OSError, msgspec.DecodeError) as error:
            raise EnvError(
                f"pip does not say what it would install: {error}",
                hint=f"Upgrade it: {self.owner.python} -m pip install --upgrade pip",
            ) from error

    def _run_pip(self, specs: Sequence[Spec], flags: Sequence[str]) -> None:
        self.runner.run(packages_call(self.owner, specs, is_upgrade=self.is_upgrade, flags=flags))

    def _truer_error(self, specs: Sequence[Spec], flags: Sequence[str], error: MissingPackages) -> EnvError:
        """Ask once more: only in its log does pip tell what it lacks from what it passed over or could not get."""
        log = self.runner.folder / "pip.log"
        with contextlib.suppress(EnvError):
            self._run_pip(specs, [*flags, "--log", str(log)])
        said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        if self.only_wheels and (passed_over := _passed_over(said, error.names)):
            return SourceOnly(" and ".join(passed_over))
        return explain_index_trouble(said) or error


def _is_here(given: Source, installed: Source | None) -> bool:
    """Tell whether it is the same commit of the same repository; of any other place only its content would tell."""
    return given.commit is not None and given == installed


def _passed_over(said: str, names: Iterable[str]) -> list[str]:
    """Return which of the names pip found as source only; a folder of files it lists for every name."""
    wanted = {canonicalize_name(name.partition("[")[0]) for name in names}
    found: set[str] = set()
    for name, address in _PIP_PASSES_OVER.findall(said):
        try:
            own = parse_sdist_filename(unquote(address.partition("#")[0].rpartition("/")[2]))[0]
        except InvalidSdistFilename:
            continue
        found |= {own} & wanted & {canonicalize_name(name)}
    return sorted(found)


def _put_in_again(owner: Owner, specs: Iterable[Spec], changes: Iterable[Change]) -> frozenset[str]:
    """Return those that are here and taken from an address; pipx passes over whatever is here."""
    addressed = {spec.name for spec in specs if spec.address is not None}
    return frozenset(
        each.name
        for each in changes
        if each.is_asked and each.before is not None and (owner.kind == "pipx" or each.name in addressed)
    )


def _unchanged(
    specs: Iterable[Spec], changes: Iterable[Change], sources: Mapping[str, Source]
) -> Iterator[str]:
    names = {each.name for each in changes}
    for spec in specs:
        source = sources.get(spec.name or "")
        if source is None or source.commit is None or not spec.is_repository or spec.name in names:
            continue
        yield (
            f"{spec.name} is of commit {source.commit[:SHOWN_DIGITS]} already, which the address has now. "
            f"To have it installed anew: envkit plugin install --upgrade {shown_words([spec.text])}"
        )


def _lost(owner: Owner, specs: Sequence[Spec], changes: Iterable[Change]) -> list[Change]:
    """Return what uv takes out of a tool's environment besides: what somebody put in past its receipt."""
    known = {spec.name for spec in specs} | {change.name for change in changes}
    versions = installed_versions(owner)
    return [
        Change(name=name, before=versions[name])
        for name in find_unkept(owner, read_receipt(owner))
        if name not in known
    ]
