"""Refuse a lock whose texts no image may hold: passwords, and what is no version, name or address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from envkit.environments.files.addresses import has_secret
from envkit.environments.files.request import file_error
from envkit.environments.lockfile.lines import machine_line, spec_line
from envkit.environments.lockfile.records import lock_command
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.environments.lockfile.records import LockedMachine, LockedWheel, LockFile

_NO_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f'\"]|\A\.{1,2}\Z")
_NO_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\"]")

_USER = re.compile(r"://[^\s/@]*@")


def check_texts(lock: LockFile) -> None:
    """Check what of a lock goes into images as it stands. Raises: ConfigError with file, line and package."""
    spec = lock.lock.spec
    for key, texts in (("packages", spec.packages), ("constraints", spec.constraints)):
        for text in texts:
            _check_public(text, lock=lock, line=spec_line(lock.text, key))
    for number, machine in enumerate(lock.lock.machines):
        if not _is_version(machine.python):
            _refuse(
                f"Python has no version {machine.python!r}", lock=lock, line=machine_line(lock.text, number)
            )
        torch = machine.torch
        if torch is not None and not _is_version(torch.version):
            _refuse(
                f"torch has no version {torch.version!r}", lock=lock, line=machine_line(lock.text, number)
            )
        for key, item, text in _requirements(machine):
            _check_public(text, lock=lock, line=machine_line(lock.text, number, key, item=item))
        for item, wheel in enumerate(machine.wheels):
            line = machine_line(lock.text, number, "wheels", item=item)
            _check_public(wheel.url, lock=lock, line=line, name=wheel.name)
            wrong = _wrong(wheel)
            if wrong is not None:
                _refuse(wrong, lock=lock, line=line)


def _requirements(machine: LockedMachine) -> Iterator[tuple[str, int, str]]:
    lists: tuple[tuple[str, Sequence[str]], ...]
    lists = (("asked", machine.asked), ("without-dependencies", machine.without_dependencies))
    for key, texts in lists:
        for item, text in enumerate(texts):
            yield key, item, text


def _wrong(wheel: LockedWheel) -> str | None:
    """Return what of a package is not as installers write it."""
    try:
        canonicalize_name(wheel.name, validate=True)
    except InvalidName:
        return f"{wheel.name!r} is no name of a package"
    # A folder, which has no hash, may have none: that no image is built from it is said where its file is wanted.
    if (wheel.version or wheel.sha256) and not _is_version(wheel.version):
        return f"{wheel.name} has no version {wheel.version!r}"
    if _NO_ADDRESS.search(wheel.url):
        return f"{wheel.name} comes from {_masked(wheel.url)!r}, which is no address"
    if _NO_NAME.search(wheel.file_name):
        return (
            f"the file of {wheel.name} has the name {wheel.file_name!r}: expected one without slashes, "
            "quotes and control characters"
        )
    return None


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return text == text.strip()  # which packaging does itself, and requirements do not


def _check_public(text: str, *, lock: LockFile, line: int | None, name: str = "") -> None:
    if not has_secret(text):
        return
    whose = f"{name} from " if name else ""
    raise file_error(
        f"{whose}{_masked(text)!r} has a password or a token in it, which the image would keep",
        file=lock.file,
        line=line,
        hint="Put it into ~/.netrc: machine HOST login USER password PASSWORD\n"
        f"And lock it without: {lock_command(lock.file)}",
    )


def _masked(text: str) -> str:
    # Before all else what ``has_secret`` took for a password, quotes in it or not.
    return mask_secrets(_USER.sub("://***@", text))


def _refuse(what: str, *, lock: LockFile, line: int | None) -> None:
    raise file_error(what, file=lock.file, line=line, hint=f"Write the file anew: {lock_command(lock.file)}")
