"""Records of the software on a machine: Python, installers, container engine, Hugging Face, torch.

Authors import them from ``envkit.api.facts``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from envkit.api.accelerators import DeviceFile


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """The Python that runs: ``version`` as ``3.11.2``, ``implementation`` as ``cpython``.

    ``origin`` is who made it: ``system``, ``pyenv``, ``uv``, ``conda``, ``homebrew``, ``python.org``, ``asdf``,
    ``nix``, or None where its place does not tell. ``prefix`` differs from ``base_prefix`` in a venv.
    ``externally_managed`` is the file of PEP 668, where there is one and this is no venv; ``user_site`` the
    user's own folder of packages, where this Python reads it.
    """

    path: str
    version: str
    implementation: str
    is_64bit: bool
    origin: str | None = None
    prefix: str | None = None
    base_prefix: str | None = None
    externally_managed: str | None = None
    user_site: str | None = None


class FoundInterpreter(msgspec.Struct, frozen=True, kw_only=True):
    """Another Python on PATH: its version as far as its name tells it (``3.12``)."""

    path: str
    version: str
    origin: str | None = None


class CondaTool(msgspec.Struct, frozen=True, kw_only=True):
    """conda, mamba, micromamba or pixi. ``solver`` is conda's, where its configuration names one."""

    name: str
    path: str
    version: str | None = None
    solver: str | None = None


class Uv(msgspec.Struct, frozen=True, kw_only=True):
    """The uv that envkit uses: None where it has none."""

    path: str | None = None
    version: str | None = None
    cache_dir: str | None = None


class PipSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of pip, with the file or the variable that it is from; passwords in it are masked."""

    name: str
    value: str
    source: str


class Pip(msgspec.Struct, frozen=True, kw_only=True):
    """pip and its configuration; ``problem`` says why the configuration cannot be read."""

    version: str | None = None
    settings: tuple[PipSetting, ...] = ()
    problem: str | None = None


DockerState = Literal[
    "absent", "running", "stopped", "no permission", "no such context", "silent", "not asked", "broken"
]


class Docker(msgspec.Struct, frozen=True, kw_only=True):
    """The engine that the docker command here would speak to.

    ``state`` is ``absent`` where there is neither command nor socket, ``silent`` where a socket takes calls and
    gives no answer in time, ``not asked`` for an engine across the network while no network was wanted, and
    ``broken`` where it answers nonsense; ``why`` says it in words. ``others`` are sockets that answer while
    the chosen one does not. ``buildx`` is the file of docker's BuildKit plugin. ``root_free`` is in bytes, where
    the engine's folder lies here. ``kind`` is ``docker`` or ``podman``.
    """

    state: DockerState = "absent"
    why: str | None = None
    command: str | None = None
    context: str | None = None
    contexts: tuple[str, ...] = ()
    endpoint: str | None = None
    endpoint_source: str | None = None
    socket: DeviceFile | None = None
    others: tuple[str, ...] = ()
    kind: str | None = None
    version: str | None = None
    api_version: str | None = None
    platform: str | None = None
    root_dir: str | None = None
    root_free: int | None = None
    storage_driver: str | None = None
    cgroup_driver: str | None = None
    is_rootless: bool = False
    is_snap: bool = False
    runtimes: tuple[str, ...] = ()
    cdi_devices: tuple[str, ...] = ()
    buildx: str | None = None
    has_buildkit: bool | None = None


class HuggingFace(msgspec.Struct, frozen=True, kw_only=True):
    """How models are fetched. ``token_source`` is a variable or ``file``; the token itself is not read."""

    home: str | None = None
    cache_dir: str | None = None
    endpoint: str | None = None
    is_offline: bool = False
    token_source: str | None = None
    token_file: str | None = None
    token_file_mode: str | None = None


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package as its metadata names it. ``build`` is what torch's own version file adds: ``cu130``, ``cpu``."""

    name: str
    version: str
    build: str | None = None


class TorchSite(msgspec.Struct, frozen=True, kw_only=True):
    """The torch family in one place: ``environment`` is a managed environment's name, empty for this Python."""

    environment: str
    path: str
    python: str | None = None
    packages: tuple[InstalledPackage, ...] = ()
