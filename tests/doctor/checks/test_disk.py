from __future__ import annotations

from typing import Any

import msgspec
import pytest
from doctor.finding import findings_of, shown
from doctor.machines import GB, cpu_machine, having, surroundings, well_machines

from envkit.api.facts import Disk, HardLinks, MachineFacts, Unread
from envkit.doctor.runner import Unmade

HERE = "/home/ada/.local/share/envkit/envs"
IDS = ("disk.space", "disk.inodes", "disk.writable", "disk.hard-links", "disk.network")


def disks(facts: MachineFacts | None = None, *purposes: str, **fields: Any) -> MachineFacts:
    """Return a machine on which the disks of these purposes (all if none is named) are otherwise."""
    facts = facts or cpu_machine()
    changed = [
        msgspec.structs.replace(disk, **fields) if not purposes or disk.purpose in purposes else disk
        for disk in facts.disks
    ]
    return having(facts, disks=tuple(changed))


@pytest.mark.parametrize("check_id", IDS)
@pytest.mark.parametrize("name", sorted(well_machines()))
def test_disks_of_a_well_machine_are_not_spoken_of(name: str, check_id: str) -> None:
    assert findings_of("disk", check_id, well_machines()[name]) == ()


def test_space_that_an_environment_needs_is_an_error_without_it() -> None:
    (found,) = findings_of("disk", "disk.space", disks(free=3 * GB))
    assert found.severity == "error"
    assert "3.0 GB" in found.summary and "8.0 GB" in found.summary
    assert f"environments: {HERE}" in found.evidence
    assert "cache prune" in str(found.fix) and "ENVKIT_HOME=" in str(found.fix)


def test_space_that_would_be_installed_decides() -> None:
    small = surroundings(disk_needed=1_200_000_000)
    assert findings_of("disk", "disk.space", disks(free=3 * GB), surroundings=small) == ()


def test_space_is_wanted_twice_where_the_cache_is_elsewhere_and_once_where_linked() -> None:
    apart = disks(None, "uv cache", mount="/cache", free=3 * GB)
    (found,) = findings_of("disk", "disk.space", apart)
    assert "/cache" in found.summary and "UV_CACHE_DIR=" in str(found.fix)
    assert findings_of("disk", "disk.space", disks(free=12 * GB)) == ()
    copied = having(disks(free=12 * GB), hard_links=HardLinks(works=False))
    (found,) = findings_of("disk", "disk.space", copied)
    assert found.severity == "warn"


def test_space_names_a_larger_disk_where_there_is_one() -> None:
    facts = disks(None, "runs", mount="/data", existing="/data", free=500 * GB)
    facts = disks(facts, "environments", "uv cache", "hub cache", "temporary files", free=2 * GB)
    (found,) = findings_of("disk", "disk.space", facts)
    assert "ENVKIT_HOME=/data/environments" in str(found.fix)


@pytest.mark.parametrize(
    ("purpose", "setting"),
    [("temporary files", "TMPDIR="), ("hub cache", "HF_HOME="), ("runs", "folder of a larger disk")],
)
def test_little_space_for_a_run_is_a_warning(purpose: str, setting: str) -> None:
    facts = disks(None, purpose, mount="/small", existing="/small", free=200_000_000)
    facts = disks(facts, "environments", "uv cache", is_writable=None)
    (found,) = findings_of("disk", "disk.space", facts)
    assert found.severity == "warn"
    assert setting in str(found.fix)


def test_disk_without_mount_is_known_by_its_size() -> None:
    (found,) = findings_of("disk", "disk.space", disks(mount=None, free=2 * GB))
    assert len(found.evidence) == 5


@pytest.mark.parametrize(("free", "severity"), [(12_000, "warn"), (0, "error")])
def test_inodes_that_run_out_are_told_with_how_to_count(free: int, severity: str) -> None:
    (found,) = findings_of("disk", "disk.inodes", disks(inodes_free=free))
    assert found.severity == severity
    assert "du --inodes" in str(found.fix) and "df -i" in shown(found)


def test_inodes_of_a_file_system_without_them_are_not_judged() -> None:
    assert findings_of("disk", "disk.inodes", disks(inodes_total=0, inodes_free=0)) == ()


@pytest.mark.parametrize(
    ("purpose", "severity", "fix"),
    [
        ("environments", "error", "ENVKIT_HOME=DIR"),
        ("uv cache", "error", "UV_CACHE_DIR=DIR"),
        ("hub cache", "warn", "HF_HOME=DIR"),
        ("runs", "warn", "folder that is yours"),
    ],
)
def test_folder_that_cannot_be_written_names_the_setting(purpose: str, severity: str, fix: str) -> None:
    (found,) = findings_of("disk", "disk.writable", disks(None, purpose, is_writable=False))
    assert found.severity == severity
    assert fix in str(found.fix)


def test_links_between_disks_are_mended_by_a_cache_beside_the_environments() -> None:
    facts = disks(None, "uv cache", mount="/cache", path="/cache/uv")
    facts = having(facts, hard_links=HardLinks(works=False, why="two file systems: / and /cache"))
    (found,) = findings_of("disk", "disk.hard-links", facts)
    assert found.severity == "warn"
    assert found.fix == "Keep both on one disk: export UV_CACHE_DIR=/home/ada/.local/share/envkit/uv-cache"
    assert "two file systems: / and /cache" in found.evidence


def test_links_that_a_file_system_does_not_have_are_mended_by_another() -> None:
    facts = having(disks(), hard_links=HardLinks(works=False, why="exfat has none"))
    (found,) = findings_of("disk", "disk.hard-links", facts)
    assert "ENVKIT_HOME=DIR" in str(found.fix) and "UV_CACHE_DIR" not in str(found.fix)


def test_links_that_nobody_could_try_are_not_judged() -> None:
    assert findings_of("disk", "disk.hard-links", having(disks(), hard_links=HardLinks())) == ()


def test_environments_across_the_network_are_told_with_what_moves_them() -> None:
    facts = disks(
        None, "environments", "uv cache", "runs", is_network=True, mount="/home", file_system="nfs4"
    )
    (found,) = findings_of("disk", "disk.network", facts)
    assert found.severity == "warn"
    assert "nfs4" in shown(found)
    assert found.fix == "Take a disk of this machine: export ENVKIT_HOME=DIR UV_CACHE_DIR=DIR"


def test_runs_across_the_network_are_well() -> None:
    assert findings_of("disk", "disk.network", disks(None, "runs", "hub cache", is_network=True)) == ()


def test_disks_of_older_facts_have_no_purpose_and_are_not_judged() -> None:
    plain = Disk(path="/", existing="/", total=10, free=0)
    facts = having(cpu_machine(), disks=(plain,), hard_links=HardLinks(works=False))
    for check_id in IDS[:3]:
        assert findings_of("disk", check_id, facts) == ()
    assert len(findings_of("disk", "disk.hard-links", facts)) == 1


def test_disk_that_does_not_answer_is_not_called_well() -> None:
    silent = Unread(what="/net/cache", why="no answer in 3 s", part="disks")
    kernel = Unread(what="/proc/self/mountinfo", why="Permission denied", part="disks")
    for check_id in ("disk.space", "disk.inodes", "disk.writable", "disk.hard-links", "disk.network"):
        (found,) = findings_of("disk", check_id, cpu_machine(unread=(silent, kernel)))
        assert isinstance(found, Unmade) and "/net/cache: no answer in 3 s" in found.summary
