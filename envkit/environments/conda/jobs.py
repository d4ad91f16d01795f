"""What the process that uses rattler is told, and what it answers: records, in JSON.

rattler runs in a process of its own: it reads variables (proxies, certificates) of its whole process, prints
where it likes, and its threads end for certain only with the process. Jobs come through a socket, which can
hand over open files; answers are a line of JSON each.
"""

from __future__ import annotations

import struct

import msgspec

# Before each job: its length in bytes, and the number of open files that come with it.
HEADER = struct.Struct("!QI")


class ChannelSource(msgspec.Struct, frozen=True, kw_only=True):
    """A channel by its address without passwords; ``mirrors`` are where it is really read, with them.

    No mirrors: it is read at ``url``. ``name`` is how people call it.
    """

    name: str
    url: str
    mirrors: tuple[str, ...] = ()


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How servers are reached: ``settings`` is rattler's own configuration, in TOML.

    ``variables`` are set for the process besides, for certificates; ``proxies`` are those of ``http`` and
    ``https`` that count, to be named in errors.
    """

    settings: str = ""
    variables: dict[str, str] = {}
    proxies: dict[str, str] = {}
    is_offline: bool = False


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """The API's BasePackage, field by field: to import all of the API would take a tenth of the process's time."""

    name: str
    version: str
    build: str = ""
    channel: str = ""
    url: str = ""
    sha256: str = ""
    size: int | None = None


class SolveJob(msgspec.Struct, frozen=True, kw_only=True, tag="solve"):
    """Decide on packages; ``virtual_packages`` as in ``__cuda=12.4``, ``priority`` as conda spells it."""

    channels: tuple[ChannelSource, ...]
    specs: tuple[str, ...]
    subdir: str
    virtual_packages: tuple[str, ...]
    priority: str
    prefer: tuple[Package, ...]
    cache_dir: str
    network: Network


class InstallJob(msgspec.Struct, frozen=True, kw_only=True, tag="install"):
    """Fetch and link packages into ``prefix``; ``packages_dir`` holds them unpacked."""

    packages: tuple[Package, ...]
    channels: tuple[ChannelSource, ...]
    prefix: str
    subdir: str
    requested: tuple[str, ...]
    cache_dir: str
    packages_dir: str
    network: Network


Job = SolveJob | InstallJob


class Step(msgspec.Struct, frozen=True, tag="step"):
    """What is being done now."""

    text: str


class Bytes(msgspec.Struct, frozen=True, tag="bytes"):
    """How many bytes are there, of how many."""

    done: int
    total: int | None
    what: str


class Solved(msgspec.Struct, frozen=True, tag="solved"):
    """The packages decided on."""

    packages: tuple[Package, ...]


class Installed(msgspec.Struct, frozen=True, tag="installed"):
    """The prefix is complete."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The end of a job that could not be done: rattler's kind of error, and all that it says, causes too.

    ``missing`` was asked for and no channel has it; ``near`` are the names there that are most like it.
    """

    kind: str
    message: str
    missing: str = ""
    near: tuple[str, ...] = ()


Answer = Step | Bytes | Solved | Installed | Failed
