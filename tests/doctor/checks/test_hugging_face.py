from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from doctor.finding import findings_of, shown
from doctor.machines import change, cpu_machine, mac, well_machines, with_variables, wsl

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api.facts import MachineFacts

TOKEN = "/home/ada/.cache/huggingface/token"


@pytest.mark.parametrize("check_id", ["hub.offline", "hub.mirror", "hub.token-file"])
@pytest.mark.parametrize("name", sorted(well_machines()))
def test_hub_of_a_well_machine_is_not_spoken_of(name: str, check_id: str) -> None:
    assert findings_of("hugging_face", check_id, well_machines()[name]) == ()


def test_hub_that_is_switched_off_is_said_with_the_variable() -> None:
    facts = with_variables(change(cpu_machine(), "hugging_face", is_offline=True), HF_HUB_OFFLINE="1")
    (found,) = findings_of("hugging_face", "hub.offline", facts)
    assert found.severity == "info"
    assert "HF_HUB_OFFLINE=1" in found.evidence
    assert "unset HF_HUB_OFFLINE" in str(found.fix)


@pytest.mark.parametrize(
    ("endpoint", "is_told"),
    [("https://hub.corp.example", True), ("https://huggingface.co/", False), (None, False)],
)
def test_mirror_of_the_hub_is_said(endpoint: str | None, is_told: bool) -> None:
    found = findings_of(
        "hugging_face", "hub.mirror", change(cpu_machine(), "hugging_face", endpoint=endpoint)
    )
    assert [each.severity for each in found] == (["info"] if is_told else [])


def with_token(mode: str | None, *, path: str = TOKEN, facts: MachineFacts | None = None) -> MachineFacts:
    return change(facts or cpu_machine(), "hugging_face", token_file=path, token_file_mode=mode)


@pytest.mark.parametrize("mode", ["644", "640", "604", "666", "777", "660"])
@pytest.mark.parametrize("machine", [cpu_machine, mac, wsl])
def test_token_that_others_may_read_is_closed_by_a_safe_command(
    machine: Callable[[], MachineFacts], mode: str
) -> None:
    (found,) = findings_of("hugging_face", "hub.token-file", with_token(mode, facts=machine()))
    assert found.severity == "warn"
    assert found.safe_fix == ("chmod", "600", "--", TOKEN)
    assert found.fix == f"chmod 600 -- {TOKEN}"
    assert mode in shown(found)


@pytest.mark.parametrize("mode", ["600", "400", "700", None, "", "?"])
def test_token_that_only_its_owner_may_read_is_well(mode: str | None) -> None:
    assert findings_of("hugging_face", "hub.token-file", with_token(mode)) == ()


def test_token_on_a_disk_of_windows_is_not_judged_by_a_mode_that_means_nothing() -> None:
    path = "/mnt/c/Users/ada/.cache/huggingface/token"
    assert findings_of("hugging_face", "hub.token-file", with_token("777", path=path, facts=wsl())) == ()
    (found,) = findings_of("hugging_face", "hub.token-file", with_token("777", path=path))
    assert found.severity == "warn"  # a Linux may have /mnt/c too


def test_token_in_a_folder_with_spaces_is_quoted() -> None:
    (found,) = findings_of("hugging_face", "hub.token-file", with_token("644", path="/srv/my hub/token"))
    assert found.fix == "chmod 600 -- '/srv/my hub/token'"
