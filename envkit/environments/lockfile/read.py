"""Read ``envkit.lock``, and say at which line it is not what envkit wrote."""

from __future__ import annotations

import difflib
import hashlib
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import ConfigError
from envkit.environments.files.request import file_error, read_text
from envkit.environments.files.toml_lines import load_toml
from envkit.environments.lockfile.lines import machine_line, place_line, spec_line
from envkit.environments.lockfile.portable import absolute_machine, absolute_spec
from envkit.environments.lockfile.records import (
    LOCK_FILE,
    LOCK_VERSION,
    Lock,
    LockedBase,
    LockedHost,
    LockedMachine,
    LockedWheel,
    LockFile,
    lock_command,
)
from envkit.environments.lockfile.write import section_digest, spec_digest
from envkit.environments.records import EnvSpec
from envkit.environments.spec_words import parse_requirement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence


_UNKNOWN = re.compile(r"unknown field `(?P<key>[^`]+)`")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Of files that say what is asked for: requirements.txt, environment.yml, pyproject.toml, pylock.toml.
_REQUEST_SUFFIXES = (".txt", ".in", ".pip", ".toml", ".yml", ".yaml")


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of the file, the spec left as it stands."""

    version: int
    spec: dict[str, Any] = {}
    machine: tuple[LockedMachine, ...] = ()


def read_lock(file: Path, *, is_sealed: bool = True) -> LockFile:
    """Return the lock in a file; relative paths in it are taken from its folder.

    With ``is_sealed`` it has to be just as envkit wrote it; without, versions may be taken from one that was
    changed by hand since. Raises: ConfigError with file and line.
    """
    if not file.exists():
        here = " here" if file.parent == Path() else ""
        raise ConfigError(f"there is no {file}{here}", hint=f"{lock_command(file)} --task ner")
    text = read_text(file)
    content = _content(text, file)
    spec = _spec(content.spec, text, file)
    for number, machine in enumerate(content.machine):
        if is_sealed:
            _check_packages(machine, number, text, file)
            _check_whole(machine, number, text, file)
            _check_digests(machine, spec, number, text, file)
    folder = file.absolute().parent
    return LockFile(
        file=file,
        text=text,
        lock=Lock(
            spec=absolute_spec(spec, folder=folder),
            machines=tuple(absolute_machine(machine, folder=folder) for machine in content.machine),
        ),
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
    )


def _content(text: str, file: Path) -> _Content:
    try:
        table = load_toml(text, file)
    except ConfigError as error:
        if _is_other_file(file, text):
            raise _no_lock(file) from error
        error.hint = _instead(file)
        raise
    version = table.get("version")
    if _is_other_file(file, text):
        raise _no_lock(file)
    if isinstance(version, int) and version > LOCK_VERSION:
        from envkit.owner import upgrade_command  # for an error alone

        raise file_error(
            f"this lock is of version {version}, and this envkit reads up to {LOCK_VERSION}",
            file=file,
            line=place_line(text, "$.version"),
            hint=f"Upgrade envkit: {upgrade_command()}",
        )
    if version != LOCK_VERSION:
        raise file_error(
            f"this is no lock of envkit's: it says no version = {LOCK_VERSION}",
            file=file,
            line=place_line(text, "$.version"),
            hint=_instead(file),
        )
    try:
        return msgspec.convert(table, _Content)
    except msgspec.ValidationError as error:
        raise _invalid(error, text, file) from error


def _invalid(error: msgspec.ValidationError, text: str, file: Path) -> ConfigError:
    """Return the error with the line that msgspec's place stands for."""
    what, _, place = str(error).partition(" - at ")
    place = place.strip("`") or "$"
    if found := _UNKNOWN.search(what):
        key = found["key"]
        near = difflib.get_close_matches(key, _keys(place), n=1)
        line = place_line(text, f"{place}.{key}")
        meant = f"; {near[0]!r} is nearest" if near else ""
        return file_error(f"a lock has no key {key!r} here{meant}", file=file, line=line, hint=_instead(file))
    what = what.replace("Object missing required field", "there lacks").replace("`", "'")
    return file_error(
        what[0].lower() + what[1:], file=file, line=place_line(text, place), hint=_instead(file)
    )


def _keys(place: str) -> tuple[str, ...]:
    """Return the keys that there are at a place."""
    from envkit.environments.lockfile import records

    kinds: dict[str, Any] = {
        "facts": records.LockedFacts,
        "gpus": records.LockedGpu,
        "torch": records.LockedTorch,
        "host": records.LockedHost,
        "base": records.LockedBase,
        "wheels": records.LockedWheel,
    }
    words = re.findall(r"[a-z-]+", place)
    kind = kinds.get(words[-1], LockedMachine if words else _Content) if words else _Content
    return tuple(kind.__struct_encode_fields__)


