"""Environments made from a lock: exactly what is in it, or nothing and why."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.lockfile.locks import CPU, section, with_gpu, write
from small_wheels import write_wheel

from envkit.api import EnvError
from envkit.api.facts import Nvidia
from envkit.config import Settings
from envkit.environments.lockfile.facts import locked_facts
from envkit.environments.lockfile.install import plan_locked
from envkit.environments.lockfile.make import make_lock
from envkit.environments.lockfile.read import read_lock
from envkit.environments.lockfile.records import LockedHost
from envkit.environments.lockfile.write import write_lock
from envkit.environments.make import make_environment
from envkit.environments.records import EnvSpec
from envkit.environments.store import find_stored, list_environments
from envkit.machine import read_facts
from envkit.owner import install_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conda_channel import LocalChannel

    from envkit.environments.lockfile.records import LockFile
    from envkit.environments.planning import Planning
    from envkit.environments.records import Environment

FACTS = read_facts()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with `tiny` and `other`, which needs it."""
    write_wheel(tmp_path / "wheels", "tiny")
    write_wheel(tmp_path / "wheels", "other", needs=("tiny",))
    return tmp_path / "wheels"


@pytest.fixture
def surroundings(planning: Any, offline: dict[str, str], folder: Path) -> Planning:
    return planning(environ={**offline, "PIP_FIND_LINKS": str(folder)})  # type: ignore[no-any-return]


@pytest.fixture
def lock(surroundings: Planning, told: Any, tmp_path: Path) -> LockFile:
    """Return the lock of `other`, written and read."""
    found = make_lock(EnvSpec(packages=("other",)), planning=surroundings, progress=told)
    file = tmp_path / "envkit.lock"
    file.write_text(write_lock(found, folder=tmp_path), encoding="utf-8")
    return read_lock(file)


@pytest.fixture
def make(surroundings: Planning, told: Any) -> Callable[..., Environment]:
    def call(name: str, lock: LockFile, **changes: Any) -> Environment:
        given = replace(surroundings, **changes)
        plan = plan_locked(name, lock, planning=given)
        return make_environment(plan, planning=given, progress=told)

    return call


def test_plan_of_a_lock_resolves_nothing_and_says_where_it_stands(lock: LockFile, surroundings: Any) -> None:
    plan = plan_locked("mine", lock, planning=surroundings)
    assert [(each.name, each.version) for each in plan.locked] == [("other", "1.0"), ("tiny", "1.0")]
    assert (plan.lock, plan.requirements) == (lock.sha256, ("other",))
    assert plan.base.interpreter == FACTS.python.path
    assert plan.reasons[0].startswith(f"Python {FACTS.python.version}: locked in {lock.file}:")


def test_plan_of_a_lock_with_another_patch_of_python_says_so(tmp_path: Path, surroundings: Any) -> None:
    minor = FACTS.python.version.rpartition(".")[0]
    facts = make_facts_of_here(f"{minor}.99")
    plan = plan_locked("mine", read_lock(write(tmp_path, facts)), planning=surroundings)
    assert plan.base.python.startswith(f"{minor}.")
    assert f"{minor}.99 is locked and not here" in plan.reasons[0]


@pytest.mark.parametrize(
    ("has_gpu", "why"),
    [
        (False, "torch 2.8.0+cpu: locked. No GPU."),
        (True, "torch 2.8.0+cpu: locked for linux x86_64, cpu, Python 3.12: No GPU."),
    ],
)
def test_plan_of_a_lock_says_for_which_machine_its_torch_was_chosen(
    tmp_path: Path, surroundings: Any, has_gpu: bool, why: str
) -> None:
    facts = msgspec.structs.replace(FACTS, nvidia=Nvidia())
    locked = section(python=FACTS.python.version, facts=locked_facts(facts), torch=CPU)
    lock = read_lock(write(tmp_path, locked, spec=EnvSpec(packages=("tiny",), torch="cpu")))
    here = with_gpu(facts, name="Tesla K80", capability="3.7") if has_gpu else facts
    plan = plan_locked("mine", lock, planning=replace(surroundings, facts=here))
    assert plan.reasons[1] == why


def make_facts_of_here(python: str, **changes: Any) -> Any:
    return section(python=python, facts=locked_facts(FACTS), **changes)


@pytest.mark.parametrize(
    ("locked", "said", "wanted"),
    [
        ({"version": "0.9"}, r"envkit-echo 0\.9 is locked, and 1\.0 is installed here", "envkit-echo==0.9"),
        ({"version": "1.0", "digest": "d"}, "with other content than it has here", "envkit-echo==1.0"),
        ({"name": "envkit-absent", "version": "2"}, "is locked, and not installed here", "envkit-absent==2"),
    ],
)
def test_plan_of_a_lock_with_another_plugin_names_line_and_command(
    locked: dict[str, str], said: str, wanted: str, tmp_path: Path, planning: Any, install: Any
) -> None:
    dist = install("envkit-echo")
    host = LockedHost(**{"name": "envkit-echo", **locked})
    file = write(tmp_path, make_facts_of_here(FACTS.python.version, host=(host,)))

    def find(name: str) -> Any:
        from importlib.metadata import PackageNotFoundError

        if name != "envkit-echo":
            raise PackageNotFoundError(name)
        return dist

    with pytest.raises(EnvError, match=said) as caught:
        plan_locked("mine", read_lock(file), planning=planning(find_distribution=find))
    line = int(caught.value.message.split("envkit.lock:")[1].split(":")[0])
    assert host.name in file.read_text().splitlines()[line - 1]
    assert install_command(wanted, is_anew=True) in str(caught.value.hint)


