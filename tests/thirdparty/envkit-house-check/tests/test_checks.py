from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from envkit.api import CheckContext
from envkit.api.facts import Memory, Pip, PipSetting
from envkit.testing import check_doctor_check, fake_facts
from envkit_house_check.extension import envkit_checks

if TYPE_CHECKING:
    from envkit.api import Check, Finding

CHECKS = {check.id: check for check in envkit_checks()}
SMALL = fake_facts(memory=8 * 10**9)
BOUND = fake_facts(memory=64 * 10**9)
BOUND = msgspec.structs.replace(BOUND, memory=Memory(total=64 * 10**9, limit=4 * 10**9))


def told(timeout: str | None, *, source: str = "/home/ada/.config/pip/pip.conf", **more: str) -> Pip:
    settings = () if timeout is None else (PipSetting(name="timeout", value=timeout, source=source),)
    return Pip(version="26.1", settings=settings, **more)


WRONG = {
    "house.memory": [SMALL, BOUND],
    "house.pip-timeout": [fake_facts(pip=told(None)), fake_facts(pip=told("15"))],
}
WELL = {
    "house.memory": [fake_facts(memory=16 * 10**9)],
    "house.pip-timeout": [fake_facts(pip=told("60")), fake_facts(pip=told("90.5"))],
}


def only(check: Check, pip: Pip) -> Finding:
    (finding,) = check.run(CheckContext(facts=fake_facts(pip=pip)))
    return finding


@pytest.mark.parametrize("name", CHECKS)
def test_check_keeps_what_every_check_promises(name: str) -> None:
    check_doctor_check(CHECKS[name], wrong=WRONG[name], well=WELL[name])


def test_timeout_of_a_file_is_mended_by_a_command() -> None:
    finding = only(CHECKS["house.pip-timeout"], told("15"))
    assert finding.safe_fix[1:] == ("-m", "pip", "config", "--user", "set", "global.timeout", "60")


@pytest.mark.parametrize(
    "pip", [told("15", source="PIP_TIMEOUT"), Pip()], ids=["a variable says it", "there is no pip"]
)
def test_timeout_that_no_command_can_mend_has_none(pip: Pip) -> None:
    assert only(CHECKS["house.pip-timeout"], pip).safe_fix == ()


def test_configuration_that_cannot_be_read_is_left_to_envkit() -> None:
    context = CheckContext(facts=fake_facts(pip=told(None, problem="line 3 is broken")))
    assert list(CHECKS["house.pip-timeout"].run(context)) == []
