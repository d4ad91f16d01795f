from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.machine.conda_tools import read_conda
from envkit.machine.files import Files

if TYPE_CHECKING:
    from pathlib import Path


def add_prefix(prefix: Path, *packages: str, programs: tuple[str, ...] = ("bin/conda",)) -> Path:
    """Write a prefix with records of packages and programs that must not be started."""
    records = prefix / "conda-meta"
    records.mkdir(parents=True)
    for package in packages:
        (records / f"{package}.json").write_text("{")
    for program in programs:
        add_program(prefix / program)
    return prefix


def add_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexit 70\n")
    path.chmod(0o755)
    return path


def read(root: Path, files: Files | None = None, **variables: str):
    return read_conda(files or Files(root), environ={"HOME": str(root / "home"), **variables})


def test_conda_in_none_of_the_places_is_not_there(tmp_path):
    assert read(tmp_path, PATH="") == ()
    assert read(tmp_path, PATH=f"{tmp_path}/none:/x\x00y", CONDA_EXE="/x/conda") == ()


@pytest.mark.parametrize(
    "place", ["home/miniconda3", "home/miniforge3", "opt/conda", "opt/homebrew/Caskroom/miniconda3/base"]
)
def test_conda_in_a_usual_folder_has_the_version_of_its_record(tmp_path, place):
    prefix = add_prefix(tmp_path / place, "conda-libmamba-solver-25.4.0-pyhd_0", "conda-25.5.1-py312h_0")
    (tool,) = read(tmp_path)
    assert (tool.name, tool.path, tool.version) == ("conda", f"{prefix}/bin/conda", "25.5.1")


def test_conda_that_is_reached_by_several_ways_is_told_once(tmp_path):
    programs = ("bin/conda", "condabin/conda", "bin/mamba")
    prefix = add_prefix(tmp_path / "opt/conda", "conda-25.5.1-0", "mamba-2.3.0-h_0", programs=programs)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/conda").symlink_to(prefix / "bin/conda")
    tools = read(tmp_path, PATH=f"{tmp_path}/bin:{prefix}/condabin", CONDA_EXE=f"{prefix}/bin/conda")
    assert [(tool.name, tool.path, tool.version) for tool in tools] == [
        ("conda", f"{tmp_path}/bin/conda", "25.5.1"),
        ("mamba", f"{prefix}/bin/mamba", "2.3.0"),
    ]


def test_conda_twice_is_both_the_one_on_path_first(tmp_path):
    first = add_prefix(tmp_path / "first", "conda-24.1.0-0")
    second = add_prefix(tmp_path / "opt/conda", "conda-25.5.1-0")
    tools = read(tmp_path, PATH=f"{first}/bin")
    assert [tool.path for tool in tools] == [f"{first}/bin/conda", f"{second}/bin/conda"]


def test_programs_of_their_own_are_found_without_a_version(tmp_path):
    micromamba = add_program(tmp_path / "home/.local/bin/micromamba")
    pixi = add_program(tmp_path / "home/.pixi/bin/pixi")
    other = add_program(tmp_path / "x/my-mamba")
    tools = read(tmp_path, MAMBA_EXE=str(other))
    assert [(tool.name, tool.path, tool.version) for tool in tools] == [
        ("micromamba", str(other), None),
        ("micromamba", str(micromamba), None),
        ("pixi", str(pixi), None),
    ]


def test_program_of_homebrew_has_the_version_of_its_folder(tmp_path):
    program = add_program(tmp_path / "Cellar/micromamba/2.3.0_1/bin/micromamba")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/micromamba").symlink_to(program)
    (tool,) = read(tmp_path, PATH=f"{tmp_path}/bin")
    assert tool.version == "2.3.0"


def test_program_that_pixi_installed_has_the_version_of_its_environment(tmp_path):
    add_program(tmp_path / "home/.pixi/bin/conda")
    add_prefix(tmp_path / "home/.pixi/envs/conda", "conda-25.5.1-0", programs=())
    (tool,) = read(tmp_path)
    assert tool.version == "25.5.1"


def test_file_that_is_no_program_is_left_out(tmp_path):
    (tmp_path / "home/.local/bin/pixi").mkdir(parents=True)
    (tmp_path / "home/.local/bin/conda").write_text("")
    assert read(tmp_path) == ()


@pytest.mark.parametrize(
    ("text", "solver"),
    [
        ("solver: classic\n", "classic"),
        ("channels:\n  - conda-forge\nsolver:   'libmamba'  # fast\n", "libmamba"),
        ("experimental_solver: rattler\n", "rattler"),
        ("# solver: classic\n  solver: nested\n", None),
        ("solver:\n", None),
        ("", None),
    ],
)
def test_solver_is_the_word_of_the_configuration(tmp_path, text, solver):
    add_prefix(tmp_path / "opt/conda", "conda-25.5.1-0")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.condarc").write_text(text)
    (tool,) = read(tmp_path)
    assert tool.solver == solver


def test_solver_of_the_strongest_place_counts(tmp_path):
    prefix = add_prefix(tmp_path / "opt/conda", "conda-25.5.1-0")
    active = tmp_path / "active"
    expected = []
    for place, word in [
        (tmp_path / "etc/conda/.condarc", "system"),
        (prefix / ".condarc", "prefix"),
        (tmp_path / "home/.config/conda/condarc.d/a.yaml", "user"),
        (tmp_path / "home/.condarc", "home"),
        (active / ".condarc", "active"),
    ]:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"solver: {word}\n")
        expected.append(word)
        (tool,) = read(tmp_path, CONDA_PREFIX=str(active))
        assert tool.solver == word
    (tmp_path / "named").write_text("solver: named\n")
    assert read(tmp_path, CONDARC=str(tmp_path / "named"))[0].solver == "named"
    assert read(tmp_path, CONDA_SOLVER="variable")[0].solver == "variable"


def test_configuration_that_cannot_be_read_is_noted(tmp_path):
    add_prefix(tmp_path / "opt/conda", "conda-25.5.1-0")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    files = Files(tmp_path)
    (tool,) = read(tmp_path, files, CONDARC=str(tmp_path / "loop"))
    assert tool.solver is None
    assert [each.what for each in files.unread] == [str(tmp_path / "loop")]
