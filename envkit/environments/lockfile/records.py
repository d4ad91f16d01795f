"""What stands in ``envkit.lock``."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from envkit.environments.records import EnvSpec
from envkit.torchbuild.records import Source

if TYPE_CHECKING:
    from pathlib import Path

LOCK_FILE = "envkit.lock"
LOCK_VERSION = 1


class LockedGpu(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """An NVIDIA GPU: its model, and its compute capability as ``8.6``."""

    name: str
    compute_capability: str


class LockedFacts(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Of a machine's facts those that decide what is installed; nothing in them tells whose machine it is.

    ``libc`` is ``glibc 2.36``, on Linux alone; ``os_version`` the release of macOS; ``gpus`` are named once a
    model; ``cpu_features`` are those that tell one level of x86-64 from another.
    """

    system: str
    machine: str
    libc: str = ""
    os_version: str = ""
    is_wsl: bool = False
    driver: str = ""
    gpus: tuple[LockedGpu, ...] = ()
    cpu_features: tuple[str, ...] = ()


class LockedTorch(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A torch build, and why it is this one; ``source`` is as in ``TorchBuild``."""

    version: str
    variant: str
    source: Source
    reason: str


class LockedHost(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """envkit or a plugin, which environments get from where envkit runs.

    ``digest`` is that of its content, empty where it was installed as editable and so may change at any time.
    """

    name: str
    version: str
    digest: str = ""


class LockedWheel(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A Python package: ``source`` is as in ``WheelPackage``, ``size`` in bytes.

    ``url`` is where it was found when it was locked; of what lies in a folder ``file`` is the name alone.
    ``version`` is empty where ``source`` is ``direct`` and only a build of the folder or repository tells it.
    """

    name: str
    version: str = ""
    source: str = "index"
    url: str = ""
    file: str = ""
    sha256: str = ""
    size: int | None = None

    def __post_init__(self) -> None:
        if not self.version and self.source != "direct":
            raise ValueError("there lacks 'version'")  # msgspec adds the place

    @property
    def file_name(self) -> str:
        """Return the name of the file, empty for a folder or a repository."""
        return self.file or unquote(urlsplit(self.url).path.rpartition("/")[2])


class LockedBase(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A package of the base, such as conda's; as ``BasePackage``."""

    name: str
    version: str
    build: str = ""
    channel: str = ""
    url: str = ""
    sha256: str = ""
    size: int | None = None


class LockedMachine(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What an environment is made of on machines of one kind.

    ``asked`` are the requirements that were resolved, ``without_dependencies`` those that are installed as they
    are. ``digest`` is that of all lines but itself, ``spec_digest`` that of the spec it was made for.
    """

    name: str
    python: str
    digest: str = ""
    spec_digest: str = ""
    facts: LockedFacts
    torch: LockedTorch | None = None
    asked: tuple[str, ...] = ()
    without_dependencies: tuple[str, ...] = ()
    host: tuple[LockedHost, ...] = ()
    base: tuple[LockedBase, ...] = ()
    wheels: tuple[LockedWheel, ...] = ()


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A lock file's content; paths in it are absolute."""

    spec: EnvSpec
    machines: tuple[LockedMachine, ...]
    version: int = LOCK_VERSION


@dataclass(frozen=True, kw_only=True)
class LockFile:
    """A lock and the file it was read from; ``sha256`` is that of the file."""

    file: Path
    text: str
    lock: Lock
    sha256: str


def lock_command(file: Path) -> str:
    """Return the command that writes a lock file."""
    return "envkit lock" if str(file) == LOCK_FILE else f"envkit lock -o {shlex.quote(str(file))}"
