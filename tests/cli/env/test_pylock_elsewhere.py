"""A pylock.toml, whose files are chosen for this machine, and another machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from envkit.machine import read_facts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]

PYLOCK = """\
lock-version = "1.0"
created-by = "hand"
[[packages]]
name = "tiny"
version = "1.0"
[[packages.wheels]]
url = "https://host.example/{name}"
hashes = {{ sha256 = "{sha256}" }}
"""


@pytest.fixture
def envkit(envkit_with: Callable[[Path], Command], tmp_path: Path) -> Command:
    """Run a command that knows no packages, beside a pylock with one wheel for every machine."""
    write_pylock(tmp_path, "tiny-1.0-py3-none-any.whl")
    return envkit_with(tmp_path)


def write_pylock(folder: Path, name: str) -> None:
    (folder / "pylock.toml").write_text(PYLOCK.format(name=name, sha256="5" * 64))


def write_facts(file: Path, **platform: str) -> None:
    facts = read_facts()
    there = msgspec.structs.replace(facts, platform=msgspec.structs.replace(facts.platform, **platform))
    file.write_bytes(msgspec.json.encode(there))


@pytest.mark.parametrize(
    ("words", "platform"),
    [
        (("env", "create", "mine", "--dry-run"), {"machine": "s390x"}),
        (("env", "create", "mine", "--dry-run"), {"libc": "musl"}),
        (("lock",), {"machine": "s390x"}),
    ],
)
def test_pylock_is_refused_for_a_machine_of_another_kind(
    envkit: Command, tmp_path: Path, words: tuple[str, ...], platform: dict[str, str]
) -> None:
    write_facts(tmp_path / "there.json", **platform)
    done = envkit(*words, "--file", "pylock.toml", "--for", "there.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pylock.toml: what is in it was chosen for this machine" in done.stderr
    assert next(iter(platform.values())) in done.stderr
    assert not (tmp_path / "envkit.lock").exists()


def test_pylock_with_a_wheel_that_the_other_machine_cannot_have_is_refused(
    envkit: Command, tmp_path: Path
) -> None:
    platform = read_facts().platform
    newest = (platform.libc_version or "").replace(".", "_")
    name = (
        f"tiny-1.0-cp{''.join(map(str, sys.version_info[:2]))}-abi3-manylinux_{newest}_{platform.machine}.whl"
    )
    write_pylock(tmp_path, name)
    write_facts(tmp_path / "older.json", libc_version="2.5")
    done = envkit("env", "create", "mine", "--dry-run", "--file", "pylock.toml", "--for", "older.json")
    assert (done.returncode, f"another: {name} is not for it" in done.stderr) == (2, True), done.stderr


def test_pylock_is_taken_for_a_machine_like_this_one(envkit: Command, tmp_path: Path) -> None:
    write_facts(tmp_path / "like.json")
    done = envkit(
        "env", "create", "mine", "--dry-run", "--file", "pylock.toml", "--for", "like.json", "--json"
    )
    assert done.returncode == 0, done.stderr
    wheels = msgspec.json.decode(done.stdout)["data"]["plan"]["wheels"]
    assert [(each["name"], each["version"]) for each in wheels] == [("tiny", "1.0")]


def test_lock_with_a_section_of_another_machine_takes_no_pylock(envkit: Command, tmp_path: Path) -> None:
    from environments.lockfile.locks import machine, section, write

    from envkit.environments.lockfile.facts import locked_facts

    file = write(tmp_path, section(facts=locked_facts(machine(machine="s390x"))))
    before = file.read_text()
    done = envkit("lock", "--file", "pylock.toml")
    assert (done.returncode, "that is linux on s390x" in done.stderr) == (2, True), done.stderr
    assert file.read_text() == before
