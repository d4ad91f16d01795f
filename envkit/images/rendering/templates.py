"""Find the templates of images that extensions hand in, and pick one by its name."""

from __future__ import annotations

import re
from operator import methodcaller
from typing import TYPE_CHECKING

import msgspec

from envkit.api import ImageTemplate
from envkit.claims import read_claims

if TYPE_CHECKING:
    from envkit.api import PluginError
    from envkit.claims import Claim, Claims

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # it becomes part of an image's name
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def find_templates() -> dict[str, Claim[ImageTemplate]]:
    """Return the templates by name, sorted; one that two distributions claim is there with its fault."""
    return _claims().all()


def load_template(name: str) -> ImageTemplate:
    """Return the template of this name.

    Raises: UsageError where there is none, PluginError where two distributions claim the name.
    """
    return _claims(wanted=name).pick(name)


def find_faults() -> list[PluginError]:
    """Return what is wrong with extensions and templates that cannot be offered at all."""
    return _claims().faults


def _claims(*, wanted: str | None = None) -> Claims[ImageTemplate]:
    return read_claims(
        "template",
        purpose="images",
        hook="envkit_templates",
        take=methodcaller("templates"),
        find_wrong=_find_wrong,
        wanted=wanted,
    )


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
