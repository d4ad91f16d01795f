"""What stands in ``envkit-env.json``, and the environment that a run gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.machine import MachineFacts
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.lock import FileLock

ENV_RECORD_VERSION = 1


class HostPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution taken from the host's own installation; ``digest`` is that of its content."""

    name: str
    version: str
    digest: str


class EnvRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``envkit-env.json``: how an environment came to be. It is valid only where this stands.

    ``created`` is an ISO 8601 time in UTC; ``python`` the full version; ``asked`` the requirements that
    were resolved; ``installed`` the versions that came of it, by canonical name; ``without_dependencies``
    the packages that were installed as they are; ``size`` is in bytes, files shared with uv's cache included.
    """

    name: str
    kind: Literal["venv"]
    created: str
    python: str
    asked: tuple[str, ...]
    installed: dict[str, str]
    without_dependencies: tuple[str, ...]
    plugin: HostPackage
    envkit: HostPackage
    torch: TorchBuild | None
    facts: MachineFacts
    size: int
    version: int = ENV_RECORD_VERSION


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run's worker runs: ``current`` (the running interpreter) or a ``venv`` that envkit made.

    ``reason`` says in one line which, why and how large. As long as ``hold`` is not released (or the
    process lives), nobody removes or remakes the environment.
    """

    kind: Literal["current", "venv"]
    name: str
    prefix: Path
    python: Path
    reason: str
    created: bool = False
    record: EnvRecord | None = None
    hold: FileLock | None = field(default=None, repr=False, compare=False)

    def release(self) -> None:
        """Let others remove or remake the environment."""
        if self.hold is not None:
            self.hold.release()


@dataclass(frozen=True, kw_only=True)
class StoredEnvironment:
    """An environment in the store; ``last_used`` is in seconds since the epoch."""

    name: str
    prefix: Path
    record: EnvRecord
    last_used: float
    is_in_use: bool


def describe_record(record: EnvRecord) -> str:
    """Return in a few words what is in an environment."""
    torch = f", torch {record.torch.version}" if record.torch else ""
    return f"Python {record.python}{torch}, {len(record.installed)} packages, {format_size(record.size)}"


def format_size(size: int) -> str:
    """Return a number of bytes as people say it: ``1.1 GB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 1):.0f} MB"
