"""The store of environments: found in milliseconds, made under a lock, valid only with their record.

Beside a folder NAME stand two files: NAME.lock, held by whoever makes it, and NAME.in-use, held (shared)
by whoever runs in it. An environment that no longer fits and is in use is left alone, and the new one is
made in NAME-2.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import EnvError
from envkit.environments.lock import FileLock, lock_exclusively, lock_shared, try_lock
from envkit.environments.records import ENV_RECORD_VERSION, Environment, EnvRecord, StoredEnvironment
from envkit.environments.requirements import minor_version, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.environments.records import HostPackage
    from envkit.environments.requirements import Needs
    from envkit.torchbuild import TorchBuild

RECORD_FILE = "envkit-env.json"
# More than one is only there while older ones are in use.
_MOST_SLOTS = 9
_decoder = msgspec.json.Decoder(EnvRecord)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an environment has to be to serve a run; ``model_package`` as a requirement, None for none."""

    name: str
    python: str
    needs: Needs
    plugin: HostPackage
    envkit: HostPackage
    torch: TorchBuild | None
    model_package: str | None


def envs_dir(home: Path) -> Path:
    """Return the folder of all environments."""
    return home / "envs"


def list_environments(home: Path) -> list[StoredEnvironment]:
    """Return the valid environments, by name."""
    found = []
    for record_file in sorted(envs_dir(home).glob(f"*/{RECORD_FILE}")):
        prefix = record_file.parent
        record = read_record(prefix)
        if record is not None:
            in_use = _in_use_file(prefix)
            used = in_use.stat().st_mtime if in_use.exists() else record_file.stat().st_mtime
            free = try_lock(in_use, shared=False)
            if free is not None:
                free.release()
            found.append(
                StoredEnvironment(
                    name=prefix.name, prefix=prefix, record=record, last_used=used, is_in_use=free is None
                )
            )
    return found


def read_record(prefix: Path) -> EnvRecord | None:
    """Return the record of an environment, None where it does not stand or is of another version."""
    try:
        record = _decoder.decode((prefix / RECORD_FILE).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return record if record.version == ENV_RECORD_VERSION else None


def write_record(prefix: Path, record: EnvRecord) -> None:
    """Make the environment valid: the record appears whole or not at all."""
    file = prefix / RECORD_FILE
    draft = file.with_suffix(".tmp")
    with draft.open("wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(record)))
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(file)


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


def why_unfit(prefix: Path, record: EnvRecord, wanted: Wanted) -> str | None:
    """Return what keeps an environment from serving, None where it serves."""
    if not os.access(python_of(prefix), os.X_OK):
        return "its Python is gone"
    if minor_version(record.python) != minor_version(wanted.python):
        return f"it has Python {record.python}"
    for was, now in ((record.envkit, wanted.envkit), (record.plugin, wanted.plugin)):
        if was.digest != now.digest:
            changed = f"{was.version} became {now.version}" if was.version != now.version else "has changed"
            return f"{now.name} {changed}"
    if (record.torch and record.torch.requirement) != (wanted.torch and wanted.torch.requirement):
        return f"it was made for {record.torch.requirement if record.torch else 'no torch'}"
    lacking = missing(wanted.needs, record.installed)
    if lacking:
        return f"it lacks {', '.join(map(str, lacking))}"
    if wanted.model_package and wanted.model_package not in record.without_dependencies:
        return "it lacks the default model"
    there = installed_in(prefix)
    gone = [name for name, version in record.installed.items() if there.get(name) != version]
    return f"packages in it were changed: {', '.join(gone[:3])}" if gone else None


def find_environment(home: Path, wanted: Wanted) -> Environment | None:
    """Return the environment that serves, held against being removed, or None."""
    return _find(home, wanted, hold=lambda file: try_lock(file, shared=True))


def _find(home: Path, wanted: Wanted, *, hold: Callable[[Path], FileLock | None]) -> Environment | None:
    for prefix in _slots(home, wanted.name):
        if not (prefix / RECORD_FILE).is_file():
            continue
        held = hold(_in_use_file(prefix))
        if held is None:
            continue  # it is being removed
        record = read_record(prefix)
        if record is not None and why_unfit(prefix, record, wanted) is None:
            return _use(prefix, record, held, created=False)
        held.release()
    return None


def hold_environment(stored: StoredEnvironment) -> Environment:
    """Return a listed environment, held against being removed. Raises: EnvError if it has gone."""
    hold = try_lock(_in_use_file(stored.prefix), shared=True)
    record = read_record(stored.prefix)
    if hold is None or record is None:
        raise EnvError(f"the environment {stored.name} is being removed", hint="envkit env list")
    return _use(stored.prefix, record, hold, created=False)


def make_environment(
    home: Path,
    wanted: Wanted,
    *,
    build: Callable[[Path, FileLock], EnvRecord],
    say: Callable[[str], None],
) -> Environment:
    """Make the environment, or wait for whoever makes it and return theirs.

    ``build`` fills the folder (which is not there yet) and returns its record; the lock's file is to stay
    open in every child that writes. What ``build`` leaves when it fails is removed.
    """
    lock_file = envs_dir(home) / f"{wanted.name}.lock"
    with lock_exclusively(
        lock_file, on_wait=lambda holder: say(f"waiting for {holder}, which makes it")
    ) as lock:
        # Whoever holds this lock need not fear a removal, and so may wait for one who only looks.
        found = _find(home, wanted, hold=lock_shared)
        if found is not None:
            return found
        prefix = _clear_slot(home, wanted, say)
        try:
            record = build(prefix, lock)
            write_record(prefix, record)
        except BaseException:
            shutil.rmtree(prefix, ignore_errors=True)
            raise
        return _use(prefix, record, lock_shared(_in_use_file(prefix)), created=True)


def _clear_slot(home: Path, wanted: Wanted, say: Callable[[str], None]) -> Path:
    """Return a folder to make the environment in; remove those that no longer fit and are not in use."""
    free: list[Path] = []
    for prefix in _slots(home, wanted.name):
        if not prefix.exists():
            free.append(prefix)
            continue
        unused = try_lock(_in_use_file(prefix), shared=False)
        if unused is None:
            continue
        with unused:
            record = read_record(prefix)
            why = why_unfit(prefix, record, wanted) if record else "it was left half made"
            say(f"{prefix.name} is made anew: {why}")
            _remove(prefix)
            free.append(prefix)
    if not free:
        raise EnvError(
            f"{_MOST_SLOTS} environments named {wanted.name} are in use and none fits",
            hint="Wait for a run to end; envkit env list shows them",
        )
    return free[0]


def _remove(prefix: Path) -> None:
    (prefix / RECORD_FILE).unlink(missing_ok=True)  # first of all: half removed is not valid
    try:
        shutil.rmtree(prefix)
    except OSError as error:
        raise EnvError(
            f"cannot remove the old environment {prefix}: {error.strerror}", hint=f"rm -rf '{prefix}'"
        ) from error


def _slots(home: Path, name: str) -> Iterator[Path]:
    yield envs_dir(home) / name
    for number in range(2, _MOST_SLOTS + 1):
        yield envs_dir(home) / f"{name}-{number}"


def _in_use_file(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.in-use")


def _use(prefix: Path, record: EnvRecord, hold: FileLock, *, created: bool) -> Environment:
    os.utime(hold.fileno())  # when it was last used
    return Environment(
        kind="venv",
        name=prefix.name,
        prefix=prefix,
        python=python_of(prefix),
        reason="",
        created=created,
        record=record,
        hold=hold,
    )
