"""``pylock.toml``: exact packages with hashes, for one Python on this machine.

Source: PEP 751, as ``packaging.pylock`` reads it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from packaging.markers import default_environment
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from envkit.environments.files.addresses import absolute_address, public
from envkit.environments.files.request import FileRequest, file_error, read_text
from envkit.environments.files.toml_lines import key_line, load_toml
from envkit.environments.records import WheelPackage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from packaging.markers import Environment
    from packaging.pylock import Package, Pylock
    from packaging.tags import Tag

_MINORS = tuple(f"3.{minor}" for minor in range(9, 31))


@dataclass(frozen=True)
class _Target:
    """A Python, as ``3.12.4``, and the kinds of wheels that it takes on this machine, best first."""

    version: str
    tags: Sequence[Tag]

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @property
    def environment(self) -> Environment:
        environment = default_environment()
        environment["python_version"] = self.minor
        environment["python_full_version"] = environment["implementation_version"] = self.version
        return environment


def read_pylock(file: Path, *, choices: Sequence[str], python: str) -> FileRequest:
    """Return the exact files that a pylock names for this machine.

    ``python`` is the version or range that the user asks for, empty for the running one if that fits; the
    request names the minor version that the files are for. Raises: ConfigError.
    """
    from packaging.pylock import PylockSelectError

    text = read_text(file)
    lock = _validated(text, file)
    target = _choose_python(lock, python, text, file)
    extras, groups = _split(choices, lock, file)
    try:
        selected = list(
            lock.select(
                environment=target.environment,
                tags=target.tags,
                extras=extras,
                dependency_groups=groups or None,
            )
        )
    except PylockSelectError as error:
        raise _unselected(error, lock, text, file) from error
    notes: list[str] = []
    wheels = [_wheel(package, source, text, file, notes) for package, source in selected]
    if not wheels:
        notes.append(_nothing(lock, choices, file))
    tool = (lock.tool or {}).get("envkit", {})
    if isinstance(tool, dict) and (tasks := tool.get("tasks")):
        options = " ".join(f"--task {task}" for task in tasks)
        notes.append(f"{file}: the environment it was written from serves tasks; give it them with {options}")
    return FileRequest(
        python=target.minor,
        packages=tuple(sorted(pin_of(wheel) for wheel in wheels)),
        constraints=tuple(
            f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}"
            for wheel in sorted(wheels, key=lambda wheel: wheel.name)
            if wheel.sha256 and wheel.source != "direct"
        ),
        wheels=tuple(wheels),
        is_of_here=True,
        notes=tuple(notes),
    )


def _nothing(lock: Pylock, choices: Sequence[str], file: Path) -> str:
    """Return the note that nothing was taken from the file, and how something is."""
    count = len(lock.packages)
    if not count:
        return f"{file} asks for nothing: there is no package in it"
    what = f"none of its {count} packages is" if count > 1 else "its one package is not"
    more = [each for each in (*(lock.extras or ()), *(lock.dependency_groups or ())) if each not in choices]
    if not more:
        return f"{file}: {what} for this machine"
    option = shlex.quote(f"{file}[{more[0]}]")
    return f"{file}: {what} asked for; there {'are' if len(more) > 1 else 'is'} {', '.join(more)}: --file {option}"


def _validated(text: str, file: Path) -> Pylock:
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    table = load_toml(text, file)
    try:
        return Pylock.from_dict(table)
    except PylockUnsupportedVersionError as error:
        raise file_error(
            f"{error}; expected lock-version 1.x", file=file, line=key_line(text, "lock-version")
        ) from error
    except PylockValidationError as error:
        raise file_error(
            f"this is no valid pylock: {error}",
            file=file,
            line=_package_line(text, error.context),
            hint="Write it anew: uv export --format pylock.toml, or pip lock",
        ) from error


def _choose_python(lock: Pylock, asked: str, text: str, file: Path) -> _Target:
    """Return the running Python if it fits, else the first minor version that does. Raises: ConfigError."""
    wanted = _range(asked)
    running = default_environment()["python_full_version"]
    candidates = [running, *(f"{minor}.{patch}" for minor in _MINORS for patch in range(30))]
    fitting = (
        each
        for each in candidates
        if wanted.contains(each, prereleases=True)
        and (lock.requires_python is None or lock.requires_python.contains(each, prereleases=True))
    )
    version = next(fitting, None)
    if version is None:
        raise file_error(
            f"it is for Python {lock.requires_python}, and Python {asked or 'of any version'} is asked for",
            file=file,
            line=key_line(text, "requires-python"),
            hint="Leave --python out, or lock the packages anew for it",
        )
    return _Target(version, tuple(_tags(version)))


def _range(asked: str) -> SpecifierSet:
    if re.fullmatch(r"\d+(\.\d+){0,2}", asked):
        return SpecifierSet(f"=={asked}" if asked.count(".") == 2 else f"=={asked}.*")
    try:
        return SpecifierSet(asked)
    except InvalidSpecifier:  # whoever makes the environment says so, with the option's name
        return SpecifierSet()


def _tags(version: str) -> Iterator[Tag]:
    from packaging import tags

    minor = (int(version.split(".")[0]), int(version.split(".")[1]))
    if version == default_environment()["python_full_version"]:
        yield from tags.sys_tags()
        return
    interpreter = f"cp{minor[0]}{minor[1]}"
    yield from tags.cpython_tags(minor, abis=[interpreter])
    yield from tags.compatible_tags(minor, interpreter)


def _split(choices: Sequence[str], lock: Pylock, file: Path) -> tuple[list[str], list[str]]:
    extras, groups = list(lock.extras or ()), list(lock.dependency_groups or ())
    for choice in choices:
        if choice not in extras and choice not in groups:
            known = ", ".join([*extras, *groups]) or "none"
            raise file_error(
                f"there is no extra and no dependency group {choice!r}", file=file, hint=f"Known: {known}"
            )
    chosen = [choice for choice in choices if choice in groups]
    if chosen:
        chosen += lock.default_groups or ()
    return [choice for choice in choices if choice in extras], chosen


def _unselected(error: Exception, lock: Pylock, text: str, file: Path) -> Exception:
    found = re.search(r"packages\[(\d+)\]", str(error))
    line = _package_line(text, f"packages[{found[1]}]" if found else None)
    if "environments" in str(error):
        fits = " or ".join(str(marker) for marker in lock.environments or ())
        return file_error(
            f"it is not for this machine, only where {fits}",
            file=file,
            line=key_line(text, "environments"),
            hint="Lock the packages anew, on this machine",
        )
    what = re.sub(r" at packages\[\d+\](,)?", "", str(error))
    return file_error(
        what[0].lower() + what[1:], file=file, line=line, hint="Lock the packages anew, for this machine"
    )


def _package_line(text: str, context: str | None) -> int | None:
    found = re.match(r"packages\[(\d+)\]", context or "")
    starts = [each.start() for each in re.finditer(r"^\[\[packages\]\]", text, re.MULTILINE)]
    if not found or int(found[1]) >= len(starts):
        return None
    return text[: starts[int(found[1])]].count("\n") + 1


def _wheel(package: Package, source: Any, text: str, file: Path, notes: list[str]) -> WheelPackage:
    from packaging.pylock import PackageDirectory, PackageVcs

    if isinstance(source, PackageDirectory):
        if source.editable:
            notes.append(f"{file}: {package.name} is installed as it stands now, not as editable")
        address = absolute_address(source.path, folder=file.parent)
        return _direct(package, address, source.subdirectory, "")
    if isinstance(source, PackageVcs):
        place = source.url or absolute_address(source.path or "", folder=file.parent)
        place = place if place.startswith(f"{source.type}+") else f"{source.type}+{place}"
        return _direct(package, f"{public(place)}@{source.commit_id}", source.subdirectory, "")
    address = source.url or absolute_address(source.path or source.name, folder=file.parent)
    if public(address) != address:
        notes.append(
            f"{file}: the password in the address of {package.name} is left out: keep it in ~/.netrc"
        )
        address = public(address)
    sha256 = source.hashes.get("sha256", "")
    if not sha256:
        raise file_error(
            f"{package.name} has no sha256, only {', '.join(source.hashes)}",
            file=file,
            line=_package_line(text, f"packages[{_index(text, package.name)}]"),
            hint="Lock the packages anew with uv or pip",
        )
    if not (package.wheels or package.sdist):
        return _direct(package, address, source.subdirectory, sha256)
    return WheelPackage(
        name=package.name,
        version=str(package.version or _version_of(address)),
        url=address,
        sha256=sha256,
        size=source.size,
        source="index",
    )


def _direct(package: Package, address: str, subdirectory: str | None, sha256: str) -> WheelPackage:
    return WheelPackage(
        name=package.name,
        version=str(package.version or ""),
        url=address + (f"#subdirectory={subdirectory}" if subdirectory else ""),
        sha256=sha256,
        source="direct",
    )


def _index(text: str, name: str) -> int:
    names = re.findall(r"^\[\[packages\]\]\s*\nname\s*=\s*\"([^\"]+)\"", text, re.MULTILINE)
    return names.index(name) if name in names else -1


def _version_of(address: str) -> str:
    file_name = unquote(urlsplit(address).path.rsplit("/", 1)[-1])
    if file_name.endswith(".whl"):
        return file_name.split("-")[1]
    try:
        return str(parse_sdist_filename(file_name)[1])
    except InvalidSdistFilename:
        return ""


def pin_of(wheel: WheelPackage) -> str:
    """Return the requirement by which a file is asked for in an environment's spec."""
    if wheel.source != "direct":
        return f"{wheel.name}=={wheel.version}"
    joint = "&" if "#" in wheel.url else "#"
    return f"{wheel.name} @ {wheel.url}" + (f"{joint}sha256={wheel.sha256}" if wheel.sha256 else "")
