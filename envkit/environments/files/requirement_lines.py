"""Lines of requirements as pip reads them: joined, commented, with variables and hashes.

Source: pip's documentation, "Requirements File Format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envkit.environments.files.addresses import (
    absolute_address,
    has_secret,
    is_place,
    is_there,
    local_path,
    split_extras,
    split_marker,
    stand_alone_place,
)
from envkit.environments.files.request import Place, file_error
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTION = re.compile(r"\s(?=--[a-z])")
# As conda writes a version.
_ONE_SIGN = re.compile(r"([\w.-]+(?:\[[\w.,-]+\])?)\s*=\s*([\w.+!*]+)")
_HASH = re.compile(r"--hash[=\s]\s*(\S+)")
_DIGEST = re.compile(r"(sha256|sha384|sha512):[0-9a-f]{64,128}")


@dataclass(frozen=True)
class Line:
    """A line of requirements and where it begins."""

    text: str
    file: Path
    number: int


@dataclass(frozen=True)
class Asked:
    """A requirement, as text that stands alone, and its hashes as ``sha256:…``."""

    text: str
    hashes: tuple[str, ...] = ()

    @property
    def pin(self) -> str:
        """Return the line that holds an installer to this version and its hashes."""
        return " ".join([self.text, *(f"--hash={each}" for each in self.hashes)])

    @property
    def is_nameless(self) -> bool:
        """Tell whether it is an address alone, whose name only an installer can tell."""
        return "://" in self.text and " @ " not in self.text


def join_lines(lines: Iterable[str], *, file: Path, first: int = 1) -> Iterator[Line]:
    """Yield what the lines say, continued ones as one, without comments and empty ones."""
    parts: list[str] = []
    start = first
    for number, line in enumerate(lines, first):
        if not parts:
            start = number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        parts.append(f" {line}" if is_comment else line)
        yield from _whole(parts, file, start)
        parts = []
    yield from _whole(parts, file, start)


def expand(line: Line, *, environ: Mapping[str, str]) -> str:
    """Return the line with ``${VARIABLE}`` replaced where the variable is set.

    In addresses they stay, for the installer to replace: there they stand for passwords.
    """
    if "://" in line.text:
        return line.text
    return _VARIABLE.sub(lambda found: environ.get(found[1]) or found[0], line.text)


def read_requirement(line: Line, *, environ: Mapping[str, str]) -> Asked:
    """Return the requirement of a line, paths made absolute. Raises: ConfigError with file and line."""
    text, *options = _OPTION.split(expand(line, environ=environ))
    hashes = tuple(_hash(option.strip(), line) for option in options)
    asked = stand_alone(text.strip(), line)
    if hashes and "://" in asked:  # an address carries its hash itself, which every installer checks
        return Asked(_with_hash(asked, hashes, line))
    return Asked(asked, hashes)


def stand_alone(text: str, line: Line) -> str:
    """Return a requirement that means the same in every folder. Raises: ConfigError."""
    if is_place(text, folder=line.file.parent):
        check_there(split_marker(text)[0], line)
        text = stand_alone_place(text, folder=line.file.parent)
        if " @ " not in text:  # the installer reads the name off the files
            check_public(text, line)
            return text
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        what = str(error).splitlines()[0]
        raise file_error(
            f"{mask_secrets(text)!r} is no requirement: {mask_secrets(what)}",
            file=line.file,
            line=line.number,
            hint=f"Did you mean {slip[1]}=={slip[2]}?"
            if (slip := _ONE_SIGN.fullmatch(text))
            else "Expected a name with a range, as in: torch>=2.6,<3",
        ) from error
    if requirement.url:
        requirement.url = absolute_address(requirement.url, folder=line.file.parent)
        check_public(requirement.url, line)
    return str(requirement)


def place_of(text: str, line: Line) -> list[Place]:
    """Return where the package of a requirement is asked for; of an address alone only an installer knows it."""
    try:
        return [Place(canonicalize_name(Requirement(text).name), line.file, line.number, text)]
    except InvalidRequirement:
        return []


def check_there(place: str, line: Line) -> None:
    """Check that a path leads somewhere; addresses are the installer's to look at. Raises: ConfigError."""
    path = (
        None
        if "://" in place
        else local_path(absolute_address(split_extras(place)[0], folder=line.file.parent))
    )
    if path is not None and not is_there(path):
        raise file_error(
            f"there is no {path}",
            file=line.file,
            line=line.number,
            hint="Paths are taken from the folder of the file that names them",
        )


def check_public(address: str, line: Line) -> None:
    """Check that an address may stand in a record. Raises: ConfigError for one with a password."""
    if has_secret(address):
        raise file_error(
            f"the address {mask_secrets(address)} holds a password, which would stand in records",
            file=line.file,
            line=line.number,
            hint="Keep it in ~/.netrc or in a variable, as in https://${TOKEN}@…",
        )


def _whole(parts: list[str], file: Path, number: int) -> Iterator[Line]:
    text = _COMMENT.sub("", "".join(parts)).strip()
    if text:
        yield Line(text, file, number)


def _with_hash(asked: str, hashes: tuple[str, ...], line: Line) -> str:
    if len(hashes) > 1:
        raise file_error(
            "one address has several hashes", file=line.file, line=line.number, hint="Expected one --hash"
        )
    address, separator, marker = asked.partition(" ;")
    joint = "&" if "#" in address else "#"
    return f"{address}{joint}{hashes[0].replace(':', '=')}{separator}{marker}"


def _hash(option: str, line: Line) -> str:
    found = _HASH.fullmatch(option)
    if found is None:
        raise file_error(
            f"the option {option.split('=')[0].split()[0]} of one requirement is not understood",
            file=line.file,
            line=line.number,
            hint="Expected only --hash=sha256:… after a requirement",
        )
    if not _DIGEST.fullmatch(found[1]):
        raise file_error(
            f"{found[1]!r} is no hash", file=line.file, line=line.number, hint="Expected --hash=sha256:…"
        )
    return found[1]
