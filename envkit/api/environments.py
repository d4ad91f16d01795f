"""What a backend of environments gives and takes: Python and whatever is not Python, in one folder.

A backend makes the base of an environment; packages for that Python come in afterwards, the same way for every
backend. Extensions hand theirs in with ``envkit_backends``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec


class BasePackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package that a backend itself installs; ``size`` is in bytes as it is downloaded, None if unknown.

    ``url`` is where it comes from, without passwords; ``sha256`` is in hexadecimal, empty where the channel
    gives none.
    """

    name: str
    version: str
    build: str = ""
    channel: str = ""
    url: str = ""
    sha256: str = ""
    size: int | None = None


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend is to install, decided to the last file: ``python`` is the full version.

    ``interpreter`` is the Python on this machine that the base is made from, empty where Python is one of the
    ``packages``.
    """

    backend: str
    python: str
    interpreter: str = ""
    packages: tuple[BasePackage, ...] = ()


class FoundPython(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter of this machine: its path, and its version as far as it is known (``3.12``)."""

    path: str
    version: str


class BaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a base has to have.

    ``python`` is a range of versions as in ``>=3.11,<3.14``; ``pythons`` are this machine's interpreters, the
    preferred first. ``packages`` are in the backend's own language (``cuda-nvcc 12.*``), ``channels`` where
    they come from, empty for what is configured. ``virtual_packages`` say what the machine that the base is
    for has, as in ``__glibc=2.36``; ``system`` and ``machine`` are its ``linux`` and ``x86_64``. ``prefer`` are
    the packages of an earlier base, to be kept where they still fit.
    """

    python: str
    pythons: tuple[FoundPython, ...] = ()
    packages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    virtual_packages: tuple[str, ...] = ()
    system: str
    machine: str
    prefer: tuple[BasePackage, ...] = ()


class BackendContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend works with besides: variables, and envkit's own settings that concern it.

    ``cache_dir`` is a folder of its own for what it downloads, there or not. ``channel_alias`` is the address
    under which channels named by a word stand, None for the backend's own.
    """

    environ: Mapping[str, str]
    cache_dir: Path
    channels: tuple[str, ...] = ()
    channel_alias: str | None = None


class BaseProgress(Protocol):
    """How a backend tells what it does."""

    def step(self, text: str) -> None:
        """Say what is being done now; the next step replaces it."""


@runtime_checkable
class EnvironmentBackend(Protocol):
    """Makes environments of one kind. Methods raise EnvError, with a hint, for whatever cannot be done."""

    name: str
    summary: str

    def plan(self, request: BaseRequest, *, context: BackendContext) -> Base:
        """Decide what is to be installed and write nothing but caches."""

    def install(
        self,
        base: Base,
        prefix: Path,
        *,
        requested: Sequence[str],
        context: BackendContext,
        progress: BaseProgress,
        inherited: Sequence[int],
    ) -> None:
        """Fill the folder, which is not there yet, so that ``prefix/bin/python`` runs; hashes are verified.

        ``requested`` are the packages that the user named. Processes that write keep the open files
        ``inherited``, so that nobody takes the half-made folder for abandoned.
        """

    def activate(self, prefix: Path, *, environ: Mapping[str, str]) -> dict[str, str]:
        """Return all variables that a process in this environment starts with."""

    def activation_script(self, prefix: Path, *, shell: str) -> str:
        """Return what that shell (``bash``, ``zsh``, ``fish``, ``csh``, …) has to read to activate it.

        Raises: EnvError for a shell that it does not know.
        """


@runtime_checkable
class InterpreterBackend(Protocol):
    """What a backend has besides that brings no Python of its own.

    Where ``uses_interpreters`` is True, a request holds those of this machine's ``pythons`` that serve, all of one
    minor version; where ``plan`` raises EnvError for them, it is asked again with those of another. A backend without
    it brings Python itself, and is given a range alone.
    """

    uses_interpreters: bool


@runtime_checkable
class ListingBackend(Protocol):
    """What a backend has besides that lists its environments where other tools look for them."""

    def forget(self, link: Path, *, environ: Mapping[str, str]) -> None:
        """Take an environment that was removed off such lists, if it is on one.

        ``link`` is the path under which people found it. It is called for every environment that is removed,
        whichever backend made it.
        """
