"""What a check of a plugin looks at: an installed distribution, a wheel, or the source of one."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import re
import sys
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, PathDistribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import InvalidRequirement, Requirement

from envkit.api import UsageError
from envkit.authoring.specs import shown_spec
from envkit.registry import describe, find_entries, source_folder
from envkit.registry.entries import entries_of
from envkit.registry.metadata import canonical, read_headers, read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from envkit.registry import AnyEntry

Source = Literal["installed", "folder", "wheel"]
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A plugin that is looked at.

    ``site`` is the folder into which a wheel was unpacked, None for what is installed; ``source_dir`` the folder of
    its source, None where nobody knows one. ``location`` names it on the screen.
    """

    distribution: Distribution
    source: Source
    location: str
    site: Path | None = None
    source_dir: Path | None = None

    @property
    def name(self) -> str:
        """Return the distribution's name."""
        return read_headers(self.distribution).name

    @property
    def version(self) -> str:
        """Return its version."""
        return read_headers(self.distribution).version

    @functools.cached_property
    def entries(self) -> tuple[AnyEntry, ...]:
        """Return what it claims to supply."""
        return tuple(entries_of(self.distribution))

    @functools.cached_property
    def fields(self) -> Message:
        """Return its metadata, all fields; the long description is the payload."""
        return HeaderParser().parsestr(read_text(self.distribution, "METADATA") or "")

    def field(self, name: str) -> str:
        """Return the first field of this name, empty where there is none."""
        return str(self.fields.get(name) or "").strip()

    @property
    def search_path(self) -> list[str]:
        """Return where modules are looked for: its own folder first, then as here."""
        return [*([str(self.site)] if self.site else []), *sys.path]

    @functools.cached_property
    def modules(self) -> tuple[str, ...]:
        """Return the packages or modules at the top that its entries lead to."""
        sound = [entry for entry in self.entries if entry.line_fault is None]
        return tuple(dict.fromkeys(entry.entry_point.module.partition(".")[0] for entry in sound))

    @functools.cached_property
    def code_places(self) -> tuple[Path, ...]:
        """Return the folders of those packages, and the files of those that are one module; none is imported."""
        return tuple(place for name in self.modules if (place := self._place_of(name)) is not None)

    @property
    def package_dirs(self) -> tuple[Path, ...]:
        """Return the folders of those that are packages."""
        return tuple(place for place in self.code_places if place.is_dir())

    def has_module(self, name: str) -> bool:
        """Tell whether there is a package or module of this name at the top."""
        return self._place_of(name) is not None

    def meant_module(self, wrong: str) -> str:
        """Return of the modules in the package the one that a name which none of them has most likely means."""
        files = [file for file in self.distribution.files or () if file.suffix == ".py"]
        names = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files]
        usual = f"{canonical(self.name).replace('-', '_')}.plugin"
        return next(iter(difflib.get_close_matches(wrong, names, n=1)), usual)

    def _place_of(self, name: str) -> Path | None:
        if self.site is not None:
            folder, file = self.site / name, self.site / f"{name}.py"
            return folder if folder.is_dir() else file if file.is_file() else None
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        if spec.submodule_search_locations is None:
            return Path(spec.origin) if spec.has_location and spec.origin else None
        places = list(spec.submodule_search_locations)
        return Path(places[0]) if places else None

    def shown(self, file: Path | str) -> Path:
        """Return the path of one of its files as its author knows it: in the source, else in the wheel."""
        file = Path(file)
        if self.site is None or not file.is_relative_to(self.site):
            return file
        inside = file.relative_to(self.site)
        if self.source_dir is None:
            return inside
        for root in (self.source_dir / "src", self.source_dir):
            if (root / inside).exists():
                return root / inside
        return file

    def place(self, key: str, header: str) -> str:
        """Return file and line of a field: ``key`` in the source's pyproject.toml, else ``header`` in METADATA.

        Of a field that is not there, the line of the table in which it would stand.
        """
        if self.source_dir is not None and (self.source_dir / "pyproject.toml").is_file():
            file = self.source_dir / "pyproject.toml"
            patterns = [
                rf"\s*[\"']?{re.escape(key)}[\"']?\s*=",
                rf"\s*\[.*\b{re.escape(key)}\b.*\]",
                r"\[project\]",
            ]
        else:
            file = Path(str(self.distribution.locate_file(""))) / f"{self.info_name}/METADATA"
            patterns = [rf"(?i){re.escape(header)}:"]
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return str(file)
        found = (
            number for pattern in patterns for number, line in enumerate(lines, 1) if re.match(pattern, line)
        )
        return f"{self.shown(file)}:{next(found, 1)}"

    @property
    def info_name(self) -> str:
        """Return the name of the folder of its metadata."""
        # No public part of a distribution; a path is needed for people alone.
        return str(getattr(getattr(self.distribution, "_path", None), "name", "METADATA"))

    @functools.cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """Return what it asks for, extras and all, as far as it can be read."""
        found = []
        for line in self.fields.get_all("Requires-Dist") or ():
            try:
                found.append(Requirement(str(line)))
            except InvalidRequirement:
                continue
        return tuple(found)


