"""``requirements.txt``, with the files that it names; its lines are taken over, so that it may go away."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envkit.environments.files.addresses import absolute_address, absolute_editable
from envkit.environments.files.request import FileRequest, Place, file_error, read_text
from envkit.environments.files.requirement_lines import (
    Line,
    check_public,
    check_there,
    expand,
    join_lines,
    place_of,
    read_requirement,
    stand_alone,
)
from envkit.masking import mask_secrets
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_OPTION = re.compile(r"(--[a-z-]+|-[a-zA-Z])(?:\s*=)?\s*(.*)")
_LONG = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "-f": "--find-links",
}
_REPOSITORY = re.compile(r"([\w.-]+(\[[\w., -]*\])?\s*@\s*)?(git|hg|svn|bzr)\+", re.IGNORECASE)
_NAMED_FOLDER = re.compile(r"[\w.-]+\s*(?P<extras>\[[\w., -]*\])?\s*@\s*(?P<place>file:.+)")
_PLACES = frozenset({"--index-url", "--extra-index-url", "--find-links"})
# Where a file may say it for pip, here a setting says it for every command: an environment's record keeps
# what is in it, and addresses, which may hold passwords, stay out of it.
_SETTINGS = {
    "--index-url": "envkit config set mirrors.package-index URL",
    "--extra-index-url": "pip config set global.extra-index-url URL",
    "--find-links": "pip config set global.find-links FOLDER",
    "--no-index": "pip config set global.no-index true",
    "--trusted-host": "pip config set global.trusted-host HOST",
    "--pre": "pip config set global.pre true",
    "--only-binary": "pip config set global.only-binary NAMES",
    "--no-binary": "pip config set global.no-binary NAMES",
}
_WITHOUT_EFFECT = frozenset({"--prefer-binary", "--use-feature"})
# A folder of torch's index, wherever it is mirrored; nightly and test builds are others.
_TORCH_FOLDER = re.compile(
    r"(/whl|(?<!/nightly)(?<!/test)/(cpu|xpu|cu\d{2,3}|rocm[\d.]+))(/torch_stable\.html)?/?$"
)


@dataclass
class Gathered:
    """What has been read so far, of a file and of those that it names."""

    environ: Mapping[str, str]
    package_index: str | None = None
    packages: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    seen: set[tuple[Path, bool]] = field(default_factory=set)
    unhashed: Line | None = None
    must_hash: Line | None = None


def read_requirements(
    file: Path, *, environ: Mapping[str, str], package_index: str | None = None
) -> FileRequest:
    """Return what a requirements file asks for. Raises: ConfigError with file and line."""
    gathered = Gathered(environ, package_index)
    _read_file(file, gathered, is_constraint=False)
    return finish(gathered)


def read_lines(
    lines: Iterable[Line], *, environ: Mapping[str, str], package_index: str | None = None
) -> FileRequest:
    """Return what these lines ask for, as if they stood in a requirements file. Raises: ConfigError."""
    gathered = Gathered(environ, package_index)
    for line in lines:
        _read_line(line, gathered, is_constraint=False)
    return finish(gathered)


def finish(gathered: Gathered) -> FileRequest:
    """Return what was gathered. Raises: ConfigError where a hash was called for and is not there."""
    if gathered.must_hash is not None and gathered.unhashed is not None:
        line = gathered.unhashed
        raise file_error(
            f"{mask_secrets(line.text)!r} has no --hash, which {gathered.must_hash.file}:"
            f"{gathered.must_hash.number} asks for",
            file=line.file,
            line=line.number,
            hint="Add the hash, or take --require-hashes out",
        )
    return FileRequest(
        packages=tuple(dict.fromkeys(gathered.packages)),
        constraints=tuple(dict.fromkeys(gathered.constraints)),
        notes=tuple(dict.fromkeys(gathered.notes)),
        places=tuple(gathered.places),
    )


def _read_file(file: Path, gathered: Gathered, *, is_constraint: bool) -> None:
    if (file.resolve(), is_constraint) in gathered.seen:  # files may name each other
        return
    gathered.seen.add((file.resolve(), is_constraint))
    for line in join_lines(read_text(file).splitlines(), file=file):
        _read_line(line, gathered, is_constraint=is_constraint)


def _read_line(line: Line, gathered: Gathered, *, is_constraint: bool) -> None:
    if line.text.startswith("@EXPLICIT"):
        raise file_error(
            "this is conda's list of exact packages, which is for conda alone",
            file=line.file,
            line=line.number,
            hint="Write an environment.yml instead: conda env export > environment.yml",
        )
    if line.text.startswith("-"):
        _read_option(line, gathered, is_constraint=is_constraint)
        return
    asked = read_requirement(line, environ=gathered.environ)
    if is_constraint:
        if asked.is_nameless:
            raise file_error(
                "a constraint needs a name before its address",
                file=line.file,
                line=line.number,
                hint=f"Write: NAME @ {asked.text}",
            )
        gathered.constraints.append(asked.pin)
        return
    gathered.packages.append(asked.text)
    gathered.places += place_of(asked.text, line)
    if asked.hashes:
        gathered.constraints.append(asked.pin)
    elif not re.search(r"[#&]sha\d+=", asked.text):
        gathered.unhashed = gathered.unhashed or line


def _read_option(line: Line, gathered: Gathered, *, is_constraint: bool) -> None:
    found = _OPTION.fullmatch(expand(line, environ=gathered.environ))
    name, value = (found[1], _unquoted(found[2])) if found else (line.text.split()[0], "")
    name = _LONG.get(name, name)
    if name in ("--requirement", "--constraint"):
        if "://" in value:
            raise file_error(
                f"{name} of an address is not followed",
                file=line.file,
                line=line.number,
                hint="Fetch it, and name the file",
            )
        _read_named(line, value, gathered, is_constraint=is_constraint or name == "--constraint")
    elif name == "--editable" and not is_constraint:
        _read_editable(line, value, gathered)
    elif name == "--require-hashes":
        gathered.must_hash = line
    elif name in _WITHOUT_EFFECT:
        gathered.notes.append(f"{line.file}:{line.number}: {name} is passed over: it changes nothing here")
    elif name in _SETTINGS:
        _read_setting(line, name, value, gathered)
    else:
        raise file_error(
            f"the option {name} is not understood",
            file=line.file,
            line=line.number,
            hint="Take the line out; pip's own settings, as pip config list shows them, are honoured",
        )


def _unquoted(value: str) -> str:
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
    return value[1:-1].strip() if is_quoted else value


def _read_editable(line: Line, value: str, gathered: Gathered) -> None:
    """Take an editable folder over; a repository, which is kept nowhere, as it is without ``-e``."""
    gathered.unhashed = gathered.unhashed or line
    if not _REPOSITORY.match(value):
        if named := _NAMED_FOLDER.fullmatch(value):
            value = f"{named['place']}{named['extras'] or ''}"
        check_public(value, line)
        if "://" in value and not value.lower().startswith("file:"):
            raise file_error(
                f"{mask_secrets(value)!r} is no folder: nothing else can be editable",
                file=line.file,
                line=line.number,
                hint="Take -e out",
            )
        check_there(value, line)
        gathered.packages.append(f"-e {absolute_editable(value, folder=line.file.parent)}")
        return
    asked = stand_alone(value, line)
    gathered.packages.append(asked)
    gathered.places += place_of(asked, line)
    gathered.notes.append(
        f"{line.file}:{line.number}: -e is passed over: what a repository holds is installed as it is. "
        "To edit it: git clone it, and name its folder"
    )


def _read_named(line: Line, value: str, gathered: Gathered, *, is_constraint: bool) -> None:
    named = line.file.parent / value
    if not named.is_file():
        raise file_error(
            f"there is no file {named}",
            file=line.file,
            line=line.number,
            hint="Paths are taken from the folder of the file that names them",
        )
    _read_file(named, gathered, is_constraint=is_constraint)


def _read_setting(line: Line, name: str, value: str, gathered: Gathered) -> None:
    """Pass over what is so anyway. Raises: ConfigError with the setting that makes it so."""
    place = f"{line.file}:{line.number}: {name}"
    if name in _PLACES and _TORCH_FOLDER.search(value):
        gathered.notes.append(f"{place} is passed over: envkit finds the torch that fits this machine itself")
        return
    configuration = read_pip_configuration(environ=gathered.environ, package_index=gathered.package_index)
    known = {
        "--index-url": (configuration.index_url,),
        "--extra-index-url": configuration.extra_index_urls,
        "--find-links": configuration.find_links,
        "--trusted-host": configuration.trusted_hosts,
        "--no-index": ("",) if configuration.no_index else (),
        "--pre": ("",) if configuration.prereleases else (),
        "--only-binary": (",".join(configuration.only_binary),),
        "--no-binary": (",".join(configuration.no_binary),),
    }
    if name in _PLACES:
        value = absolute_address(value, folder=line.file.parent)
    if value.rstrip("/") in {each.rstrip("/") for each in known[name] if each is not None}:
        return
    raise file_error(
        f"{name} is not taken from a file: where packages come from is a setting, not part of an environment",
        file=line.file,
        line=line.number,
        hint=f"Take the line out and set it once: {_SETTINGS[name]}",
    )
