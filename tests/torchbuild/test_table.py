from __future__ import annotations

import re

import pytest
from packaging.version import Version

from envkit.torchbuild import load_table

TABLE = load_table()
ROWS = [
    *TABLE.drivers,
    *TABLE.places,
    *TABLE.limits,
    *TABLE.releases,
    *TABLE.defaults,
    *TABLE.builds,
    *TABLE.sizes,
    *TABLE.partners,
]
VERSIONS = {version for release in TABLE.releases for version in release.versions}
MINORS = {re.sub(r"\.\d+$", "", version) for version in VERSIONS}


def test_table_rows_each_say_their_source():
    assert all(row.source and row.date.year >= 2026 for row in ROWS)


def test_table_rows_name_only_releases_that_exist():
    named = {torch for row in (*TABLE.defaults, *TABLE.builds, *TABLE.sizes) for torch in row.torch}
    assert MINORS <= named <= MINORS | VERSIONS


def test_table_says_that_only_the_cpu_build_of_2_13_was_ever_run():
    assert [(row.torch, row.variant, row.machine, row.systems) for row in TABLE.builds if row.run_on] == [
        (("2.13",), "cpu", "x86_64", ("linux",))
    ]
    assert not any(row.run_on for row in ROWS if row not in TABLE.builds)


@pytest.mark.parametrize(
    ("variant", "system", "machine"),
    [
        ("cpu", "linux", "x86_64"),
        ("cpu", "linux", "aarch64"),
        ("cpu", "windows", "x86_64"),
        ("cu132", "linux", "aarch64"),
        ("cu132", "windows", "x86_64"),
        ("rocm7.2", "linux", "x86_64"),
        ("xpu", "linux", "x86_64"),
        ("xpu", "windows", "x86_64"),
    ],
)
def test_table_has_rows_for_every_kind_of_machine(variant, system, machine):
    rows = [row for row in TABLE.builds if row.variant == variant and row.machine == machine]
    assert any(system in row.systems for row in rows)


def test_table_has_no_code_for_later_gpus_in_builds_for_windows():
    assert not [row for row in TABLE.builds if "windows" in row.systems and row.ptx]


def test_table_builds_need_only_known_drivers():
    majors = {int(row.variant[2:4]) for row in TABLE.builds if row.capabilities}
    assert majors == {row.cuda for row in TABLE.drivers}


def test_table_rows_answer_each_question_once():
    defaults = [(t, row.system, m) for row in TABLE.defaults for t in row.torch for m in row.machines]
    builds = [
        (t, row.machine, row.variant, system)
        for row in TABLE.builds
        for t in row.torch
        for system in row.systems
    ]
    versions = [version for release in TABLE.releases for version in release.versions]
    sizes = [(t, row.variant, row.system, row.machine) for row in TABLE.sizes for t in row.torch]
    for keys in (defaults, builds, versions, sizes):
        assert len(keys) == len(set(keys))


def test_table_has_a_default_for_every_release_and_system():
    for release in TABLE.releases:
        for version in release.versions:
            for row in release.systems:
                variant = TABLE.find_default(Version(version), system=row.system, machine=row.machine)
                assert variant
                if variant.startswith("cu"):
                    assert TABLE.find_build(Version(version), variant, machine=row.machine)


@pytest.mark.parametrize(
    ("version", "variant", "capabilities_of"),
    [
        ("2.14.1", "cu126", ("2.14.1", "cu126")),
        ("2.99.0", "cu132", ("2.15.0", "cu132")),
        ("2.99.0", "cu139", ("2.15.0", "cu132")),
        ("2.99.0", "cu126", ("2.14.1", "cu126")),
        ("2.99.0", "cu141", None),
        ("2.5.1", "cu121", None),
        ("2.14.1", "cu121", None),
        ("2.12.0", "cu129", None),
        ("2.12.1", "cu129", ("2.13.0", "cu129")),
    ],
)
def test_build_newer_than_the_table_is_taken_for_the_newest_like_it(version, variant, capabilities_of):
    build = TABLE.find_build(Version(version), variant, machine="x86_64")
    expected = capabilities_of and TABLE.find_build(
        Version(capabilities_of[0]), capabilities_of[1], machine="x86_64"
    )
    assert build == expected


def test_default_newer_than_the_table_is_taken_for_the_newest():
    assert TABLE.find_default(Version("3.0.0"), system="linux", machine="x86_64") == "cu132"
    assert TABLE.find_default(Version("1.13.0"), system="linux", machine="x86_64") is None