def open_subject(target: str | Path | None, *, folder: Path, build: Callable[[Path, Path], Path]) -> Subject:
    """Return what is to be looked at: the name of a task, entry or distribution, a wheel, or a source folder.

    None is the working folder. ``folder`` is where a wheel is unpacked, ``build`` makes one of a source folder.
    Raises: UsageError where there is no such thing, EnvError where it cannot be built.
    """
    text = "." if target is None else str(target)
    path = Path(text).expanduser()
    if path.is_dir() and ("/" in text or text in (".", "..") or not _find_installed(text)):
        return _open_source(path, folder=folder, build=build)
    if path.suffix == ".whl" and path.is_file():
        return Subject(
            distribution=_unpack(path, folder),
            source="wheel",
            location=text,
            site=_site(folder),
        )
    found = _find_installed(text)
    if not found:
        raise _nothing(text)
    if len({canonical(read_headers(dist).name) for dist in found}) > 1:
        names = sorted({read_headers(dist).name for dist in found})
        raise UsageError(
            f"{text!r} is claimed by {' and by '.join(names)}",
            hint=f"Name one of them: envkit plugin check {names[0]}",
        )
    dist = found[0]
    return Subject(
        distribution=dist, source="installed", location="installed here", source_dir=source_folder(dist)
    )


def installed_distribution(name: str) -> Distribution | None:
    """Return the distribution of this name, None where it is not installed."""
    wanted = canonical(name)
    return next((dist for dist in distributions() if canonical(read_headers(dist).name) == wanted), None)


def _find_installed(name: str) -> list[Distribution]:
    """Return the distributions that this names: of their own name or an entry's."""
    entries = [e for e in find_entries() if not e.is_own]
    named = [e.distribution for e in entries if canonical(e.plugin) == canonical(name)]
    named = named or [e.distribution for e in entries if e.name == name]
    if named:
        return named
    dist = installed_distribution(name) if re.fullmatch(r"[A-Za-z0-9][\w.-]*", name) else None
    return [dist] if dist is not None else []


def _nothing(text: str) -> UsageError:
    if Path(text).expanduser().is_file():
        return UsageError(
            f"{shown_spec(text)!r} is no wheel, and no folder",
            hint="Give the wheel beside it, its source folder, or make one: python -m build --wheel",
        )
    if "/" in text or text.endswith(".whl"):
        return UsageError(
            f"there is no folder and no wheel {shown_spec(text)!r}",
            hint="Give the folder of its pyproject.toml",
        )
    names = sorted({name for e in find_entries() if not e.is_own for name in (e.name, e.plugin)})
    near = difflib.get_close_matches(text, names, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return UsageError(
        f"no plugin {shown_spec(text)!r} is installed, and there is no such folder",
        hint=f"{hint}To see what is installed: envkit plugin list",
    )


def _open_source(path: Path, *, folder: Path, build: Callable[[Path, Path], Path]) -> Subject:
    if not any((path / name).is_file() for name in _PROJECT_FILES):
        raise UsageError(
            f"the folder {path} is no package: it has no pyproject.toml",
            hint="Name an installed plugin or the folder of one: envkit plugin check ner",
        )
    wheel = build(path.resolve(), folder)
    return Subject(
        distribution=_unpack(wheel, folder),
        source="folder",
        location=str(path),
        site=_site(folder),
        source_dir=path.resolve(),
    )


def _site(folder: Path) -> Path:
    """Return the folder of unpacked modules, which lies as an installer would have it."""
    return folder / "prefix" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def _unpack(wheel: Path, folder: Path) -> Distribution:
    site = _site(folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise UsageError(
            f"{wheel} cannot be unpacked: {describe(error)}", hint="Build it again: python -m build --wheel"
        ) from error
    for place in sorted(site.glob("*.data")):  # what an installer puts beside the metadata
        for scheme in ("purelib", "platlib"):
            for each in sorted((place / scheme).glob("*")):
                each.rename(site / each.name)
    infos = sorted(site.glob("*.dist-info"))
    if not infos:
        raise UsageError(
            f"{wheel} is no wheel: it has no .dist-info", hint="Build it again: python -m build --wheel"
        )
    return PathDistribution(infos[0])
