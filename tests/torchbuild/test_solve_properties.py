"""Every choice, find-links and ranges included, held against the rules as they are stated a second time."""

from __future__ import annotations

import torch_rules
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from torch_rules import Cell, suits

from envkit.api import MachineError
from envkit.torchbuild import LocalWheel, choose_torch_build, judge_installed

CAPABILITIES = ["3.5", "3.7", "5.2", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "10.3", "11.0", "12.0", "13.0"]  # fmt: skip
DRIVERS = [None, "418.39", "450.80.2", "470.256.02", "525.60.13", "535.129.03", "575.51", "580", "600.10.5"]
WHEELS = [
    LocalWheel(version=version, location="/wheels", filename=f"torch-{version}-{python}-{python}-manylinux_2_28_{machine}.whl")
    for version in ("2.8.0+cpu", "2.12.1+cu126", "2.13.0", "2.14.1+cu132", "2.16.0+cu134")
    for python in ("cp311", "cp313")
    for machine in ("x86_64", "aarch64")
]  # fmt: skip


@settings(max_examples=2 * settings().max_examples)
@given(
    capabilities=st.lists(st.sampled_from(CAPABILITIES), max_size=4),
    driver=st.sampled_from(DRIVERS),
    machine=st.sampled_from(["x86_64", "aarch64"]),
    python=st.sampled_from(["3.9", "3.10", "3.11", "3.13", "3.14", "3.15", "3.16"]),
    bounds=st.tuples(st.integers(6, 16), st.integers(6, 17)),
    wheels=st.lists(st.sampled_from(WHEELS), max_size=3, unique=True),
)
def test_choice_meets_every_rule_and_none_better_does(
    make_facts, capabilities, driver, machine, python, bounds, wheels
):
    specifier = SpecifierSet(f">=2.{bounds[0]},<2.{bounds[1]}")
    gpus = capabilities if driver else []
    facts = make_facts(
        *(capabilities if driver else [None] * len(capabilities)), driver=driver, machine=machine
    )
    cell = Cell(tuple(gpus), driver or "0", "linux", machine, python)
    fitting = {
        (Version(".".join(map(str, build.torch))), build.variant)
        for build in torch_rules.wheels("linux", machine, python)
        if gpus and build.cuda and suits(build, cell)
    }
    fitting = {each for each in fitting if specifier.contains(each[0])}
    try:
        build = choose_torch_build(facts, specifier=specifier, python=python, wheels=wheels)
    except MachineError as error:
        assert not fitting
        assert error.message
        return
    version = Version(build.version)
    assert specifier.contains(version)
    assert judge_installed(facts, build.version, specifier=specifier, python=python) is None
    assert len(build.rejected) <= 3
    # What was chosen is not rejected too, but for a local wheel of the same build that is for another Python.
    rejected = {each.version for each in build.rejected if each.variant == build.variant}
    assert build.version not in rejected or build.version in {wheel.version for wheel in wheels}
    if build.source == "find-links":
        name = f"-cp{python.replace('.', '')}-manylinux_2_28_{machine}.whl"
        assert any(each.version == build.version and each.filename.endswith(name) for each in wheels)
        assert not (gpus and build.variant == "cpu" and fitting)
    elif gpus and fitting:
        assert (Version(version.public), build.variant) in fitting
        newest = max(each for each, _ in fitting)
        assert Version(version.public) == newest
        assert int(build.variant[2:]) == max(int(variant[2:]) for each, variant in fitting if each == newest)
    else:
        assert build.variant == "cpu"
