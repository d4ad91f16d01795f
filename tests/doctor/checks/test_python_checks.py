from __future__ import annotations

import pytest
from doctor.judging import all_checks, judge, told
from doctor.machines import change, conda_machine, cpu_machine, having, with_variables
from packaging.specifiers import SpecifierSet

from envkit.api.checks import CheckContext
from envkit.api.facts import InstalledPackage, Interpreter, TorchSite

PATH_VARIABLE, HERE = "python.path-variable", cpu_machine()
SYSTEM = Interpreter(
    path="/usr/bin/python3",
    version="3.12.3",
    implementation="cpython",
    is_64bit=True,
    origin="system",
    prefix="/usr",
    base_prefix="/usr",
    externally_managed="/usr/lib/python3.12/EXTERNALLY-MANAGED",
)
OLD = change(HERE, "python", version="3.10.12")

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "an old Python and a newer one beside it": (
        "python.range",
        OLD,
        (
            "info",
            "The tasks do not take Python 3.10.12; envkit makes environments of another",
            (
                "Python 3.10.12 (/home/ada/work/.venv/bin/python)",
                "the installed tasks take Python >=3.11",
                "Python 3.12 is on PATH: /usr/bin/python3.12",
            ),
            None,
        ),
    ),
    "an old Python alone": (
        "python.range",
        having(OLD, interpreters=()),
        (
            "error",
            "The installed tasks need Python >=3.11, and there is none here",
            (
                "Python 3.10.12 (/home/ada/work/.venv/bin/python)",
                "the installed tasks take Python >=3.11",
            ),
            "uv python install 3.12   # and have it on PATH",
        ),
    ),
    "PyPy": (
        "python.range",
        change(HERE, "python", implementation="pypy"),
        (
            "error",
            "pypy 3.12.7 runs envkit, and torch has no wheels for it",
            ("Python 3.12.7 (/home/ada/work/.venv/bin/python)",),
            "uv python install 3.12   # then install envkit with that Python",
        ),
    ),
    "a 32-bit Python": (
        "python.word-size",
        change(HERE, "python", is_64bit=False),
        (
            "error",
            "This Python is a 32-bit program, and torch has wheels for 64 bits alone",
            ("Python 3.12.7 (/home/ada/work/.venv/bin/python)",),
            "uv python install 3.12   # then install envkit with that Python",
        ),
    ),
    "a system's own Python": (
        "python.externally-managed",
        having(HERE, python=SYSTEM),
        (
            "info",
            "This Python belongs to the system: pip does not install into it",
            (
                "/usr/lib/python3.12/EXTERNALLY-MANAGED",
                "Python 3.12.3 (/usr/bin/python3)",
            ),
            "envkit env create work   # then: envkit env sync work --with PACKAGE",
        ),
    ),
    "PYTHONPATH": (
        "python.path-variable",
        with_variables(HERE, PYTHONPATH="/usr/lib::/nothing/here:/usr"),
        (
            "info",
            "PYTHONPATH puts its modules before those of every environment",
            (
                "PYTHONPATH holds /usr/lib",
                "PYTHONPATH holds /usr",
            ),
            "unset PYTHONPATH   # and take it out of ~/.bashrc, ~/.profile or the like",
        ),
    ),
    "PYTHONHOME": (
        "python.path-variable",
        with_variables(HERE, PYTHONHOME="/opt/python"),
        (
            "warn",
            "PYTHONHOME makes every Python read another one's library",
            ("PYTHONHOME is /opt/python",),
            "unset PYTHONHOME   # and take it out of ~/.bashrc, ~/.profile or the like",
        ),
    ),
    "a user site": (
        "python.user-site",
        change(HERE, "python", user_site="/home/ada/.local/lib/python3.12/site-packages"),
        (
            "warn",
            "Python also loads packages from your home folder (user site)",
            ("/home/ada/.local/lib/python3.12/site-packages",),
            "export PYTHONNOUSERSITE=1",
        ),
    ),
    "a user site with torch in it": (
        "python.user-site",
        having(
            change(HERE, "python", user_site="/home/ada/.local/lib/python3.12/site-packages"),
            torch_sites=(
                TorchSite(
                    environment="",
                    path="/home/ada/.local/lib/python3.12/site-packages",
                    packages=(InstalledPackage(name="torch", version="2.4.0"),),
                ),
            ),
        ),
        (
            "warn",
            "Python also loads packages from your home folder (user site)",
            (
                "/home/ada/.local/lib/python3.12/site-packages",
                "torch 2.4.0 lies there",
            ),
            "export PYTHONNOUSERSITE=1",
        ),
    ),
    "a venv and conda active at once": (
        "python.conda-in-venv",
        with_variables(HERE, CONDA_PREFIX="/home/ada/miniforge3"),
        (
            "warn",
            "A venv and a conda environment are active at once: programs of both get mixed",
            (
                "VIRTUAL_ENV is /home/ada/work/.venv",
                "CONDA_PREFIX is /home/ada/miniforge3",
                "Python is /home/ada/work/.venv/bin/python",
            ),
            "conda deactivate   # or, to stay in conda's: deactivate",
        ),
    ),
    "a venv of conda's Python": (
        "python.conda-in-venv",
        change(HERE, "python", origin="conda", base_prefix="/home/ada/miniforge3"),
        (
            "info",
            "This venv is made of conda's Python and breaks when that is updated or removed",
            (
                "venv /home/ada/work/.venv",
                "made of /home/ada/miniforge3",
            ),
            None,
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "a Python in range": ("python.range", HERE),
    "a version that cannot be read": ("python.range", change(HERE, "python", version="unknown")),
    "a 64-bit Python": ("python.word-size", HERE),
    "a venv of a system's own Python": (
        "python.externally-managed",
        change(HERE, "python", externally_managed="/usr/lib/python3.12/EXTERNALLY-MANAGED"),
    ),
    "an empty PYTHONPATH": ("python.path-variable", with_variables(HERE, PYTHONPATH="")),
    "no user site": ("python.user-site", HERE),
    "conda alone": ("python.conda-in-venv", conda_machine()),
    "a venv alone": ("python.conda-in-venv", HERE),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_python_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_python_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []


def test_python_path_variable_warns_of_packages_that_installers_put_there(tmp_path):
    folder = tmp_path / "ros/lib/python3/site-packages"
    folder.mkdir(parents=True)
    (finding,) = judge(PATH_VARIABLE, with_variables(HERE, PYTHONPATH=str(folder)))
    assert finding.severity == "warn"


def test_python_path_variable_with_folders_that_are_not_there_is_told_of_other_machines_alone():
    facts = with_variables(HERE, PYTHONPATH="/nothing/here")
    assert judge(PATH_VARIABLE, facts) == []
    check = all_checks()[PATH_VARIABLE]
    (finding,) = check.run(CheckContext(facts=facts, is_elsewhere=True))
    assert finding.severity == "info"


def test_python_range_names_a_python_that_the_tasks_take():
    (finding,) = judge(
        "python.range", having(HERE, interpreters=()), wanted_python=SpecifierSet(">=3.13,<3.14")
    )
    assert finding.fix == "uv python install 3.13   # and have it on PATH"
