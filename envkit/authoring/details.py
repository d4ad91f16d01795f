"""Everything that is known of one installed plugin: its metadata, where it is from, and what it gives."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Literal

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit.api import UsageError
from envkit.authoring.inspection import HookFunction, OptionLine, inspect_entry
from envkit.authoring.installed import InstalledEntry, read_installed
from envkit.authoring.specs import ENVKIT, PLUGIN_PREFIX, shown_spec
from envkit.masking import mask_secrets
from envkit.registry import find_entries
from envkit.registry.metadata import read_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.metadata import Distribution

    from envkit.authoring.inspection import Inspected
    from envkit.registry import AnyEntry

_LONGEST_LICENCE = 60  # what is longer is the text of one


class Extra(msgspec.Struct, frozen=True, kw_only=True):
    """An extra of a distribution, and what it asks for."""

    name: str
    requires: tuple[str, ...]


class EntryDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A task or an extension: see ``InstalledEntry`` and ``Inspected``; ``module`` is where its hooks are."""

    name: str
    kind: Literal["task", "extension"]
    module: str
    state: str
    problem: str | None = None
    hint: str | None = None
    traceback: str | None = None
    milliseconds: float | None = None
    headline: str | None = None
    hooks: tuple[HookFunction, ...] = ()
    options: tuple[OptionLine, ...] = ()
    remarks: tuple[str, ...] = ()


class PluginDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution. ``folder`` is where it lies, of an editable one where its source is.

    ``origin`` is the address or path that it was installed from, empty for a package index; ``installer`` what
    installed it; ``links`` are label and address.
    """

    plugin: str
    version: str
    summary: str
    authors: tuple[str, ...]
    licence: str
    requires_python: str
    folder: str
    is_editable: bool
    origin: str
    installer: str
    links: tuple[tuple[str, str], ...]
    requires: tuple[str, ...]
    extras: tuple[Extra, ...]
    entries: tuple[EntryDetails, ...]


class _FolderInfo(msgspec.Struct):
    editable: bool = False


class _DirectUrl(msgspec.Struct):
    """What an installer writes of an address. Source: PyPA specification "Recording the Direct URL Origin"."""

    url: str
    dir_info: _FolderInfo | None = None


def choose_plugin(name: str, entries: Sequence[AnyEntry], *, command: str) -> str:
    """Return the distribution, in canonical form, that is meant: by its name, its short form, or one of its entries.

    ``command`` is what the user would type again. Raises: UsageError.
    """
    wanted = str(canonicalize_name(name))
    if wanted == ENVKIT:
        raise UsageError(f"{ENVKIT} is envkit itself, and no plugin", hint="To see them: envkit plugin list")
    others = [entry for entry in entries if not entry.is_own]
    known = {str(canonicalize_name(entry.plugin)) for entry in others}
    claims = sorted({str(canonicalize_name(entry.plugin)) for entry in others if entry.name == name})
    short = f"{PLUGIN_PREFIX}{wanted}"
    if wanted in known:
        return wanted
    if short in known:
        return short
    if len(claims) == 1:
        return claims[0]
    if claims:
        raise UsageError(
            f"{shown_spec(name)!r} is of {' and of '.join(claims)}", hint=f"Name one: {command} {claims[0]}"
        )
    near = difflib.get_close_matches(wanted, [*known, *(entry.name for entry in others)], n=1)
    here = f"Plugins here: {', '.join(sorted(known)) or 'none'}"
    hint = f"Did you mean {near[0]!r}? {here}" if near else here
    raise UsageError(f"no plugin {shown_spec(name)!r} is installed", hint=hint)


def read_details(
    name: str,
    *,
    read: Callable[[], Iterable[InstalledEntry]] = read_installed,
    inspect: Callable[[AnyEntry], Inspected] = inspect_entry,
) -> PluginDetails:
    """Return everything of the plugin that is meant, its code loaded in processes of its own. Raises: UsageError."""
    entries = find_entries()
    wanted = choose_plugin(name, entries, command="envkit plugin info")
    mine = [entry for entry in entries if canonicalize_name(entry.plugin) == wanted]
    installed = {(str(each.kind), each.name, each.plugin): each for each in read()}
    lines = [(entry, installed[entry.kind, entry.name, entry.plugin]) for entry in mine]
    return _details(mine[0], [_entry_details(entry, line, inspect) for entry, line in lines])


def _entry_details(
    entry: AnyEntry, line: InstalledEntry, inspect: Callable[[AnyEntry], Inspected]
) -> EntryDetails:
    found = inspect(entry)
    return EntryDetails(
        name=line.name,
        kind=line.kind,
        module=entry.entry_point.value,
        state=line.state,
        problem=line.problem,
        hint=line.hint,
        traceback=found.traceback,
        milliseconds=line.milliseconds,
        headline=found.headline,
        hooks=found.hooks,
        options=found.options,
        remarks=found.remarks,
    )


def _details(entry: AnyEntry, entries: Sequence[EntryDetails]) -> PluginDetails:
    dist = entry.distribution
    direct = _direct_url(dist)
    is_editable = direct is not None and direct.dir_info is not None and direct.dir_info.editable
    origin = mask_secrets(direct.url) if direct is not None else ""
    needs, extras = _requirements(dist)
    return PluginDetails(
        plugin=entry.plugin,
        version=entry.version,
        summary=entry.summary,
        authors=tuple(_authors(dist)),
        licence=_licence(dist),
        requires_python=entry.requires_python,
        folder=origin.removeprefix("file://") if is_editable else str(dist.locate_file("")),
        is_editable=is_editable,
        origin="" if is_editable else origin,
        installer=_text(dist, "INSTALLER"),
        links=tuple(_links(dist)),
        requires=needs,
        extras=extras,
        entries=tuple(entries),
    )


def _direct_url(dist: Distribution) -> _DirectUrl | None:
    try:
        return msgspec.json.decode(_text(dist, "direct_url.json"), type=_DirectUrl)
    except msgspec.DecodeError:  # none, as of what is from an index
        return None


def _text(dist: Distribution, file: str) -> str:
    try:
        return (dist.read_text(file) or "").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _fields(dist: Distribution, name: str) -> list[str]:
    return [each.strip() for each in read_fields(dist, name)]


def _authors(dist: Distribution) -> Iterable[str]:
    yield from dict.fromkeys(
        each
        for name in ("Author", "Author-email", "Maintainer", "Maintainer-email")
        for each in _fields(dist, name)
        if each
    )


def _licence(dist: Distribution) -> str:
    """Return the licence's expression (PEP 639), else the short field before it, else the classifier's."""
    stated = _fields(dist, "License-Expression") + _fields(dist, "License")
    marks = [each for each in _fields(dist, "Classifier") if each.startswith("License :: ")]
    short = [each for each in stated if len(each) <= _LONGEST_LICENCE and "\n" not in each]
    return (short or [each.rpartition(" :: ")[2] for each in marks] or [""])[0]


def _links(dist: Distribution) -> Iterable[tuple[str, str]]:
    if home := _fields(dist, "Home-page"):
        yield "Home-page", mask_secrets(home[0])
    for line in _fields(dist, "Project-URL"):
        label, _, address = line.partition(",")
        yield label.strip(), mask_secrets(address.strip())


def _requirements(dist: Distribution) -> tuple[tuple[str, ...], tuple[Extra, ...]]:
    """Return what the distribution asks for, and what each of its extras asks for besides."""
    extras: dict[str, list[str]] = {name: [] for name in _fields(dist, "Provides-Extra")}
    needs = []
    for line in read_fields(dist, "Requires-Dist"):
        try:
            need = Requirement(line)
        except InvalidRequirement:
            needs.append(mask_secrets(line))
            continue
        mine = [name for name in extras if need.marker is not None and _is_of(need, name)]
        need_text = (
            f"{need.name}{'[' + ','.join(sorted(need.extras)) + ']' if need.extras else ''}{need.specifier}"
        )
        for name in mine:
            extras[name].append(need_text)
        if not mine:
            needs.append(mask_secrets(line))
    return tuple(needs), tuple(Extra(name=name, requires=tuple(each)) for name, each in extras.items())


def _is_of(need: Requirement, extra: str) -> bool:
    assert need.marker is not None
    return need.marker.evaluate({"extra": extra}) and not need.marker.evaluate({"extra": ""})
