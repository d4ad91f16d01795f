"""What an environment is planned in: settings, this machine, and the one that it is for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import msgspec

from envkit.api import ConfigError
from envkit.api.facts import FACTS_VERSION
from envkit.cli.settings import read_settings
from envkit.environments.plan import Planning
from envkit.machine import MachineFacts, read_facts
from envkit.machine.parts import FIRST_PARTS
from envkit.machine.time_limit import call_in_time

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.config import Settings

__all__ = ["read_facts_file", "read_planning", "read_settings"]

# What a file of facts may take: one that comes through a pipe is written while it is read.
_READ_SECONDS = 10.0
# A machine with a thousand GPUs has half a megabyte.
_MOST_BYTES = 32_000_000
# Beyond every machine's memory and disks.
_MOST_ROOM = 10**18
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})+")
_CAPABILITY = re.compile(r"[0-9]{1,2}\.[0-9]")


class _Head(msgspec.Struct):
    """What tells a record of facts, bare or in the envelope of ``envkit facts --json``, from other JSON."""

    version: int | None = None
    schema_version: int | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


def read_planning(settings: Settings, *, facts_file: Path | None = None) -> Planning:
    """Look at this machine and return what plans are made in. Raises: ConfigError for the file of facts."""
    there = None if facts_file is None else read_facts_file(facts_file)
    here = read_facts(folders=(settings.home,))
    return Planning(
        facts=there or here,
        here=here if there is not None else None,
        is_planned_from_afar=there is not None,
        home=settings.home.absolute(),
        torch_index=settings.torch_index,
        environ=os.environ,
        settings=settings,
    )


def read_facts_file(file: Path) -> MachineFacts:
    """Return what ``envkit facts`` wrote on another machine, in this version or an older one.

    Raises: ConfigError with the file, and what about it is not as expected.
    """
    hint = "Write a new one on that machine: envkit facts > facts.json"
    try:
        content = call_in_time(lambda: _read_head(file), seconds=_READ_SECONDS)
    except TimeoutError as error:
        raise ConfigError(f"{file}: cannot be read: {error}", hint=hint) from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}", hint=hint) from error
    except ValueError as error:  # a null byte in the name
        raise ConfigError(f"{str(file)!r} cannot be read: {error}", hint=hint) from error
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{file}: more than {_MOST_BYTES:,} bytes are no facts of a machine", hint=hint)
    if not content.strip():
        raise ConfigError(f"{file}: the file is empty", hint=hint)
    try:
        facts = _decode(content.removeprefix(b"\xef\xbb\xbf"), file)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: these are no facts of a machine: {error}", hint=hint) from error
    _check_versions(facts, file, hint=hint)
    _check_sizes(facts, file, hint=hint)
    return facts


def _read_head(file: Path) -> bytes:
    """Return what the file holds, of one without an end a byte more than facts may have."""
    with file.open("rb") as stream:
        return stream.read(_MOST_BYTES + 1)


def _decode(content: bytes, file: Path) -> MachineFacts:
    """Return the record of either form. Raises: ConfigError, msgspec.DecodeError."""
    head = msgspec.json.decode(content, type=_Head)
    if head.schema_version is not None:
        content = bytes(head.data)
        head = msgspec.json.decode(content, type=_Head)
    if head.version is not None and head.version > FACTS_VERSION:
        from envkit.owner import upgrade_command  # for an error alone

        raise ConfigError(
            f"{file}: a newer envkit wrote these facts (version {head.version}; this one reads up to {FACTS_VERSION})",
            hint=f"Upgrade this envkit: {upgrade_command()}",
        )
    facts = msgspec.json.decode(content, type=MachineFacts)
    if not facts.parts:
        facts = msgspec.structs.replace(facts, parts=FIRST_PARTS)
    return facts


def _check_versions(facts: MachineFacts, file: Path, *, hint: str) -> None:
    """Check what packages are chosen by. Raises: ConfigError."""
    platform = facts.platform
    if platform.libc not in (None, "glibc", "musl"):
        raise ConfigError(f"{file}: the libc {platform.libc!r} is neither glibc nor musl", hint=hint)
    versions: list[tuple[str, str | None, str]] = [("version of Python", facts.python.version, "3.12.1")]
    versions += [("version of a Python", each.version, "3.12") for each in facts.interpreters]
    versions += [("libc_version", platform.libc_version, "2.35")]
    versions += [("driver_version", facts.nvidia.driver_version, "580.65.06")]
    for name, version, example in versions:
        if version is not None and not _VERSION.fullmatch(version):
            raise ConfigError(f"{file}: the {name} {version!r} is no version such as {example}", hint=hint)
    for gpu in facts.nvidia.gpus:
        if gpu.compute_capability is not None and not _CAPABILITY.fullmatch(gpu.compute_capability):
            raise ConfigError(
                f"{file}: the compute_capability {gpu.compute_capability!r} is no version such as 8.6",
                hint=hint,
            )


def _check_sizes(facts: MachineFacts, file: Path, *, hint: str) -> None:
    """Check what room is told. Raises: ConfigError."""
    sizes = [("total of memory", facts.memory.total), ("limit of memory", facts.memory.limit)]
    sizes += [(f"memory of GPU {gpu.index}", gpu.memory) for gpu in facts.nvidia.gpus]
    for disk in facts.disks:
        sizes += [(f"total of {disk.path}", disk.total), (f"free of {disk.path}", disk.free)]
    for name, size in sizes:
        if size is not None and not 0 <= size <= _MOST_ROOM:
            raise ConfigError(f"{file}: the {name}, {size} bytes, is no size", hint=hint)