def _spec(table: dict[str, Any], text: str, file: Path) -> EnvSpec:
    names = {name.replace("_", "-"): name for name in EnvSpec.__struct_fields__}
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            meant = f"; {near[0]!r} is nearest" if near else ""
            raise file_error(
                f"a spec has no key {key!r}{meant}", file=file, line=spec_line(text, key), hint=_instead(file)
            )
    try:
        return msgspec.convert({names[key]: value for key, value in table.items()}, EnvSpec)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        key = re.sub(r"[^a-z_].*", "", place.strip("`").removeprefix("$.")).replace("_", "-")
        what = what.replace("`", "'")
        raise file_error(
            what[0].lower() + what[1:], file=file, line=spec_line(text, key), hint=_instead(file)
        ) from error


def _check_packages(machine: LockedMachine, number: int, text: str, file: Path) -> None:
    """Check that every package is named once, by its canonical name, and has its hash. Raises: ConfigError."""
    lists: dict[str, Sequence[LockedBase | LockedHost | LockedWheel]]
    lists = {"base": machine.base, "wheels": machine.wheels, "host": machine.host}
    for key, packages in lists.items():
        names: set[str] = set()
        for item, package in enumerate(packages):
            what = _wrong(package, names)
            if what is not None:
                line = machine_line(text, number, key, item=item)
                raise file_error(what, file=file, line=line, hint=_again(file))
            names.add(package.name)


def _wrong(package: LockedBase | LockedHost | LockedWheel, names: Collection[str]) -> str | None:
    if package.name in names:
        return f"{package.name} stands here a second time"
    if isinstance(package, LockedHost):
        return None
    if isinstance(package, LockedWheel) and package.name != canonicalize_name(package.name):
        return f"{package.name} is written {canonicalize_name(package.name)}"
    wrong = _wrong_hash(package)
    return f"{package.name} {package.version} {wrong}" if wrong else None


def _wrong_hash(package: LockedWheel | LockedBase) -> str | None:
    # A folder has no one file, and a repository's commit is a hash itself.
    is_without = getattr(package, "source", "") == "direct" and not package.url.endswith(
        (".whl", ".gz", ".zip")
    )
    if not package.sha256:
        return None if is_without else "has no sha256"
    if not _SHA256.fullmatch(package.sha256):
        return f"has a sha256 that is none, {package.sha256[:16]!r}: 64 digits of 0-9 and a-f are expected"
    return None


def _check_whole(machine: LockedMachine, number: int, text: str, file: Path) -> None:
    """Check that what was asked for is there. Raises: ConfigError."""
    have = {wheel.name for wheel in machine.wheels}
    for key, item, asked in _asked(machine):
        requirement = parse_requirement(asked)
        if requirement is None or canonicalize_name(requirement.name) in have:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate(_variables(machine)):
            continue
        raise file_error(
            f"{asked} is asked for, and {machine.name} has no wheel of it below",
            file=file,
            line=machine_line(text, number, key, item=item),
            hint=_again(file),
        )


def _asked(machine: LockedMachine) -> Iterator[tuple[str, int, str]]:
    for key, texts in (("asked", machine.asked), ("without-dependencies", machine.without_dependencies)):
        for item, asked in enumerate(texts):
            yield key, item, asked


def _variables(machine: LockedMachine) -> dict[str, str]:
    facts = machine.facts
    return {
        "python_version": ".".join(machine.python.split(".")[:2]),
        "python_full_version": machine.python,
        "sys_platform": facts.system,
        "platform_system": {"darwin": "Darwin", "linux": "Linux"}.get(facts.system, facts.system),
        "platform_machine": facts.machine,
        # Of no kind of machine: uv takes them as empty wherever it resolves for one.
        "platform_release": "",
        "platform_version": "",
    }


def _check_digests(machine: LockedMachine, spec: EnvSpec, number: int, text: str, file: Path) -> None:
    """Check that nothing was changed, added or taken away since it was locked. Raises: ConfigError."""
    if machine.digest != section_digest(machine):
        raise file_error(
            f"of what is locked for {machine.name}, from this line on, something was changed by hand",
            file=file,
            line=machine_line(text, number),
            hint=_again(file),
        )
    if machine.spec_digest != spec_digest(spec):
        raise file_error(
            f"what is asked for was changed after {machine.name} was locked",
            file=file,
            line=spec_line(text),
            hint=_again(file, says="Lock it"),
        )


def _again(file: Path, *, says: str = "Take the change back, or write the file anew") -> str:
    command = lock_command(file)
    return f"What was changed: {command} --check\n{says}: {command}"


def _instead(file: Path) -> str:
    """Return the hint for a file that cannot be read at all."""
    return f"Take the change back, or lock anew into another file: {lock_command(file.with_name('NEW.lock'))} --task ner"


def _is_other_file(file: Path, text: str) -> bool:
    """Tell whether a file most likely never was a lock, by its name and by what is not in it."""
    return file.suffix != ".lock" and "[spec]" not in text and "[[machine]]" not in text


def _no_lock(file: Path) -> ConfigError:
    words = f"--file {shlex.quote(str(file))}" if file.suffix in _REQUEST_SUFFIXES else "--task ner"
    return ConfigError(f"{file} is no {LOCK_FILE}", hint=f"To write one: envkit lock {words}")
