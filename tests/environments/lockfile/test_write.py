"""What a lock says is what was written, wherever its folder lies."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from environments.lockfile.locks import CUDA, GPU_FACTS, machine, section, wheel, with_gpu, write
from hypothesis import given
from hypothesis import strategies as st

from envkit.environments.lockfile.facts import locked_facts, machine_facts
from envkit.environments.lockfile.portable import to_absolute, to_portable
from envkit.environments.lockfile.read import read_lock
from envkit.environments.lockfile.records import Lock, LockedBase, LockedHost
from envkit.environments.lockfile.write import write_lock
from envkit.environments.records import EnvSpec

FOLDER = Path("/data/team/project")
TEXT = st.text(max_size=12)


def test_lock_read_again_is_the_same_and_gives_the_same_bytes(tmp_path: Path) -> None:
    full = section(
        facts=GPU_FACTS,
        torch=CUDA,
        asked=("torch==2.8.0+cu126",),
        without_dependencies=("model==1",),
        host=(LockedHost(name="envkit-ml", version="0.1.0", digest="d"),),
        base=(
            LockedBase(name="python", version="3.12.4", build="h0", channel="c", url="u", sha256="5" * 64),
        ),
        wheels=(wheel("model", "1"), wheel("torch", "2.8.0+cu126")),
    )
    spec = EnvSpec(backend="conda", torch="auto", packages=("tiny",), channels=("conda-forge",))
    file = write(tmp_path, section(), full, spec=spec)
    found = read_lock(file)
    assert found.lock.spec == spec
    assert write_lock(found.lock, folder=tmp_path) == file.read_text()
    assert tomllib.loads(file.read_text())["machine"][1]["facts"]["gpus"][0]["compute-capability"] == "9.0"


@given(name=TEXT, reason=TEXT, asked=TEXT)
def test_lock_of_any_text_is_read_as_it_was(name: str, reason: str, asked: str) -> None:
    lock = Lock(
        spec=EnvSpec(torch=asked),
        machines=(section(name=name, host=(LockedHost(name=reason, version="1"),)),),
    )
    table = tomllib.loads(write_lock(lock, folder=FOLDER))
    assert table["spec"].get("torch", "") == asked
    assert table["machine"][0].get("name", "") == name
    assert table["machine"][0]["host"][0].get("name", "") == reason


@pytest.mark.parametrize(
    ("absolute", "portable"),
    [
        ("/data/team/project/own.whl", "./own.whl"),
        ("/data/team/lib[extra]", "../lib[extra]"),
        ("-e /data/team/project", "-e ."),
        ("own @ file:///data/team/project/my%20own.whl", "own @ file://./my%20own.whl"),
        ("file:///data/team/project/channel/linux-64/a.conda", "file://./channel/linux-64/a.conda"),
        ("/elsewhere/own.whl", "/elsewhere/own.whl"),
        ("tiny>=1 ; python_version > '3'", "tiny>=1 ; python_version > '3'"),
        ("git+ssh://git@host/team/tool@abc", "git+ssh://git@host/team/tool@abc"),
        ("tool @ git+file:///data/team/project/my%20tool@abc/d", "tool @ git+file://./my%20tool@abc/d"),
        ("tool @ git+file:///data/team/tool@abc#egg=a", "tool @ git+file://../tool@abc#egg=a"),
        ("git+file:///elsewhere/tool@abc", "git+file:///elsewhere/tool@abc"),
        ("file:///data/team/project/a%40b.whl", "file://./a%40b.whl"),
    ],
)
def test_paths_beside_the_lock_are_relative_in_it_and_absolute_when_read(
    absolute: str, portable: str
) -> None:
    assert to_portable(absolute, folder=FOLDER) == portable
    assert to_absolute(portable, folder=FOLDER) == absolute


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("tool @ https://me:secret@host/tool.whl", "tool @ https://host/tool.whl"),
        ("https://host/t/secret/channel", "https://host/channel"),
    ],
)
def test_passwords_never_stand_in_a_lock(text: str, safe: str) -> None:
    assert to_portable(text, folder=FOLDER) == safe


def test_facts_in_a_lock_tell_the_machine_and_not_whose_it_is() -> None:
    facts = with_gpu(machine())
    locked = locked_facts(facts)
    again = machine_facts(locked, python=facts.python.version)
    assert locked_facts(again) == locked
    assert (again.platform.libc_version, again.nvidia.gpus[0].compute_capability) == ("2.36", "9.0")
    assert "GPU-secret" not in repr(locked)


def test_path_is_relative_to_a_lock_that_is_named_through_its_parent(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "a/link").symlink_to(tmp_path / "elsewhere/deep")
    through = tmp_path / "a/b/.."
    assert to_portable(f"{tmp_path}/a/own.whl", folder=through) == "./own.whl"
    assert to_absolute("./own.whl", folder=through) == f"{tmp_path}/a/own.whl"
    assert to_portable(f"{tmp_path}/elsewhere/own.whl", folder=tmp_path / "a/link/..") == "./own.whl"
