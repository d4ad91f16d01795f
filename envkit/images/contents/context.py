"""Write the folder that an image is built from: just what belongs in it, the same bytes from the same plan."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envkit.api import EnvError, ImageError, UsageError
from envkit.environments.files.addresses import local_path
from envkit.environments.pylock import write_exact
from envkit.environments.requirements import HOST
from envkit.environments.wheels import remake_wheel
from envkit.images.contents.model_files import model_files
from envkit.images.contents.network import read_certificates
from envkit.images.rendering.render import render_dockerignore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envkit.environments.records import WheelPackage
    from envkit.images.records import ImageMode, ImagePlan

PYLOCK_FILE = "packages/pylock.toml"
UV_FILE = "packages/uv.txt"
WHEELS_DIR = "packages/wheels"
# The oldest time that a zip can hold, so that it is the same wherever a file goes: 1 January 1980, in UTC.
_TIME = 315_532_800
_TIMES = 1 << 28  # seconds, eight and a half years
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029'\"]")
_FOLDER_MODE = 0o755
_FILE_MODE = 0o644


def write_context(
    plan: ImagePlan,
    folder: Path,
    *,
    dockerfile: str,
    mode: ImageMode,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Write all that the Dockerfile copies into a folder that is new or empty; nothing else comes in.

    No file has this machine's paths, the user's name, passwords or the time in it. What lies on this machine is
    copied. Raises: UsageError for a folder that is not empty, and for secrets with the classic builder, which would
    keep them in a layer; EnvError for a package whose file has no plain name; EnvkitError for a model that links
    lead out of; ImageError where it cannot be written, such as a full disk.
    """
    if mode == "classic" and plan.secrets:
        raise UsageError(
            f"the classic builder would keep secrets in the image: {', '.join(each.id for each in plan.secrets)}",
            hint="Install buildx, or build with BuildKit: docker buildx version",
        )
    with _named_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"the folder {folder} is not empty", hint="Name one that is not there yet")
        _write_texts(plan, folder, dockerfile=dockerfile)
        _copy_wheels((*plan.contents.packages, plan.contents.uv), folder)
        _copy_hosts(plan, folder)
        for file in plan.template.files:
            _copy(file, folder / "files" / file.name)
        if plan.contents.model_dir is not None:
            _copy_model(plan.contents.model_dir, folder / "model", environ=environ)
        _settle(folder)


def write_pylock(packages: Sequence[WheelPackage]) -> str:
    """Return a pylock.toml of these files; one that lies on this machine by its place beside the pylock.

    Source: PyPA specifications, "pylock.toml Specification": ``path`` is relative to the file it stands in.
    """
    remote = [each for each in packages if local_path(each.url) is None]
    local = [each for each in packages if local_path(each.url) is not None]
    return "\n".join([write_exact(remote), *map(_local_table, local)])


def file_name(package: WheelPackage) -> str:
    """Return the name of a package's file. Raises: EnvError for one that is no plain name, such as ``../x.whl``."""
    name = unquote(urlsplit(package.url).path.rpartition("/")[2])
    if _UNSAFE.search(name) or name in ("", ".", ".."):
        raise EnvError(
            f"the file of {package.name} {package.version} has the name {name!r}: expected one without slashes, "
            "quotes and control characters",
            hint="Give the file its own name again, and lock it: envkit lock",
        )
    return name


def _local_table(package: WheelPackage) -> str:
    name = file_name(package)
    size = "" if package.size is None else f"size = {package.size}, "
    file = (
        f"{{ path = {_quoted(f'wheels/{name}')}, {size}hashes = {{ sha256 = {_quoted(package.sha256)} }} }}"
    )
    line = f"wheels = [{file}]" if name.endswith(".whl") else f"sdist = {file}"
    return f"[[packages]]\nname = {_quoted(package.name)}\nversion = {_quoted(package.version)}\n{line}\n"


def _quoted(text: str) -> str:
    # A basic string of TOML is written as one of JSON.
    return json.dumps(text, ensure_ascii=False)


def _uv_line(uv: WheelPackage) -> str:
    """Return what ``pip install --require-hashes`` takes, called in the context's folder."""
    if local_path(uv.url) is not None:
        return f"./{WHEELS_DIR}/{file_name(uv)} --hash=sha256:{uv.sha256}\n"
    return f"{uv.name} @ {uv.url} --hash=sha256:{uv.sha256}\n"


def _write_texts(plan: ImagePlan, folder: Path, *, dockerfile: str) -> None:
    texts = {
        "Dockerfile": dockerfile,
        ".dockerignore": render_dockerignore(plan),
        "lock/envkit.lock": plan.contents.lock_text,
        PYLOCK_FILE: write_pylock(plan.contents.packages),
        UV_FILE: _uv_line(plan.contents.uv),
    }
    if plan.ca_bundle is not None:
        texts["ca/ca.crt"] = read_certificates(plan.ca_bundle)
    for place, text in texts.items():
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")


def _copy_wheels(packages: Sequence[WheelPackage], folder: Path) -> None:
    for package in packages:
        path = local_path(package.url)
        if path is not None:
            _copy(path, folder / WHEELS_DIR / file_name(package))


def _copy_hosts(plan: ImagePlan, folder: Path) -> None:
    for dist in plan.contents.hosts:
        # envkit apart from the plugins: who changes a plugin again and again does not wait for envkit each time.
        wheels = folder / ("host" if canonicalize_name(dist.metadata["Name"]) == HOST else "plugins")
        wheels.mkdir(exist_ok=True)
        # They come without what their commands need: those would not start.
        remake_wheel(dist, folder=wheels, has_commands=False)


def _copy_model(model_dir: Path, target: Path, *, environ: Mapping[str, str]) -> None:
    for file in model_files(model_dir, environ=environ):
        place = target / file.place
        if file.source is not None:
            _copy(file.source, place)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.content or b"")


def _copy(source: Path, target: Path) -> None:
    # Not a hard link: its time and mode would be those of the user's file as well.
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    if os.access(source, os.X_OK):
        target.chmod(_FOLDER_MODE)


def _settle(folder: Path) -> None:
    """Give files times that their content alone says, folders all the same one, and both plain modes.

    Of a folder that BuildKit was sent before, it asks for those files alone whose size or time differs: a change that
    keeps the size must show in the time, or the image would be built from what was there before.
    Source: tonistiigi/fsutil, diff_containerd.go, ``sameFile``.
    """
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            file = Path(parent, name)
            file.chmod(_FOLDER_MODE if file.stat().st_mode & 0o100 else _FILE_MODE)
            moment = _time_of(file)
            os.utime(file, (moment, moment))
        Path(parent).chmod(_FOLDER_MODE)
        os.utime(parent, (_TIME, _TIME))


def _time_of(file: Path) -> int:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
    return _TIME + int.from_bytes(digest[:8]) % _TIMES


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename2 or error.filename or folder
        raise ImageError(
            f"what the image is built from cannot be written to {folder}: {place}: {error.strerror}",
            hint=f"See whether the disk is full: df -h {folder.parent}",
        ) from error
