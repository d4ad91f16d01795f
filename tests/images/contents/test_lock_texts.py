"""What of a lock may go into an image as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from environments.lockfile.locks import CPU, section, wheel, write

from envkit.api import ConfigError
from envkit.environments.lockfile.read import read_lock
from envkit.environments.records import EnvSpec
from envkit.images.contents.lock_texts import check_texts

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.lockfile.records import LockedMachine, LockedWheel, LockFile

SECRET = "https://me:hunter2@x.example/own-1.0-py3-none-any.whl"


def locked(folder: Path, machine: LockedMachine, *, before: str = "", after: str = "") -> LockFile:
    """Return the lock of a file in which this text was changed by hand, and its digests with it."""
    file = write(folder, machine, spec=EnvSpec(tasks=("echo",)))
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    return read_lock(file, is_sealed=False)


@pytest.mark.parametrize(
    "address",
    [
        SECRET,
        "https://me:hun'hunter2@x.example/own-1.0-py3-none-any.whl",
        "https://hunter2@x.example/own-1.0-py3-none-any.whl",
        "git+https://me:hunter2@x.example/own@abc",
        "https://x.example/own-1.0-py3-none-any.whl?X-Amz-Signature=hunter2",
    ],
)
def test_address_with_a_password_is_refused_with_its_line_and_masked(tmp_path: Path, address: str) -> None:
    public = "https://public.example/own-1.0-py3-none-any.whl"
    own = wheel("own", source="direct", url=public)
    lock = locked(tmp_path, section(wheels=(own,), asked=()), before=public, after=address)
    with pytest.raises(ConfigError, match=r"own from .*x\.example.* has a password or a token") as error:
        check_texts(lock)
    line = int(error.value.message.split(":")[1])
    assert "own" in lock.text.split("\n")[line - 1]
    assert "hunter2" not in error.value.message + str(error.value.hint)


def test_requirement_with_a_password_is_refused(tmp_path: Path) -> None:
    text = "own @ https://public.example/own-1.0-py3-none-any.whl"
    machine = section(wheels=(wheel("own"),), asked=(text,))
    lock = locked(tmp_path, machine, before=text, after=f"own @ {SECRET}")
    with pytest.raises(ConfigError, match=r"own @ https://\*\*\*@x\.example"):
        check_texts(lock)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (section(wheels=(wheel("own", "1.7.0\nX", url="https://x.example/own.whl"),)), "own has no version"),
        (section(wheels=(wheel("own", "1.0\n", url="https://x.example/own.whl"),)), "own has no version"),
        (section(wheels=(wheel("own", "1..0", url="https://x.example/own.whl"),)), "own has no version"),
        (section(wheels=(wheel("own\nx"),)), "is no name of a package"),
        (section(wheels=(wheel("own", url="https://x.example/a b.whl"),)), "which is no address"),
        (section(wheels=(wheel("own", url="https://x.example/..%2Fa.whl"),)), "has the name"),
        (section(wheels=(wheel("own", url="", file="../a.whl"),)), "has the name"),
        (section(python="3.12\nX"), "Python has no version"),
        (section(torch=msgspec.structs.replace(CPU, version="2 8")), "torch has no version"),
    ],
)
def test_text_that_no_installer_writes_is_refused(tmp_path: Path, machine: LockedMachine, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_texts(locked(tmp_path, machine))


@pytest.mark.parametrize(
    "own",
    [
        wheel("own", "1!2.0rc1.post1+cu126"),
        wheel("own", source="find-links", url="", file="own-1.0-py3-none-any.whl"),
        wheel("own", source="direct", url="git+ssh://git@x.example/own@abc", sha256=""),
        wheel("own", source="direct", url="file:///my%20wheels/own-1.0+cpu-py3-none-any.whl"),
    ],
)
def test_text_that_installers_write_is_taken(tmp_path: Path, own: LockedWheel) -> None:
    check_texts(locked(tmp_path, section(wheels=(own,), torch=CPU, asked=())))
