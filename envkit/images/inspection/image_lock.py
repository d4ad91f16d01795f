"""The lock in an image: whether it is the one that the label names, and what it locks for that image."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import ConfigError
from envkit.environments.lockfile.read import read_lock
from envkit.environments.lockfile.records import LOCK_FILE
from envkit.images.inspection.file_tree import content_of
from envkit.images.inspection.findings import CheckedSubject, ImageFinding
from envkit.images.layout import IMAGE_LOCK, LOCK_LABEL, PYTHON_LABEL, TEMPLATE_LABEL, VARIANT_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.environments.lockfile.records import LockedMachine
    from envkit.images.inspection.file_tree import PlacedFile
    from envkit.images.inspection.saved_manifest import ImageConfig

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # as images and as systems say it


def is_of_envkit(tree: Mapping[str, PlacedFile], config: ImageConfig) -> bool:
    """Tell whether an image was built by envkit, or bears any trace of that."""
    labels = config.container.labels or {}
    return IMAGE_LOCK in tree or any(name in labels for name in (TEMPLATE_LABEL, LOCK_LABEL))


def check_lock(
    tree: Mapping[str, PlacedFile], config: ImageConfig
) -> tuple[CheckedSubject, LockedMachine | None]:
    """Check the lock in an image against its label, and return what it locks for this image."""
    content, labels = content_of(tree, IMAGE_LOCK), config.container.labels or {}
    if content is None:
        return _wrong_lock(f"there is no {IMAGE_LOCK}"), None
    digest, named = hashlib.sha256(content).hexdigest(), labels.get(LOCK_LABEL, "")
    if not named:
        return _wrong_lock(f"the image has no label {LOCK_LABEL}"), None
    if digest != named:
        return _wrong_lock(
            f"{IMAGE_LOCK} has the sha256 {digest[:12]}…, and the label says {named[:12]}…"
        ), None
    try:
        sections = _read(content)
    except ConfigError as error:
        return _wrong_lock(error.message), None
    section = _choose(sections, config, labels)
    if section is None:
        there = "; ".join(each.name for each in sections) or "none"
        return _wrong_lock(
            f"{IMAGE_LOCK} locks nothing for this image's machine and Python; it has: {there}"
        ), None
    return CheckedSubject(name="lock", summary=f"sha256 {digest[:12]}…, as its label says"), section


def _read(content: bytes) -> tuple[LockedMachine, ...]:
    """Return a lock's sections. Raises: ConfigError that names the file as it is called in the image."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / LOCK_FILE
        file.write_bytes(content)
        try:
            return read_lock(file).lock.machines
        except ConfigError as error:
            raise ConfigError(error.message.replace(str(file), IMAGE_LOCK)) from error


def _choose(
    sections: Sequence[LockedMachine], config: ImageConfig, labels: Mapping[str, str]
) -> LockedMachine | None:
    """Return the section that an image was built from, by what its labels and its architecture say."""
    machine = _MACHINES.get(config.architecture, config.architecture)
    python, variant = _minor(labels.get(PYTHON_LABEL, "")), labels.get(VARIANT_LABEL, "")
    fit = [
        each
        for each in sections
        if each.facts.system == "linux"
        and each.facts.machine in (machine, "arm64" if machine == "aarch64" else machine)
        and (not python or _minor(each.python) == python)
    ]
    of_variant = [each for each in fit if (each.torch.variant if each.torch is not None else "") == variant]
    return next(iter(of_variant), None)


def _wrong_lock(text: str) -> CheckedSubject:
    finding = ImageFinding(text=text, hint="Build it anew: envkit build --help")
    return CheckedSubject(name="lock", summary="not the one of its build", findings=(finding,))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
