"""What an environment is planned in: settings, this machine, and the one that it is for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit import config
from envkit.api import ConfigError
from envkit.environments.plan import Planning
from envkit.machine import MachineFacts, read_facts

if TYPE_CHECKING:
    from envkit.config import Settings


_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})+")


class _Envelope(msgspec.Struct):
    """What ``envkit facts --json`` prints."""

    data: MachineFacts


def read_settings() -> Settings:
    """Return envkit's own settings as they count in this folder. Raises: ConfigError."""
    return config.resolve_settings(config.read_layers(Path.cwd()))


def read_planning(settings: Settings, *, facts_file: Path | None = None) -> Planning:
    """Look at this machine and return what plans are made in. Raises: ConfigError for the file of facts."""
    there = None if facts_file is None else read_facts_file(facts_file)
    here = read_facts(folders=(settings.home,))
    return Planning(
        facts=there or here,
        here=here if there is not None else None,
        home=settings.home.absolute(),
        torch_index=settings.torch_index,
        environ=os.environ,
        settings=settings,
    )


def read_facts_file(file: Path) -> MachineFacts:
    """Return what ``envkit facts`` wrote on another machine. Raises: ConfigError with the file."""
    hint = "Write a new one on that machine: envkit facts > facts.json"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}", hint=hint) from error
    try:
        if b'"schema_version"' in content:
            facts = msgspec.json.decode(content, type=_Envelope).data
        else:
            facts = msgspec.json.decode(content, type=MachineFacts)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{file}: these are no facts of a machine: {error}", hint=hint) from error
    _check_versions(facts, file, hint=hint)
    return facts


def _check_versions(facts: MachineFacts, file: Path, *, hint: str) -> None:
    """Check what packages are chosen by. Raises: ConfigError."""
    platform = facts.platform
    if platform.libc not in (None, "glibc", "musl"):
        raise ConfigError(f"{file}: the libc {platform.libc!r} is neither glibc nor musl", hint=hint)
    versions = [("libc_version", platform.libc_version, "2.35")]
    versions += [("compute_capability", gpu.compute_capability, "8.6") for gpu in facts.nvidia.gpus]
    for name, version, example in versions:
        if version and not _VERSION.fullmatch(version):
            raise ConfigError(f"{file}: the {name} {version!r} is no version such as {example}", hint=hint)
