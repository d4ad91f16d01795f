"""`envkit plugin info`: everything of one plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.slow
@pytest.mark.parametrize("name", ["echo", "envkit-echo", "Envkit_Echo"])
def test_info_finds_a_plugin_by_any_of_its_names(
    name: str, envkit_here: Callable[..., Any], echo_environ: dict[str, str]
) -> None:
    done = envkit_here("plugin", "info", name, "--json", PYTHONPATH=echo_environ["PYTHONPATH"])

    data = json.loads(done.stdout)["data"]
    (entry,) = data["entries"]
    assert (data["plugin"], entry["name"], entry["state"]) == ("envkit-echo", "echo", "ok")
    assert data["links"][0][0] == "Issues"
    assert "envkit_finetune" in {each["hook"] for each in entry["hooks"]}
    assert all(each["function"].partition(":")[2] for each in entry["hooks"])


def test_info_on_the_screen_shows_hooks_and_options(
    envkit_here: Callable[..., Any], echo_environ: dict[str, str]
) -> None:
    done = envkit_here("plugin", "info", "echo", PYTHONPATH=echo_environ["PYTHONPATH"])

    assert done.returncode == 0
    assert "envkit-echo 0.1.0" in done.stdout
    assert "--epochs" in done.stdout
    assert "envkit_echo.plugin:envkit_task" in done.stdout


@pytest.mark.parametrize(
    ("name", "says"), [("echos", "Did you mean 'echo'?"), ("envkit-ml", "envkit plugin list")]
)
def test_info_of_what_is_no_plugin_says_what_there_is(
    name: str, says: str, envkit_here: Callable[..., Any], echo_environ: dict[str, str]
) -> None:
    done = envkit_here("plugin", "info", name, PYTHONPATH=echo_environ["PYTHONPATH"])

    assert done.returncode == 2
    assert says in done.stderr
