"""Wheels remade from installed distributions, so that an environment runs the host's own code.

Source: PyPA specifications "Binary distribution format" and "Recording installed projects".
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os.path
import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from envkit.api import EnvError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution

# Written by installers about themselves: no part of a wheel.
_INSTALLER_FILES = frozenset(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"}
    | {"uv_cache.json", "uv_build.json"}
)
# A section of entry_points.txt, to the next one or the end.
_COMMANDS = re.compile(rb"^[ \t]*\[(console|gui)_scripts\][^\n]*(\n(?![ \t]*\[)[^\n]*)*\n?", re.MULTILINE)
# Where the path is long or has a space in it, installers let sh start Python.
_SHEBANG = re.compile(rb"\A#!(?:/bin/sh\n'''exec' .*python.*\n' '''(?=\n)|.*python\S*)")
_OLDEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_LIBRARY_FOLDER = re.compile(r"lib(64)?/(python[^/]*/)?(site|dist)-packages$")


@dataclass(frozen=True)
class _Installed:
    """One installed file: where it is, where it stands in a wheel, and RECORD's hash (may be empty)."""

    file: Path
    member: str
    hash: str


def content_digest(distribution: Distribution) -> str:
    """Return a digest of what is installed, read from RECORD and, where there are commands, their entry points.

    It is the same whichever installer put the files there, and of a wheel remade with or without commands.
    Raises: EnvError where there is no RECORD.
    """
    entry_points = f"{_info_folder(distribution)}/entry_points.txt"
    has_commands = _COMMANDS.search((distribution.read_text("entry_points.txt") or "").encode()) is not None
    lines = []
    for installed in _installed_files(distribution):
        known = installed.hash
        if installed.member == entry_points and has_commands:
            known = _hash(_COMMANDS.sub(b"", _read(installed.file, distribution)))
        if not known:
            content = _read(installed.file, distribution)
            # Of a script the first line names the Python of this very installation.
            known = _hash(_generic_shebang(content) if ".data/scripts/" in installed.member else content)
        lines.append(f"{installed.member} {known}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def remake_wheel(distribution: Distribution, *, folder: Path, has_commands: bool = True) -> Path:
    """Write the wheel of an installed distribution into the folder and return its path.

    An editable install gives an editable wheel: the file that points to its source is a file like any
    other. The same installation gives the same bytes. Without ``has_commands`` no installer makes commands of
    its entry points. Raises: EnvError where a file or RECORD is missing.
    """
    info = _info_folder(distribution)
    wheel = folder / f"{info.removesuffix('.dist-info')}-{_tags(distribution)}.whl"
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for installed in sorted(_installed_files(distribution), key=lambda i: i.member):
            content = _read(installed.file, distribution)
            if ".data/scripts/" in installed.member:
                content = _generic_shebang(content)
            if installed.member == f"{info}/entry_points.txt" and not has_commands:
                content = _COMMANDS.sub(b"", content)
            mode = 0o755 if installed.file.stat().st_mode & 0o100 else 0o644
            _add(archive, installed.member, content, mode)
            rows.writerow([installed.member, _hash(content), len(content)])
        rows.writerow([f"{info}/RECORD", "", ""])
        _add(archive, f"{info}/RECORD", record.getvalue().encode(), 0o644)
    return wheel


def _installed_files(distribution: Distribution) -> Iterator[_Installed]:
    info = _info_folder(distribution)
    library = Path(str(distribution.locate_file(""))).absolute()
    prefix = library.parents[2] if _is_under_prefix(library) else library
    entry_points = {
        ep.name for ep in distribution.entry_points if ep.group in ("console_scripts", "gui_scripts")
    }
    for row in csv.reader(io.StringIO(distribution.read_text("RECORD") or "")):
        if not row:
            continue
        place, known = PurePosixPath(row[0]), row[1] if len(row) > 1 else ""
        if place.suffix == ".pyc" or (str(place.parent) == info and place.name in _INSTALLER_FILES):
            continue
        file = _normal(library / place)
        if file.is_relative_to(library):
            yield _Installed(file, file.relative_to(library).as_posix(), known)
        elif file.parent == prefix / "bin":
            if file.name not in entry_points:  # the installer writes those anew
                # The installer changed the first line, so RECORD's hash is of another file.
                yield _Installed(file, f"{_data(info)}/scripts/{file.name}", "")
        elif file.is_relative_to(prefix):
            yield _Installed(file, f"{_data(info)}/data/{file.relative_to(prefix).as_posix()}", known)
        else:
            raise EnvError(
                f"{_title(distribution)} has a file outside of its environment, {file}",
                hint=_reinstall(distribution),
            )


def _info_folder(distribution: Distribution) -> str:
    for row in csv.reader(io.StringIO(distribution.read_text("RECORD") or "")):
        if row and re.fullmatch(r"[^/]+\.dist-info/RECORD", row[0]):
            return row[0].split("/")[0]
    raise EnvError(
        f"{_title(distribution)} has no RECORD of its files, so they cannot be taken into an environment",
        hint=_reinstall(distribution),
    )


def _is_under_prefix(library: Path) -> bool:
    return _LIBRARY_FOLDER.search(library.as_posix()) is not None


def _normal(path: Path) -> Path:
    # Not resolve(): a symlink that leads out of the environment is still a file in it.
    return Path(os.path.normpath(path))


def _data(info: str) -> str:
    return f"{info.removesuffix('.dist-info')}.data"


def _tags(distribution: Distribution) -> str:
    headers = HeaderParser().parsestr(distribution.read_text("WHEEL") or "")
    tags = [str(tag).strip().split("-") for tag in headers.get_all("Tag") or ()]
    if not tags or any(len(tag) != 3 for tag in tags):
        raise EnvError(
            f"{_title(distribution)} does not say in its WHEEL file which Pythons it is for",
            hint=_reinstall(distribution),
        )
    return "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))


def _read(file: Path, distribution: Distribution) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise EnvError(
            f"{_title(distribution)} is not whole: {file}: {error.strerror}", hint=_reinstall(distribution)
        ) from error


def _generic_shebang(content: bytes) -> bytes:
    return _SHEBANG.sub(b"#!python", content)


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    member = zipfile.ZipInfo(name, _OLDEST_ZIP_TIME)
    member.external_attr = (0o100000 | mode) << 16
    archive.writestr(member, content)


def _title(distribution: Distribution) -> str:
    return f"{distribution.metadata['Name']} {distribution.version}"


def _reinstall(distribution: Distribution) -> str:
    from envkit.owner import install_command  # for an error alone

    return f"Install it anew: {install_command(distribution.metadata['Name'], is_anew=True)}"
