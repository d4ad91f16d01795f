"""Find the templates of images that extensions hand in, and pick one by its name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from envkit.api import ImageTemplate, PluginError, UsageError
from envkit.registry import load_extensions, report_hint

if TYPE_CHECKING:
    from envkit.registry import ExtensionEntry

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # it becomes part of an image's name
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class TemplateEntry:
    """A template by its name, or the reason why the name cannot be used: then ``template`` is None.

    ``source`` names the distribution that supplies it, with its version; on a conflict, all of them.
    """

    name: str
    source: str
    template: ImageTemplate | None
    fault: PluginError | None = None

    @property
    def summary(self) -> str:
        """Return in one line what the image is for, or why the template cannot be used."""
        if self.template is not None:
            return self.template.summary
        return self.fault.message if self.fault else ""


def find_templates() -> dict[str, TemplateEntry]:
    """Return the templates by name, sorted; one that two distributions claim is there with its fault."""
    claimed, _ = _claimed_templates()
    return {name: _settle(name, claimed[name]) for name in sorted(claimed)}


def load_template(name: str) -> ImageTemplate:
    """Return the template of this name.

    Raises: UsageError where there is none, PluginError where two distributions claim the name.
    """
    claimed, faults = _claimed_templates()
    if name not in claimed:
        near = difflib.get_close_matches(name.lower(), claimed, n=1)
        known = f"Templates here: {', '.join(sorted(claimed)) or 'none'}."
        broken = "".join(f" {fault.message}." for fault in faults)
        raise UsageError(
            f"there is no template {name!r} for images",
            hint=(f"Did you mean {near[0]!r}? " if near else "") + known + broken,
        )
    entry = _settle(name, claimed[name])
    if entry.template is None:
        assert entry.fault is not None
        raise entry.fault
    return entry.template


def find_faults() -> list[PluginError]:
    """Return what is wrong with extensions and templates that cannot be offered at all."""
    return _claimed_templates()[1]


_Claims = dict[str, list[tuple["ExtensionEntry", ImageTemplate]]]


def _claimed_templates() -> tuple[_Claims, list[PluginError]]:
    claimed: _Claims = {}
    faults: list[PluginError] = []
    for extension in load_extensions():
        if extension.fault is not None:
            faults.append(extension.fault)
            continue
        try:
            given = extension.templates()
        except PluginError as error:
            faults.append(error)
            continue
        for each in given:
            wrong = _find_wrong(each)
            if wrong:
                faults.append(_refuse(extension.entry, wrong))
            else:
                claimed.setdefault(each.name, []).append((extension.entry, each))
    return claimed, faults


def _find_wrong(given: object) -> str:
    """Return what keeps this from being a template; empty where nothing does."""
    if not isinstance(given, ImageTemplate):
        return f"{type(given).__name__}, which is no ImageTemplate"
    try:
        given = msgspec.convert(
            msgspec.structs.asdict(given), ImageTemplate
        )  # a Struct does not check what it is given
    except msgspec.ValidationError as error:
        return f"a template that is not as documented: {error}"
    if not _NAME.fullmatch(given.name):
        return f"a template named {given.name!r}, expected small letters, digits and dashes"
    missing = [str(file) for file in (given.file, *given.files) if not file.is_file()]
    if missing:
        return f"the template {given.name!r} whose {' and '.join(missing)} does not exist"
    names = [file.name for file in given.files]
    odd = [name for name in names if not _FILE_NAME.fullmatch(name)]
    if odd:
        return f"the template {given.name!r} with the file {odd[0]!r}, expected letters, digits and . _ -"
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"the template {given.name!r} with two files named {twice[0]!r}" if twice else ""


def _refuse(entry: ExtensionEntry, wrong: str) -> PluginError:
    return PluginError(f"envkit_templates of {entry} gives {wrong}", hint=report_hint(entry))


def _settle(name: str, claims: list[tuple[ExtensionEntry, ImageTemplate]]) -> TemplateEntry:
    sources = sorted({str(entry) for entry, _ in claims})
    if len(claims) == 1:
        return TemplateEntry(name=name, source=sources[0], template=claims[0][1])
    plugins = sorted({entry.plugin for entry, _ in claims})
    fault = PluginError(
        f"the template {name!r} is claimed by {' and '.join(sources)}",
        hint=f"Uninstall all but one: pip uninstall {plugins[-1]}",
    )
    return TemplateEntry(name=name, source=" and ".join(sources), template=None, fault=fault)
