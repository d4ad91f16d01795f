from __future__ import annotations

from dataclasses import replace

import pytest
from doctor.finding import findings_of, shown
from doctor.machines import cpu_machine, well_machines, with_variables
from doctor.machines import surroundings as usual_surroundings

from envkit.api.facts import CondaTool, MachineFacts, Pip, PipSetting, Uv

IDS = ("installer.uv", "installer.pip-configuration", "installer.conda")


def pip(*settings: tuple[str, str], source: str = "/etc/pip.conf") -> MachineFacts:
    said = tuple(PipSetting(name=name, value=value, source=source) for name, value in settings)
    return cpu_machine(pip=Pip(version="25.1", settings=said))


@pytest.mark.parametrize("check_id", IDS)
@pytest.mark.parametrize("name", sorted(well_machines()))
def test_installers_of_a_well_machine_are_not_spoken_of(name: str, check_id: str) -> None:
    assert findings_of("installers", check_id, well_machines()[name]) == ()


@pytest.mark.parametrize(
    ("uv", "says", "fix"),
    [
        (Uv(), "not beside", "-m pip install --force-reinstall uv"),
        (Uv(path="/x/uv", version="0.4.2"), "too old", "-m pip install --upgrade uv"),
    ],
)
def test_uv_that_cannot_serve_is_installed_anew(uv: Uv, says: str, fix: str) -> None:
    (found,) = findings_of("installers", "installer.uv", cpu_machine(uv=uv))
    assert found.severity == "error"
    assert says in found.summary
    assert str(found.fix).endswith(fix)


@pytest.mark.parametrize("version", [None, "0.9", "0.13.9", "1.0", "unknown"])
def test_uv_of_any_later_version_is_well(version: str | None) -> None:
    facts = cpu_machine(uv=Uv(path="/x/uv", version=version))
    assert findings_of("installers", "installer.uv", facts) == ()


def test_pip_configuration_that_cannot_be_read_is_told_alone() -> None:
    facts = cpu_machine(pip=Pip(problem="/etc/pip.conf:3: this line is neither"))
    (found,) = findings_of("installers", "installer.pip-configuration", facts)
    assert found.severity == "error"
    assert "/etc/pip.conf:3" in shown(found) and "PIP_CONFIG_FILE=/dev/null" in shown(found)


@pytest.mark.parametrize(
    ("settings", "severity", "fix"),
    [
        ([("trusted-host", "index.corp")], "warn", "pip config unset global.trusted-host"),
        (
            [("index-url", "http://index.corp/simple")],
            "warn",
            "pip config set global.index-url https://index.corp/simple",
        ),
        ([("extra-index-url", "https://a/ http://b/")], "warn", "global.extra-index-url https://b/"),
        ([("no-index", "true")], "error", "pip config set global.find-links DIR"),
        ([("no-binary", ":all:")], "error", "PIP_NO_BINARY"),
        ([("no-binary", "numpy,torch")], "error", "PIP_NO_BINARY"),
    ],
)
def test_pip_setting_that_is_risky_is_told_with_its_source(
    settings: list[tuple[str, str]], severity: str, fix: str
) -> None:
    (found,) = findings_of("installers", "installer.pip-configuration", pip(*settings))
    assert found.severity == severity
    assert fix in str(found.fix)
    assert "/etc/pip.conf" in shown(found)


@pytest.mark.parametrize(
    "settings",
    [
        [("index-url", "http://localhost:3141/root/simple")],
        [("index-url", "file:///srv/wheels")],
        [("index-url", "http://[::1/")],
        [("no-index", "true"), ("find-links", "/srv/wheels")],
        [("no-index", "false")],
        [("no-binary", "numpy")],
    ],
)
def test_pip_setting_that_is_safe_is_not_spoken_of(settings: list[tuple[str, str]]) -> None:
    assert findings_of("installers", "installer.pip-configuration", pip(*settings)) == ()


def test_variable_that_moves_what_pip_installs_is_unset() -> None:
    facts = with_variables(cpu_machine(), PIP_TARGET="/srv/packages")
    (found,) = findings_of("installers", "installer.pip-configuration", facts)
    assert (found.severity, found.fix) == ("warn", "unset PIP_TARGET")


@pytest.mark.parametrize(
    ("version", "solver", "is_told"),
    [
        ("24.1.0", "classic", True),
        ("24.1.0", "libmamba", False),
        ("24.1.0", None, False),
        ("22.9.0", None, True),
        ("22.9.0", "libmamba", False),
        (None, None, False),
    ],
)
def test_classic_solver_of_conda_is_told(version: str | None, solver: str | None, is_told: bool) -> None:
    tool = CondaTool(name="conda", path="/opt/conda/bin/conda", version=version, solver=solver)
    found = findings_of("installers", "installer.conda", cpu_machine(conda=(tool,)))
    assert [each.severity for each in found] == (["info"] if is_told else [])


def test_classic_solver_is_mended_by_one_safe_command() -> None:
    tool = CondaTool(name="conda", path="/opt/conda/bin/conda", version="24.1.0", solver="classic")
    (found,) = findings_of("installers", "installer.conda", cpu_machine(conda=(tool,)))
    assert found.fix == " ".join(found.safe_fix) == "/opt/conda/bin/conda config --set solver libmamba"


def test_find_links_that_give_no_answer_are_told_of_this_machine_alone() -> None:
    silent = replace(usual_surroundings(), silent_links=("the find-links file:///net/w: no answer in 3 s",))
    (found,) = findings_of("installers", "installer.pip-configuration", cpu_machine(), surroundings=silent)
    assert found.severity == "error" and "file:///net/w" in shown(found)
