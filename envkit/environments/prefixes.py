"""What lies inside an environment: its record, its interpreter, its packages, its size."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from envkit.api import EnvError
from envkit.environments.flock import cannot_write
from envkit.environments.generations import RECORD_FILE
from envkit.environments.records import ENV_RECORD_VERSION, EnvRecord

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def _decoder() -> msgspec.json.Decoder[EnvRecord]:
    return msgspec.json.Decoder(EnvRecord)  # 2 ms, for which the first environment need not wait


def read_record(prefix: Path) -> EnvRecord | None:
    """Return the record of an environment, None where it does not stand, is damaged or of another version."""
    try:
        record = _decoder().decode((prefix / RECORD_FILE).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return record if record.version == ENV_RECORD_VERSION and _is_whole(record) else None


def _is_whole(record: EnvRecord) -> bool:
    """Tell whether what every reader takes apart can be taken apart."""
    try:
        datetime.fromisoformat(record.created).astimezone()
        Version(record.python)
        if record.torch is not None:
            Version(record.torch.version)
    except (ValueError, OverflowError):
        return False
    return record.size >= 0


def write_record(prefix: Path, record: EnvRecord) -> None:
    """Make the environment valid: the record appears whole or not at all. Raises: EnvError."""
    file = prefix / RECORD_FILE
    draft = file.with_suffix(".tmp")
    try:
        with draft.open("wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(record)))
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(file)
    except OSError as error:
        raise cannot_write(file, error) from error


def write_out(prefix: Path) -> None:
    """Have the disk take the names of all that lies in an environment, so that its record is soon written.

    Writing a file out, a file system writes what it was told before: here the links of all packages, which takes
    a tenth of the time that making them took. The record has to be written out, as the environment whose
    place is taken is deleted next. Raises: OSError.
    """
    with (prefix / RECORD_FILE).with_suffix(".tmp").open("wb") as draft:
        os.fsync(draft.fileno())


def why_moved(prefix: Path, record: EnvRecord) -> str | None:
    """Return that an environment lies elsewhere than where it was made, None where it does not.

    Its scripts name the place where it was made: they would start another Python, or none.
    """
    with contextlib.suppress(OSError):
        if not record.prefix or Path(record.prefix).samefile(prefix):
            return None
    return f"it was moved here from {record.prefix}, which its scripts name"


def check_unmoved(prefix: Path, record: EnvRecord) -> None:
    """Check that an environment lies where it was made. Raises: EnvError."""
    why = why_moved(prefix, record)
    if why is not None:
        raise EnvError(
            f"the environment {record.name} does not work: {why}",
            hint=f"Make it anew: envkit env sync {record.name}",
        )


def python_of(prefix: Path) -> Path:
    """Return the interpreter of an environment."""
    return prefix / "bin" / "python"


def libraries_of(prefix: Path) -> list[str]:
    """Return the folders that an environment's packages are in."""
    return [str(folder) for folder in prefix.glob("lib/python*/site-packages")]


def installed_in(prefix: Path) -> dict[str, str]:
    """Return the versions, by canonical name, that the names of its .dist-info folders tell."""
    found = {}
    for library in libraries_of(prefix):
        for name in os.listdir(library):  # noqa: PTH208  # names are all that is needed
            if name.endswith(".dist-info"):
                distribution, _, version = name.removesuffix(".dist-info").partition("-")
                found[str(canonicalize_name(distribution))] = version
    return found


def environment_size(prefix: Path) -> int:
    """Return how many bytes the files of an environment have, those shared with a cache included."""
    return sum(file.st_size for file in _files(prefix))


def own_size(prefix: Path) -> int:
    """Return how many bytes removing an environment frees: what no cache and no other environment shares."""
    return sum(file.st_size for file in _files(prefix) if file.st_nlink == 1)


def _files(prefix: Path) -> Iterator[os.stat_result]:
    folders = [str(prefix)]
    while folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    yield entry.stat(follow_symlinks=False)
