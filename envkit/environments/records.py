"""What stands in ``envkit-env.json``, and the environment that a run gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from envkit.api.environments import Base
from envkit.machine import MachineFacts
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.flock import FileLock

ENV_RECORD_VERSION = 2
Purpose = Literal["train", "predict"]


class HostPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution taken from the host's own installation; ``digest`` is that of its content."""

    name: str
    version: str
    digest: str


class EnvSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants of an environment; a later change starts from it.

    ``python`` is a version or a range, empty for the running one if that fits. ``torch`` is empty for what
    the tasks need, ``auto`` for one that fits the machine, a variant (``cpu``, ``cu126``, ``mps``), a version
    or a range. ``packages`` are requirements, ``base_packages`` in the backend's own language,
    ``model_packages`` requirements that are installed without their dependencies. ``channels`` are empty for
    what is configured. ``host_extras`` are extras of envkit-ml; ``constraints`` are pins. With ``purpose``
    ``predict`` what only training needs stays out, and the default model with it.
    """

    backend: str = "venv"
    tasks: tuple[str, ...] = ()
    python: str = ""
    torch: str = ""
    torch_from: Literal["wheels", "conda"] = "wheels"
    packages: tuple[str, ...] = ()
    base_packages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    model_packages: tuple[str, ...] = ()
    host_extras: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    purpose: Purpose = "train"


class WheelPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A Python package, resolved: ``name`` is canonical, ``size`` in bytes as downloaded, None if unknown.

    ``url`` is without passwords and empty where it is unknown, as is ``sha256``; ``source`` is ``index``,
    ``find-links``, ``pylock`` (from its own address in a file, whatever the index is), ``host`` (remade from what
    is installed here) or ``direct`` (an address the user named).
    """

    name: str
    version: str
    url: str = ""
    sha256: str = ""
    size: int | None = None
    source: str = ""


class DeviceProof(msgspec.Struct, frozen=True, kw_only=True):
    """A device on which torch did a forward and a backward step, and how long that took."""

    device: str
    seconds: float


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried in a new environment, all of it with success.

    ``left_out`` says what could not be tried on this machine, and why.
    """

    python: str
    torch: str | None
    devices: tuple[DeviceProof, ...]
    tasks: tuple[str, ...]
    left_out: tuple[str, ...]
    seconds: float


class EnvRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``envkit-env.json``: how an environment came to be. It is valid only where this stands.

    ``created`` is an ISO 8601 time in UTC; ``python`` the full version; ``asked`` the requirements that
    were resolved; ``installed`` the versions that came of it, by canonical name; ``without_dependencies``
    the packages that were installed as they are; ``size`` is in bytes, files shared with a cache included;
    ``lock`` the sha256 of the lock file it was made from; ``reasons`` say why this Python and this torch;
    ``prefix`` is where it was made, and empty in records of an older envkit.
    """

    name: str
    generation: int
    backend: str
    created: str
    python: str
    spec: EnvSpec
    base: Base
    asked: tuple[str, ...]
    installed: dict[str, str]
    without_dependencies: tuple[str, ...]
    plugins: tuple[HostPackage, ...]
    envkit: HostPackage | None
    torch: TorchBuild | None
    facts: MachineFacts
    size: int
    proof: Proof
    lock: str | None = None
    reasons: tuple[str, ...] = ()
    prefix: str = ""
    version: int = ENV_RECORD_VERSION


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run's worker runs: the running interpreter, or one that envkit made.

    ``kind`` is ``current`` or the name of the backend. ``reason`` says in one line which, why and how large. As long as ``hold`` is not released (or the
    process lives), nobody removes or remakes the environment.
    """

    kind: str
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
    """An environment in the store; ``last_used`` is in seconds since the epoch.

    ``prefix`` is where it really lies, ``link`` the name under which people and kernels find it.
    """

    name: str
    prefix: Path
    link: Path
    record: EnvRecord
    last_used: float
    is_in_use: bool


def describe_record(record: EnvRecord) -> str:
    """Return in a few words what is in an environment."""
    torch = f", torch {record.torch.version}" if record.torch else ""
    number = len(record.installed)
    packages = f"{number} package{'' if number == 1 else 's'}"
    if record.base.packages:
        packages = f"{number} for Python and {len(record.base.packages)} of {record.backend}"
    return f"Python {record.python}{torch}, {packages}, {format_size(record.size)}"


def format_size(size: int) -> str:
    """Return a number of bytes as people say it: ``1.1 GB``."""
    if size < 1e6:
        return f"{size / 1e3:.0f} kB" if size >= 1e3 else f"{size} B"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
