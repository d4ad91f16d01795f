"""What a choice says besides: sizes, endings, what is beyond the table, what was never tried."""

from __future__ import annotations

import msgspec
import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envkit.torchbuild import LocalWheel, choose_torch_build, load_table

RANGE = SpecifierSet(">=2.6,<3")


def choose(facts, *, specifier=RANGE, python="3.12", **options):
    return choose_torch_build(facts, specifier=specifier, python=python, **options)


@pytest.mark.parametrize(
    ("capabilities", "machine", "python", "endings"),
    [
        pytest.param(["7.0"], {"driver": "580.1"}, "3.12", ["this GPU from torch 2.15 on"], id="V100"),
        pytest.param(["7.0"], {"driver": "535.1"}, "3.12", ["this GPU from torch 2.15 on"], id="V100, older driver"),
        pytest.param(["8.0"], {"driver": "535.1"}, "3.12", ["driver 535.1 from torch 2.15 on"], id="A100, older driver"),
        pytest.param(["8.0"], {"driver": "470.1"}, "3.12", ["driver 470.1 from torch 2.8 on"], id="A100, old driver"),
        pytest.param(["7.0", "12.0"], {"driver": "580.1"}, "3.12", ["GPU 0 (compute capability 7.0) from torch 2.15 on", "all these GPUs together from torch 2.11 on"], id="one of two"),
        pytest.param(["7.5", "12.0"], {"driver": "580.1"}, "3.12", [], id="nothing ends"),
        pytest.param([], {}, "3.10", ["Python 3.10 from torch 2.15 on"], id="Python"),
        pytest.param([], {"system": "darwin", "machine": "arm64", "os_version": "13.6"}, "3.12", ["macOS 13.6 from torch 2.12 on"], id="macOS"),
        pytest.param([], {}, "3.12", [], id="CPU"),
    ],
)  # fmt: skip
def test_endings_name_what_newer_releases_no_longer_serve(make_facts, capabilities, machine, python, endings):
    build = choose(make_facts(*capabilities, **machine), python=python)
    assert list(build.endings) == [f"no wheels for {each}" for each in endings]


def test_endings_are_told_too_where_the_range_is_older(make_facts):
    build = choose(make_facts("7.0", driver="580.1"), specifier=SpecifierSet("<2.9"))
    assert build.version == "2.8.0+cu129"
    assert build.endings == ("no wheels for this GPU from torch 2.15 on",)


@pytest.mark.parametrize(
    ("capabilities", "driver", "words"),
    [
        (["8.0"], "999.1", "Driver 999.1 is newer"),
        (["13.0"], "580.1", "compiled when a program first starts"),
        (["12.4"], "580.1", "It runs the code for its own kind"),
    ],
)
def test_what_is_newer_than_the_table_is_served_and_said(make_facts, capabilities, driver, words):
    build = choose(make_facts(*capabilities, driver=driver))
    assert build.variant == "cu132"
    assert build.is_beyond_table
    assert any(words in note for note in build.notes)


def test_torch_newer_than_the_table_is_taken_from_find_links_and_said(make_facts):
    wheel = LocalWheel(
        version="2.99.0+cu132",
        location="/wheels",
        filename="torch-2.99.0+cu132-cp312-cp312-manylinux_2_28_x86_64.whl",
    )
    build = choose(make_facts("8.0", driver="580.1"), wheels=[wheel])
    assert (build.version, build.is_beyond_table) == ("2.99.0+cu132", True)
    assert any("torch 2.99.0+cu132 is newer" in note for note in build.notes)


def test_what_the_table_knows_is_not_beyond_it(make_facts):
    build = choose(make_facts("12.1", driver="600.1"))
    assert not build.is_beyond_table
    assert build.notes == ()


@pytest.mark.parametrize(
    ("specifier", "machine", "is_proven"),
    [("==2.13.*", "x86_64", True), ("==2.15.*", "x86_64", False), ("==2.13.*", "aarch64", False)],
)
def test_only_what_was_run_is_proven(make_facts, specifier, machine, is_proven):
    assert choose(make_facts(machine=machine), specifier=SpecifierSet(specifier)).is_proven == is_proven


def test_wsl_is_told_whose_driver_counts(make_facts):
    build = choose(make_facts("8.0", driver="581.1", is_wsl=True))
    assert any("the driver is the one of Windows" in note for note in build.notes)
    assert choose(make_facts(is_wsl=True)).notes == ()


def test_sizes_of_default_wheels_are_measured_and_others_estimates(make_facts):
    default = choose(make_facts("12.0", driver="580.1"))
    assert not default.is_size_estimate
    assert 2.8e9 < default.download < 3.3e9 < default.disk
    other = choose(make_facts("7.0", driver="580.1"))
    assert other.is_size_estimate
    assert other.download > 1e9


def test_every_build_of_the_table_has_a_size():
    table = load_table()
    for row in table.builds:
        for system in row.systems:
            version = Version(f"{row.torch[0]}.0")
            size = table.find_size(version, row.variant, system=system, machine=row.machine)
            assert size is not None, (row.torch, row.variant, system, row.machine)
            assert 0 < size.download < size.disk


def test_records_written_before_sizes_and_endings_still_read():
    old = {"version": "2.13.0+cpu", "variant": "cpu", "source": "torch index", "location": "", "python": "3.11", "reason": ""}  # fmt: skip
    from envkit.torchbuild import TorchBuild

    assert msgspec.convert(old, TorchBuild).endings == ()
