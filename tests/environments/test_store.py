"""The store of environments; what fills them is a few files here, and a real venv in test_provide."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envkit.api import EnvError
from envkit.environments.records import EnvRecord, HostPackage
from envkit.environments.requirements import Needs
from envkit.environments.store import (
    RECORD_FILE,
    Wanted,
    envs_dir,
    find_environment,
    hold_environment,
    list_environments,
    make_environment,
    read_record,
    why_unfit,
)
from envkit.machine import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.lock import FileLock

FACTS = read_facts()


def wanted(**changes: Any) -> Wanted:
    values: dict[str, Any] = {
        "name": "echo-py3.11",
        "python": "3.11.7",
        "needs": Needs(
            plugin="envkit-echo",
            python="3.11.7",
            requirements=(Requirement("tiny>=1"),),
            torch=None,
            requires_python=SpecifierSet(),
        ),
        "plugin": HostPackage(name="envkit-echo", version="1.0", digest="p"),
        "envkit": HostPackage(name="envkit-ml", version="0.1.0", digest="e"),
        "torch": None,
        "model_package": None,
    }
    return Wanted(**{**values, **changes})


def build_for(want: Wanted, versions: dict[str, str] | None = None) -> Callable[[Path, FileLock], EnvRecord]:
    """Return a builder that lays out what a venv holds for the store."""

    def build(prefix: Path, lock: FileLock) -> EnvRecord:
        installed = {"tiny": "1.5", **(versions or {})}
        (prefix / "bin").mkdir(parents=True)
        (prefix / "bin/python").symlink_to("/bin/sh")
        for name, version in installed.items():
            (prefix / f"lib/python3.11/site-packages/{name}-{version}.dist-info").mkdir(parents=True)
        return EnvRecord(
            name=prefix.name,
            kind="venv",
            created=datetime.now(UTC).isoformat(),
            python=want.python,
            asked=tuple(str(r) for r in want.needs.requirements),
            installed=installed,
            without_dependencies=("envkit-echo",),
            plugin=want.plugin,
            envkit=want.envkit,
            torch=want.torch,
            facts=FACTS,
            size=1000,
        )

    return build


def make(home: Path, want: Wanted, say: Callable[[str], None] = lambda text: None) -> Any:
    return make_environment(home, want, build=build_for(want), say=say)


def test_environment_made_once_is_found(tmp_path: Path) -> None:
    assert find_environment(tmp_path, wanted()) is None
    made = make(tmp_path, wanted())
    found = find_environment(tmp_path, wanted())
    assert made.created
    assert found is not None
    assert not found.created
    assert found == replace(made, created=False)
    assert found.prefix == envs_dir(tmp_path) / "echo-py3.11"
    assert found.python.is_relative_to(found.prefix)


def test_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    assert read_record(made.prefix) == made.record
    assert not list(made.prefix.glob("*.tmp"))


NEWER = HostPackage(name="envkit-echo", version="1.1", digest="p2")
EDITED = HostPackage(name="envkit-ml", version="0.1.0", digest="e2")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"python": "3.11.9"}, None),
        ({"python": "3.12"}, "it has Python 3.11.7"),
        ({"plugin": NEWER}, "envkit-echo 1.0 became 1.1"),
        ({"envkit": EDITED}, "envkit-ml has changed"),
        ({"model_package": "model==1"}, "it lacks the default model"),
    ],
)
def test_why_unfit_says_what_changed(tmp_path: Path, changes: dict[str, Any], why: str | None) -> None:
    made = make(tmp_path, wanted())
    assert why_unfit(made.prefix, made.record, wanted(**changes)) == why
    assert (find_environment(tmp_path, wanted(**changes)) is None) == (why is not None)


def test_why_unfit_sees_requirements_that_grew(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    grown = replace(wanted().needs, requirements=(Requirement("tiny>=2"),))
    assert why_unfit(made.prefix, made.record, wanted(needs=grown)) == "it lacks tiny>=2"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("rm bin/python", "its Python is gone"),
        ("mv lib/python3.11/site-packages/tiny-1.5.dist-info lib/python3.11/site-packages/tiny-1.6.dist-info", "packages in it were changed: tiny"),
        ("rm -r lib", "packages in it were changed: tiny"),
    ],
)  # fmt: skip
def test_why_unfit_sees_what_was_changed_by_hand(tmp_path: Path, damage: str, why: str) -> None:
    made = make(tmp_path, wanted())
    assert os.system(f"cd '{made.prefix}' && {damage}") == 0
    assert why_unfit(made.prefix, made.record, wanted()) == why
    made.release()
    assert make(tmp_path, wanted()).created  # and so it is made anew


def test_packages_added_by_hand_do_no_harm(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    (made.prefix / "lib/python3.11/site-packages/more-1.0.dist-info").mkdir()
    assert why_unfit(made.prefix, made.record, wanted()) is None


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"version": 99}'])
def test_environment_without_a_whole_record_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    prefix = envs_dir(tmp_path) / "echo-py3.11"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/leftover").touch()
    if content is not None:
        (prefix / RECORD_FILE).write_bytes(content)
    said: list[str] = []
    made = make(tmp_path, wanted(), said.append)
    assert made.prefix == prefix
    assert not (prefix / "bin/leftover").exists()
    assert said == ["echo-py3.11 is made anew: it was left half made"]


def test_record_of_a_newer_envkit_is_not_read(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    file = made.prefix / RECORD_FILE
    file.write_bytes(file.read_bytes().replace(b'"version": 1\n}', b'"version": 2\n}'))
    assert read_record(made.prefix) is None


@pytest.mark.parametrize("error", [EnvError("no network"), KeyboardInterrupt()])
def test_making_that_fails_leaves_nothing_and_a_second_try_works(
    tmp_path: Path, error: BaseException
) -> None:
    def build(prefix: Path, lock: FileLock) -> EnvRecord:
        (prefix / "bin").mkdir(parents=True)
        raise error

    with pytest.raises(type(error)):
        make_environment(tmp_path, wanted(), build=build, say=lambda text: None)
    assert not (envs_dir(tmp_path) / "echo-py3.11").exists()
    assert list_environments(tmp_path) == []
    assert make(tmp_path, wanted()).created


def test_environment_in_use_is_left_alone_and_the_new_one_made_beside_it(tmp_path: Path) -> None:
    old = make(tmp_path, wanted())
    new = make(tmp_path, wanted(plugin=NEWER))
    assert (old.name, new.name) == ("echo-py3.11", "echo-py3.11-2")
    assert read_record(old.prefix) is not None
    assert find_environment(tmp_path, wanted()) is not None  # the old one still serves whom it fits
    found = find_environment(tmp_path, wanted(plugin=NEWER))
    assert found is not None
    assert found.name == new.name


def test_environment_that_no_longer_fits_is_replaced_once_unused(tmp_path: Path) -> None:
    make(tmp_path, wanted()).release()
    said: list[str] = []
    made = make(tmp_path, wanted(plugin=NEWER), said.append)
    assert made.name == "echo-py3.11"
    assert said == ["echo-py3.11 is made anew: envkit-echo 1.0 became 1.1"]
    assert [each.record.plugin for each in list_environments(tmp_path)] == [NEWER]


def test_second_maker_waits_says_for_whom_and_takes_the_first_ones(tmp_path: Path) -> None:
    started, go = threading.Event(), threading.Event()
    results: list[Any] = []

    def slow(prefix: Path, lock: FileLock) -> EnvRecord:
        started.set()
        go.wait(5)
        return build_for(wanted())(prefix, lock)

    def first() -> None:
        results.append(make_environment(tmp_path, wanted(), build=slow, say=lambda text: None))

    def waiting(text: str) -> None:
        said.append(text)
        go.set()

    said: list[str] = []
    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(5)
    second = make(tmp_path, wanted(), waiting)
    thread.join()
    assert results[0].created
    assert not second.created
    assert said == [f"waiting for process {os.getpid()}, which makes it"]


def test_list_shows_use_and_when(tmp_path: Path) -> None:
    before = time.time() - 1
    used = make(tmp_path, wanted())
    make(tmp_path, wanted(name="other")).release()
    listed = {each.name: each for each in list_environments(tmp_path)}
    assert {name: each.is_in_use for name, each in listed.items()} == {"echo-py3.11": True, "other": False}
    assert all(before < each.last_used <= time.time() + 1 for each in listed.values())
    assert hold_environment(listed["other"]).record == listed["other"].record
    assert used.hold is not None


def test_hold_of_an_environment_that_went_meanwhile_is_an_error(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    stored = list_environments(tmp_path)[0]
    (made.prefix / RECORD_FILE).unlink()
    with pytest.raises(EnvError, match="is being removed"):
        hold_environment(stored)


def test_home_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.touch()
    with pytest.raises(EnvError, match="cannot write .*echo-py3.11.lock: Not a directory") as caught:
        make(home, wanted())
    assert "ENVKIT_HOME" in str(caught.value.hint)
