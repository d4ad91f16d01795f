"""envkit and the plugins as an image can hold them: whole, where here they may be links to their sources."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
import zipfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import EnvError
from envkit.environments.files.addresses import local_path
from envkit.environments.uv_calls import UvCalls
from envkit.environments.uv_environment import uv_settings
from envkit.environments.uv_failures import Place

if TYPE_CHECKING:
    from envkit.environments.plan import Planning
    from envkit.environments.progress import Progress

_KEPT_SECONDS = 3600.0  # another build may be reading it


class _Folder(msgspec.Struct):
    editable: bool = False


class _Origin(msgspec.Struct):
    """``direct_url.json``. Source: PyPA specifications, "Recording the Direct URL Origin"."""

    url: str = ""
    dir_info: _Folder | None = None


def whole_distribution(dist: Distribution, *, planning: Planning, progress: Progress) -> Distribution:
    """Return the distribution with all its files: itself, or if it is editable, what its source builds.

    That is built as an installer would, once for each state of the source, and unpacked among envkit's caches.
    Raises: EnvError where the source is gone or does not build.
    """
    source = _editable_source(dist)
    if source is None:
        return dist
    name, version = dist.metadata["Name"], dist.version
    if not source.is_dir():
        from envkit.owner import install_command  # for an error alone

        raise EnvError(
            f"{name} {version} is installed as editable, and its source {source} is gone",
            hint=f"Install it anew: {install_command(name, is_anew=True)}",
        )
    canonical = str(canonicalize_name(name))
    kept = planning.home / "cache" / "images" / "hosts" / f"{canonical}-{_state_of(source)}"
    if not kept.is_dir():
        progress.step(f"building the wheel of {name}")
        _unpack(source, kept, planning=planning, progress=progress)
        _forget_others(kept, name=canonical)
    os.utime(kept)
    return PathDistribution(next(kept.glob("*.dist-info")))


def _unpack(source: Path, kept: Path, *, planning: Planning, progress: Progress) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=kept.parent))
    try:
        with tempfile.TemporaryDirectory(prefix="envkit-") as folder:
            wheel = _build(source, folder=Path(folder), planning=planning, progress=progress)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(draft)
        try:
            draft.replace(kept)
        except OSError:
            if not kept.is_dir():  # else another build was faster
                raise
    finally:
        rmtree(draft, ignore_errors=True)


def _state_of(source: Path) -> str:
    """Return a digest over names, sizes and times of a source's files, as make compares them."""
    digest = hashlib.sha256(str(source).encode())
    for parent, folders, names in os.walk(source):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each != "__pycache__")
        for name in sorted(names):
            file = Path(parent, name)
            with contextlib.suppress(OSError):  # it went meanwhile
                state = file.stat()
                digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\n".encode(errors="replace"))
    return digest.hexdigest()[:16]


def _editable_source(dist: Distribution) -> Path | None:
    try:
        origin = msgspec.json.decode(dist.read_text("direct_url.json") or "{}", type=_Origin)
    except msgspec.DecodeError:
        return None
    if origin.dir_info is None or not origin.dir_info.editable:
        return None
    return local_path(origin.url)


def _build(source: Path, *, folder: Path, planning: Planning, progress: Progress) -> Path:
    configuration = planning.pip_configuration()
    uv = UvCalls(
        settings=uv_settings(configuration, environ=planning.environ),
        place=Place(planning.home, configuration.sources.get("index_url"), None),
        folder=folder,
        progress=progress,
    )
    index = ["--no-index"] if configuration.no_index else []
    uv("build", "--wheel", "--quiet", *index, "--out-dir", str(folder / "dist"), str(source))
    return next((folder / "dist").glob("*.whl"))


def _forget_others(place: Path, *, name: str) -> None:
    """Remove what older sources of the same distribution gave."""
    for other in place.parent.glob(f"{name}-*"):
        if other != place and time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            rmtree(other, ignore_errors=True)