@pytest.mark.slow
def test_two_environments_of_one_lock_have_the_same_packages(
    lock: LockFile, make: Any, folder: Path, told: Any
) -> None:
    write_wheel(folder, "tiny", "2.0")  # what is newer now changes nothing
    one, two = make("one", lock), make("two", lock)
    assert one.record.installed == two.record.installed == {"other": "1.0", "tiny": "1.0"}
    assert one.record.lock == two.record.lock == lock.sha256
    assert make("one", lock).created is False


@pytest.mark.slow
def test_tampered_wheel_is_refused_by_name_and_nothing_stays(
    lock: LockFile, make: Any, folder: Path, surroundings: Any, tmp_path: Path
) -> None:
    write_wheel(folder, "tiny", content="something else")
    # As on a machine that has not seen the true one: what lies in a cache has been checked.
    environ = {**surroundings.environ, "UV_CACHE_DIR": str(tmp_path / "empty")}
    with pytest.raises(EnvError, match=r"tiny.* does not fit its hash: expected sha256 [0-9a-f]{64}, got"):
        make("mine", lock, environ=environ)
    assert list_environments(surroundings.home) == []


@pytest.mark.slow
def test_locked_version_is_not_taken_for_its_build_with_a_local_tag(
    lock: LockFile, folder: Path, make: Callable[..., Environment]
) -> None:
    write_wheel(folder, "tiny", "1.0+cpu")
    environment = make("mine", lock)
    assert environment.record is not None
    assert environment.record.installed["tiny"] == "1.0"


@pytest.mark.slow
def test_mirror_with_the_same_files_serves_a_lock(
    lock: LockFile, make: Any, folder: Path, tmp_path: Path, offline: dict[str, str]
) -> None:
    mirror = folder.rename(tmp_path / "mirror")
    made = make("mine", lock, environ={**offline, "PIP_FIND_LINKS": str(mirror)})
    assert made.record.installed == {"other": "1.0", "tiny": "1.0"}


@pytest.mark.slow
def test_conda_environment_is_locked_with_hashes_and_made_twice(
    conda_channel: LocalChannel,
    planning: Any,
    offline: dict[str, str],
    folder: Path,
    told: Any,
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    settings = Settings(home=home, torch_index="https://torch.invalid", channels=(conda_channel.url,))
    given = planning(settings=settings, environ={**os.environ, **offline, "PIP_FIND_LINKS": str(folder)})
    spec = EnvSpec(backend="conda", base_packages=("hello", "wordlist <2"), packages=("other",))
    first = make_lock(spec, planning=given, progress=told)
    base = {each.name: each for each in first.machines[0].base}
    assert (base["wordlist"].version, len(base["python"].sha256)) == ("1.0", 64)
    wider = msgspec.structs.replace(spec, base_packages=("hello", "wordlist"))
    kept = make_lock(wider, planning=given, progress=told, previous=first)
    assert {each.name: each.version for each in kept.machines[0].base}["wordlist"] == "1.0"
    file = tmp_path / "envkit.lock"
    file.write_text(write_lock(first, folder=tmp_path), encoding="utf-8")
    lock = read_lock(file)
    records = []
    for name in ("one", "two"):
        plan = plan_locked(name, lock, planning=given)
        records.append(make_environment(plan, planning=given, progress=told).record)
    assert records[0].base == records[1].base
    assert records[0].installed == records[1].installed
    assert find_stored(home, "one").record.lock == lock.sha256


@pytest.mark.slow
def test_tampered_conda_package_is_refused_by_name(
    conda_channel: LocalChannel, planning: Any, offline: dict[str, str], told: Any, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path / "home", torch_index="https://torch.invalid", channels=(conda_channel.url,)
    )
    given = planning(settings=settings, environ={**os.environ, **offline})
    lock = make_lock(EnvSpec(backend="conda", base_packages=("fonts",)), planning=given, progress=told)
    fonts = [
        msgspec.structs.replace(each, sha256="0" * 64) if each.name == "fonts" else each
        for each in lock.machines[0].base
    ]
    machines = (msgspec.structs.replace(lock.machines[0], base=tuple(fonts)),)
    file = tmp_path / "envkit.lock"
    file.write_text(write_lock(msgspec.structs.replace(lock, machines=machines), folder=tmp_path))
    plan = plan_locked("mine", read_lock(file), planning=given)
    with pytest.raises(EnvError, match="fonts"):
        make_environment(plan, planning=given, progress=told)
