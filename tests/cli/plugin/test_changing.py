"""`envkit plugin install` and `remove` on the screen: what they refuse, and what they show before they do it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("install", "envkit-ml"), "envkit itself"),
        (("install", "./absent"), "no file or folder"),
        (("install", "not a name"), "neither the name"),
        (("install",), "Missing argument"),
        (("remove", "envkit-ml"), "envkit itself"),
        (("remove", "click"), "no plugin 'click'"),
        (("remove", "nerr"), "Did you mean 'ner'?"),
        (("remove", "ner"), "--yes"),
    ],
)
def test_command_that_makes_no_sense_is_refused_with_what_to_do(
    words: tuple[str, ...], says: str, envkit_here: Callable[..., Any]
) -> None:
    done = envkit_here("plugin", *words)

    assert done.returncode == 2
    assert says in done.stderr


def test_removal_is_shown_and_not_done_in_a_dry_run(envkit_here: Callable[..., Any]) -> None:
    done = envkit_here("plugin", "remove", "ner", "--dry-run")
    data = json.loads(envkit_here("plugin", "remove", "ner", "--dry-run", "--json").stdout)["data"]

    assert done.returncode == 0
    assert "uninstall" in done.stderr
    assert "Nothing was removed" in done.stdout
    assert (data["dry_run"], data["plugins"][0]["name"], data["plugins"][0]["gives"]) == (
        True,
        "envkit-ner",
        ["task ner"],
    )
    assert data["cmds"][0][-1] == "envkit-ner"


@pytest.mark.slow
def test_plugin_that_is_here_is_installed_no_second_time(
    envkit_with: Callable[[Path], Callable[..., Any]], tmp_path: Path
) -> None:
    done = envkit_with(tmp_path)("plugin", "install", "ner")

    assert done.returncode == 0, done.stderr
    assert "envkit-ner 0.1.0 is here already" in done.stderr
    assert "the task ner" in done.stdout
