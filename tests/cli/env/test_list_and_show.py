"""`envkit env list` and `env show`: what they tell of environments that are stored."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import echo_request
from environments.stored import build_for, wanted

from envkit.cli.env.list import short_time
from envkit.environments.store import change_environment
from envkit.runs.folder import create_run

if TYPE_CHECKING:
    from pathlib import Path

NAME = "ner-py3.11-torch2.13.0-cpu"


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Store one environment and return the name under which it is found."""
    want = wanted(name=NAME, plugins=(), envkit=None)
    change_environment(
        tmp_path / "home",
        NAME,
        is_fit=lambda prefix, record: "not made yet",
        build=build_for(want),
        say=lambda text: None,
    ).release()
    return tmp_path / "home/envs" / NAME


def test_list_fits_a_line_of_80(envkit_here: Any, stored: Path) -> None:
    head, row, *_ = envkit_here("env", "list").stdout.splitlines()
    assert head.split() == ["ENVIRONMENT", "KIND", "PYTHON", "TORCH", "TASKS", "SIZE", "USED"]
    assert row.split()[:5] == [NAME, "venv", "3.11", "-", "-"]
    assert len(row) <= 80


def test_list_of_none_says_how_one_is_made(envkit_here: Any) -> None:
    assert "envkit env create NAME --task ner" in envkit_here("env", "list").stdout


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 22, 9, 5), "09:05"),
        (datetime(2026, 11, 2, 9, 5), "Nov 2"),
        (datetime(2025, 11, 22, 9, 5), "2025-11-22"),
    ],
)
def test_time_is_as_short_as_it_can_be(moment: datetime, text: str) -> None:
    assert short_time(moment, now=datetime(2026, 11, 22, 14, 0)) == text


def test_show_tells_runs_packages_and_the_command_that_makes_one_like_it(
    envkit_here: Any, data_of: Any, stored: Path, tmp_path: Path
) -> None:
    real = stored.resolve()
    for python in (real / "bin/python", stored / "bin/python", tmp_path / "elsewhere/bin/python"):
        request = echo_request()
        environment = msgspec.structs.replace(request.environment, kind="venv", name=NAME, python=str(python))
        create_run(msgspec.structs.replace(request, environment=environment), runs_dir=tmp_path / "runs")
    data = data_of(envkit_here("env", "show", NAME, "--json"))
    assert [run["task"] for run in data["runs"]] == ["echo", "echo"]  # the third was in another store's
    assert (data["folder"], data["prefix"]) == (str(stored), str(real))
    assert data["command"] == f"envkit env create {NAME} --with tiny==1.5"
    assert data["stale"] is None
    shown = envkit_here("env", "show", NAME, "--packages").stdout
    assert "fits         yes" in shown
    assert shown.endswith("Packages:\n  tiny 1.5\n")


def test_show_of_one_whose_packages_were_changed_says_so(envkit_here: Any, stored: Path) -> None:
    (info,) = stored.glob("lib/python*/site-packages/tiny-1.5.dist-info")
    info.rename(info.with_name("tiny-1.4.dist-info"))
    shown = envkit_here("env", "show", NAME)
    assert "no longer: packages in it were changed: tiny" in shown.stdout
    assert f"envkit env sync {NAME}" in shown.stdout


def test_show_of_an_unknown_one_names_the_nearest(envkit_here: Any, stored: Path) -> None:
    done = envkit_here("env", "show", "ner")
    assert done.returncode == 6
    assert NAME in done.stderr
