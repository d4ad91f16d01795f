"""The layout of ``<run>/checkpoints``: folders, their manifests, and the seal on a manifest."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from envkit.api import EnvkitError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["step", "best"]

MANIFEST_VERSION = 1
MANIFEST_FILE = "manifest.json"
CHECKPOINTS_DIR = "checkpoints"

_NAME = re.compile(r"(step|best)-(\d{8,})")
_NO_SEAL = "0" * 64
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"\n}\n\Z')


class FileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was: ``size`` in bytes, ``sha256`` in hexadecimal.

    ``name`` is its name in the checkpoint's folder; for data its absolute path.
    """

    name: str
    size: int
    sha256: str


class MadeBy(msgspec.Struct, frozen=True, kw_only=True):
    """What must be equal for a run to go on as if it had never stopped.

    ``options`` are those of ``request.json``; ``data`` the files that they name (see ``describe_data``);
    ``packages`` the versions of what computes (see ``describe_packages``); ``threads`` torch's threads
    within an operation; ``device`` its type (``cpu``); ``digests`` names anything else that a loop must find
    unchanged, such as ``{"order of the examples": "9f3c…"}``. What is None, or a digest that is not there,
    is not known yet and compared with nothing: a worker knows its threads only once torch has loaded.
    """

    options: dict[str, Any]
    data: tuple[FileRecord, ...]
    packages: dict[str, str]
    python: str
    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    world_size: int | None = None
    digests: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``manifest.json``: the files of a checkpoint and what made them.

    ``best_step`` is the step of the ``best`` checkpoint that a ``step`` checkpoint stands on, None where there
    was none yet. ``seal`` is the SHA-256 of the manifest's own bytes, taken with 64 zeros in its place.
    """

    kind: Kind
    step: int
    files: tuple[FileRecord, ...]
    best_step: int | None
    made_by: MadeBy
    version: int = MANIFEST_VERSION
    seal: str = _NO_SEAL


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint's folder, known by its name alone: it may be damaged."""

    path: Path
    kind: Kind
    step: int


def checkpoint_dir(run_dir: Path, kind: Kind, step: int) -> Path:
    """Return where this checkpoint is, or would be. Names sort by step."""
    return run_dir / CHECKPOINTS_DIR / f"{kind}-{step:08d}"


def list_checkpoints(run_dir: Path) -> list[Checkpoint]:
    """Return the run's checkpoints of both kinds, earliest step first, none of them read."""
    try:
        folders = list((run_dir / CHECKPOINTS_DIR).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for folder in folders:
        match = _NAME.fullmatch(folder.name)
        if match is not None:
            found.append(Checkpoint(path=folder, kind=cast("Kind", match[1]), step=int(match[2])))
    return sorted(found, key=lambda checkpoint: (checkpoint.step, checkpoint.kind))


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the checkpoint in this folder. Raises: EnvkitError that says what is wrong."""
    file = path / MANIFEST_FILE
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise EnvkitError(f"{file} is missing") from None
    except OSError as error:
        raise EnvkitError(f"{file} cannot be read: {error.strerror}") from error
    if not _is_sealed(content):
        raise EnvkitError(f"{file} is damaged: its seal is not that of its content")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(f"{file} is not understood; another version of envkit wrote it: {error}") from error
    if manifest.version > MANIFEST_VERSION:
        raise EnvkitError(
            f"{file} is of version {manifest.version}, and this envkit knows {MANIFEST_VERSION}",
            hint="Go on with the environment that the run began in",
        )
    return manifest


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON for people too, sealed."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    return _with_seal(content, hashlib.sha256(content).hexdigest())


def _with_seal(content: bytes, seal: str) -> bytes:
    return _SEAL.sub(f'"seal": "{seal}"\n}}\n'.encode("ascii"), content)


def _is_sealed(content: bytes) -> bool:
    found = _SEAL.search(content)
    if found is None:
        return False
    return hashlib.sha256(_with_seal(content, _NO_SEAL)).hexdigest().encode("ascii") == found[1]
