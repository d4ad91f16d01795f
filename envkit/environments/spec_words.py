"""What people write for a Python, a torch and a package, read as the records and installers mean it."""

from __future__ import annotations

import os.path
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envkit.api import UsageError
from envkit.environments.files.addresses import is_place
from envkit.masking import has_secret_parameter, mask_address, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

_VARIANT = re.compile(r"cpu|mps|xpu|cu[0-9]{2,3}|rocm[0-9.]+")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?")
# ssh://git@host names a user and no secret.
_PASSWORD = re.compile(r"https?://[^\s/@]+@|[a-z+]+://[^\s/@:]+:[^\s/@]+@", re.IGNORECASE)
_EDITABLE = re.compile(r"^(-e|--editable)(\s+|$)")
_FILE = re.compile(r"([^:]*@\s*)?file:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
# A dash that begins a word; the names of files and branches have theirs inside.
_FLAG = re.compile(r"(?:^|\s)(--?[A-Za-z][\w-]*)")
_EXAMPLE = "Expected a name with a range, --with 'torch>=2.6,<3', a path or an address"
_EXTRAS = re.compile(r"(?P<path>.*?)(?P<extras>\[[^\]]*\])?")


@dataclass(frozen=True)
class TorchWish:
    """A torch that was asked for: a range, which may be any, and a variant, None for the one that fits."""

    specifier: SpecifierSet
    variant: str | None = None


def read_python(text: str) -> SpecifierSet:
    """Return the range of Pythons that ``3.12``, ``3.12.4`` or ``>=3.11,<3.13`` means; empty means any.

    Raises: UsageError.
    """
    specifier = _range(text.strip(), parts=3)
    if specifier is None:
        raise UsageError(f"{text!r} is no version of Python", hint="Write 3.12, 3.12.4 or '>=3.11,<3.13'")
    return specifier


def read_torch(text: str) -> TorchWish | None:
    """Return what ``auto``, ``cpu``, ``cu126``, ``2.8.0``, ``2.8.0+cu126`` or ``>=2.7`` means, None for "".

    Raises: UsageError.
    """
    words = text.strip()
    if not words:
        return None
    if words == "auto":
        return TorchWish(SpecifierSet())
    if _VARIANT.fullmatch(words):
        return TorchWish(SpecifierSet(), words)
    version, _, variant = words.partition("+")
    specifier = _range(version, parts=3)
    if specifier is None or (variant and not _VARIANT.fullmatch(variant)):
        raise UsageError(
            f"{text!r} is neither a variant nor a version of torch",
            hint="Write auto, cpu, cu126, 2.8.0, 2.8.0+cu126 or '>=2.7'",
        )
    return TorchWish(specifier, variant or None)


def parse_requirement(text: str) -> Requirement | None:
    """Return the requirement, None for what only an installer reads: paths and addresses without a name."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def spell_requirement(text: str) -> str:
    """Return a requirement as all that mean it are written; what only an installer reads stays as it is."""
    requirement = parse_requirement(text)
    if requirement is None:
        return text
    return str(requirement).replace(requirement.name, canonicalize_name(requirement.name), 1)


def absolute_package(text: str, *, folder: Path) -> str:
    """Return a package that was asked for as it means the same from everywhere: paths made absolute.

    Raises: UsageError for what is no package, for an address with ``-e``, and for an address with a password or a token in it, which
    would stand in the environment's record.
    """
    words = text.strip()
    _check_public(words)
    _check_one_package(words)
    is_editable = words.startswith(("-e ", "--editable "))
    place = words.split(None, 1)[1] if is_editable else words
    if is_editable and "://" in place and not _FILE.match(place):
        raise UsageError(
            f"{words!r} is no folder: nothing else can be editable",
            hint=f"As it is in the repository: --with {shlex.quote(place)}",
        )
    match = _EXTRAS.fullmatch(place)
    assert match is not None
    path = Path(match["path"]).expanduser()
    looks_like_path = match["path"].startswith((".", "/", "~")) or path.suffix == ".whl"
    if "://" in place or not looks_like_path:
        return words
    full = os.path.normpath(folder / path)
    return f"{'-e ' if is_editable else ''}{full}{match['extras'] or ''}"


def _check_public(words: str) -> None:
    if has_secret_parameter(words):
        raise UsageError(
            f"{mask_secrets(words)!r} has a token in it, which records and screens would show",
            hint="Download the file and name it: --with ./FILE.whl",
        )
    if _PASSWORD.search(words):
        raise UsageError(
            f"{mask_secrets(words)!r} has a password in it, which records and screens would show",
            hint="Put it into ~/.netrc: machine HOST login USER password PASSWORD",
        )


def _check_one_package(words: str) -> None:
    """Check that these are not a line of options, which installers would obey, or pass over in silence."""
    package = _EDITABLE.sub("", words)
    if not package or _CONTROL.search(package):
        what = "is empty" if not package else "is not one line"
        raise UsageError(f"the package {words!r} {what}", hint=_EXAMPLE)
    option = _FLAG.search(package)
    if option is None:
        if not is_place(package) and parse_requirement(package) is None:
            raise UsageError(f"{mask_secrets(words)!r} is no package as pip reads it", hint=_EXAMPLE)
        return
    is_file = option[1] in ("-r", "--requirement", "-c", "--constraint") and package.startswith("-")
    name = package[option.end() :].lstrip("= ") or "FILE"
    hint = f"Name the file: --file {name}" if is_file else "Hashes and the like stand in a file: --file FILE"
    raise UsageError(f"{mask_secrets(words)!r} is a package with the option {option[1]}", hint=hint)


def check_channel(text: str) -> str:
    """Return a channel that may stand in a record. Raises: UsageError for one with a password or a token."""
    if mask_address(text) != text:
        raise UsageError(
            f"the channel {mask_address(text)!r} has a password or a token in it, which records would keep",
            hint="Name it without, and keep the whole address in ~/.condarc (custom_channels), or: "
            "envkit config set mirrors.channels ADDRESS",
        )
    return text


def split_torch(packages: Iterable[str]) -> tuple[SpecifierSet | None, list[str]]:
    """Return the range of torch that packages ask for, None where none does, and all others.

    A torch with an address of its own stays among the others: nothing is to be chosen.
    """
    found: SpecifierSet | None = None
    others = []
    for text in packages:
        requirement = parse_requirement(text)
        if requirement is None or canonicalize_name(requirement.name) != "torch" or requirement.url:
            others.append(text)
        elif requirement.marker is None or requirement.marker.evaluate():
            found = requirement.specifier if found is None else found & requirement.specifier
    return found, others


def _range(text: str, *, parts: int) -> SpecifierSet | None:
    if _VERSION.fullmatch(text):
        # A prerelease is one version, however few its parts: there is no ``==3.15rc1.*``.
        is_whole = text.count(".") + 1 >= parts or not text.replace(".", "").isdigit()
        return SpecifierSet(f"=={text}" if is_whole else f"=={text}.*")
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None
