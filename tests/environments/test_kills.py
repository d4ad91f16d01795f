"""Hard stops and crowds, with the real command and real environments; more of both in benchmarks/."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from conda_channel import require_conda
from environments.kills import Workplace, kill_changes, kill_creations, make_workplace, together

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
_KILLS = 2


@pytest.fixture(params=["venv", "conda"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Workplace:
    if request.param == "conda":
        require_conda()
    return make_workplace(tmp_path / "a place", backend=request.param, parts=5 * _KILLS)


def test_creation_that_is_killed_leaves_nothing_half_made_and_the_next_succeeds(place: Workplace) -> None:
    dice = random.Random(5)
    kills = list(kill_creations(place, kills=_KILLS, dice=dice))
    assert len(kills) == _KILLS


def test_change_that_is_killed_leaves_the_old_environment_and_the_next_succeeds(place: Workplace) -> None:
    dice = random.Random(5)
    kills = list(kill_changes(place, kills=_KILLS, dice=dice))
    assert len(kills) == _KILLS


def test_environment_that_many_make_at_once_is_made_once(place: Workplace) -> None:
    assert together(place, ["one"] * 6) == {"one": 1}


def test_environments_made_at_once_are_all_made(place: Workplace) -> None:
    names = [f"env-{number}" for number in range(6)]
    assert together(place, names) == dict.fromkeys(names, 1)
