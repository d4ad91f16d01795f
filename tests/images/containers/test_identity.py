"""Whose a container's process is, for every kind of engine, and which cores it has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.images.containers.identity import Identity, Person, choose_identity, choose_share, write_cores
from envkit.machine.cpu import parse_core_list

if TYPE_CHECKING:
    from envkit.images.engine.engine import Engine

ADA = Person(user_id=1000, group_id=1001, groups=(27, 1001), name="ada")
ROOT = Person(user_id=0, group_id=0, groups=(0,), name="root")


@dataclass
class EngineOfAKind:
    """What is asked of an engine here, which no machine has of every kind."""

    kind: str
    is_rootless: bool = False


@pytest.mark.parametrize(
    ("person", "engine", "options", "expected"),
    [
        (ADA, EngineOfAKind("docker"), [], Identity(user="1000:1001", groups=("27",))),
        (
            ADA,
            EngineOfAKind("docker"),
            ["name=userns"],
            Identity(user="1000:1001", groups=("27",), userns="host"),
        ),
        (ADA, EngineOfAKind("docker", is_rootless=True), ["name=rootless"], Identity(user="0:0")),
        (
            ADA,
            EngineOfAKind("podman", is_rootless=True),
            ["name=rootless"],
            Identity(user="1000:1001", userns="keep-id"),
        ),
        (ROOT, EngineOfAKind("docker"), [], Identity(user="0:0", capabilities=("DAC_OVERRIDE",))),
    ],
)
def test_choose_identity_makes_files_the_persons_on_every_engine(
    person: Person, engine: Engine, options: list[str], expected: Identity
) -> None:
    assert choose_identity(person, engine=engine, info={"SecurityOptions": options}) == expected


@given(st.sets(st.integers(min_value=0, max_value=300), min_size=1))
def test_write_cores_is_read_back_by_who_reads_the_kernels_lists(cores: set[int]) -> None:
    assert set(parse_core_list(write_cores(cores))) == cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
@pytest.mark.parametrize(
    ("info", "is_bound"),
    [({"NCPU": 4096, "CPUSet": True}, True), ({"NCPU": 1}, False), ({"NCPU": 4096, "CPUSet": False}, False)],
)
def test_choose_share_binds_to_this_process_cores_only_where_it_has_not_all(
    info: dict[str, Any], is_bound: bool
) -> None:
    share = choose_share(info)

    assert share.cores == (write_cores(os.sched_getaffinity(0)) if is_bound else "")
    assert share.shared_memory >= 1 << 30
