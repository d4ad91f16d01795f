"""What is locked, by the real planner and the real uv, from folders of wheels and without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.lockfile.locks import machine
from small_wheels import write_wheel

from envkit.api import EnvError, MachineError
from envkit.api.facts import Cpu
from envkit.environments.lockfile.fit import find_misfit
from envkit.environments.lockfile.make import make_lock
from envkit.environments.lockfile.write import write_lock
from envkit.environments.records import EnvSpec
from envkit.machine import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.lockfile.records import Lock
    from envkit.environments.planning import Planning

FACTS = read_facts()
SPEC = EnvSpec(packages=("other", "tiny"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with `tiny` 1.0 and `other`, which needs it."""
    write_wheel(tmp_path / "wheels", "tiny")
    write_wheel(tmp_path / "wheels", "other", needs=("tiny",))
    return tmp_path / "wheels"


@pytest.fixture
def surroundings(planning: Any, offline: dict[str, str], folder: Path) -> Planning:
    return planning(environ={**offline, "PIP_FIND_LINKS": str(folder)})  # type: ignore[no-any-return]


@pytest.fixture
def lock(surroundings: Planning, told: Any) -> Callable[..., Lock]:
    def make(spec: EnvSpec = SPEC, **more: Any) -> Lock:
        return make_lock(spec, planning=surroundings, progress=told, **more)

    return make


def versions(lock: Lock, number: int = 0) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in lock.machines[number].wheels}


def test_lock_made_twice_is_the_same_to_the_byte(lock: Any, tmp_path: Path, folder: Path) -> None:
    first = lock()
    section = first.machines[0]
    assert section.python == FACTS.python.version
    assert [(w.name, w.file, len(w.sha256)) for w in section.wheels] == [
        ("other", "other-1.0-py3-none-any.whl", 64),
        ("tiny", "tiny-1.0-py3-none-any.whl", 64),
    ]
    text = write_lock(first, folder=tmp_path)
    assert write_lock(lock(), folder=tmp_path) == text
    assert write_lock(lock(previous=first), folder=tmp_path) == text
    assert str(folder) not in text
    assert FACTS.taken_at not in text


@pytest.mark.slow
def test_lock_keeps_versions_that_fit_unless_they_are_to_be_upgraded(lock: Any, folder: Path) -> None:
    first = lock()
    write_wheel(folder, "tiny", "2.0")
    assert versions(lock())["tiny"] == "2.0"
    assert versions(lock(previous=first))["tiny"] == "1.0"
    assert versions(lock(previous=first, is_upgrade=True))["tiny"] == "2.0"
    needing = EnvSpec(packages=("other", "tiny>=2"))
    assert versions(lock(needing, previous=first)) == {"other": "1.0", "tiny": "2.0"}


@pytest.mark.slow
def test_lock_for_another_machine_is_kept_up_to_date_from_the_file_alone(lock: Any, folder: Path) -> None:
    there = machine(machine="aarch64")
    first = lock(machines=[there])
    assert [each.facts.machine for each in first.machines] == [FACTS.platform.machine, "aarch64"]
    write_wheel(folder, "third")
    more = EnvSpec(packages=("third", "tiny"))
    second = lock(more, previous=first)
    assert versions(second, 1) == {"third": "1.0", "tiny": "1.0"}
    assert find_misfit(second.machines[1], more, there) is None
    assert lock(more, previous=second, machines=[there]) == second


def test_lock_takes_the_wheel_of_each_kind_of_machine(lock: Any, folder: Path) -> None:
    for tag in ("cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_aarch64"):
        write_wheel(folder, "built", tag=tag)
    spec = EnvSpec(packages=("built; python_version == '3.12'",))
    machines = [
        msgspec.structs.replace(each, interpreters=()) for each in (machine(), machine(machine="aarch64"))
    ]
    found = lock(spec, machines=machines)
    files = {s.facts.machine: s.wheels[0].file for s in found.machines if s.python.startswith("3.12")}
    assert files["aarch64"] == "built-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"
    assert files["x86_64"] == "built-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"


@pytest.mark.slow
def test_lock_rests_on_nothing_that_two_machines_of_a_kind_differ_in(lock: Any) -> None:
    first = lock(machines=[machine()])
    other = msgspec.structs.replace(machine(kernel="9.9"), cpu=Cpu(model="another"), taken_at="later")
    assert lock(machines=[other]) == first


def test_lock_that_fails_for_another_machine_names_it(lock: Any, folder: Path) -> None:
    write_wheel(folder, "built", tag=f"py3-none-manylinux_2_17_{FACTS.platform.machine}")
    there = machine(machine="s390x")
    with pytest.raises(EnvError, match=r"^for linux s390x, cpu, Python 3\.12: .*built"):
        lock(EnvSpec(packages=("built",)), machines=[there])


def test_lock_of_a_task_names_envkit_and_the_plugin_by_content(
    planning: Any, told: Any, install: Any, entry_of: Any, offline: dict[str, str]
) -> None:
    train = ("Requires-Dist: envkit-ml", "Provides-Extra: train", "Requires-Dist: tiny; extra == 'train'")
    dist = install(
        "envkit-echo",
        headers=train,
        files={"echo/__init__.py": "", "echo/plugin.py": ""},
        entry_points="[envkit.tasks]\necho = echo.plugin\n",
    )
    found = make_lock(EnvSpec(tasks=("echo",)), planning=planning(entry_of(dist)), progress=told)
    host = {each.name: each for each in found.machines[0].host}
    assert (host["envkit-echo"].version, len(host["envkit-echo"].digest)) == ("1.0", 64)
    assert "envkit-ml" in host
    assert "envkit-echo" not in versions(found)
    assert versions(found)["tiny"] == "1.5"


@pytest.mark.slow
def test_lock_for_a_machine_with_another_python_only_is_for_that_python(lock: Any) -> None:
    python = msgspec.structs.replace(FACTS.python, path="/opt/py3.13/bin/python", version="3.13.1")
    there = msgspec.structs.replace(machine(), python=python, interpreters=())
    found = lock(machines=[there])
    # Where the tests run on 3.13 themselves, this machine's own section serves there too.
    assert found.machines[-1].python.startswith("3.13.")


def test_lock_for_a_system_that_has_no_environments_is_refused(lock: Any) -> None:
    with pytest.raises(MachineError, match=r"environments are for Linux and macOS.* 'windows'"):
        lock(machines=[machine(system="windows", libc=None, libc_version=None)])
