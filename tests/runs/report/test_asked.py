"""Commands that ask for the same run again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from echo import echo_request
from hypothesis import given
from hypothesis import strategies as st

from envkit.runs.report.asked import home_of, run_command, show_asked, show_reproduce

HOME = Path("/home/ann/project")


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, "envkit run ner"),
        ({"epochs": 5, "learning_rate": 2e-4}, "envkit run ner --epochs 5 --learning-rate 0.0002"),
        ({"merge": True, "noise": False}, "envkit run ner --merge --no-noise"),
        ({"patience": None}, "envkit run ner"),
        ({"train": "/home/ann/project/my data/train.tsv"}, "envkit run ner --train 'my data/train.tsv'"),
        ({"train": "/data/train.tsv"}, "envkit run ner --train /data/train.tsv"),
    ],
)
def test_run_command(options: dict[str, Any], command: str) -> None:
    assert run_command("ner", options, home=HOME) == command


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200))
def test_run_command_quotes_whatever_a_value_holds(value: str) -> None:
    if "://" in value or value.startswith("/"):
        return

    words = shlex.split(run_command("ner", {"model": value}, home=None).replace("\\\n", " "))

    assert words == ["envkit", "run", "ner", "--model", value]


def test_show_asked_names_every_option_that_is_no_default_and_where_it_came_from() -> None:
    request = msgspec.structs.replace(
        echo_request(),
        options={"epochs": 5, "seed": 42, "steps": 3, "pause": 0.5},
        sources={
            "epochs": "ENVKIT_ECHO_EPOCHS",
            "seed": "default",
            "steps": "--steps",
            "pause": f"{HOME}/envkit.toml",
        },
    )

    asked = show_asked(request, home=HOME)

    assert [(fact.name, fact.value, fact.note) for fact in asked.options] == [
        ("--epochs", "5", "the variable ENVKIT_ECHO_EPOCHS"),
        ("--steps", "3", "the command line"),
        ("--pause", "0.5", "envkit.toml"),
    ]
    assert asked.left_at_default == 1


def test_show_asked_hides_a_password_in_an_address() -> None:
    request = msgspec.structs.replace(
        echo_request(), options={"model": "https://me:secret@hub.example/m"}, sources={"model": "--model"}
    )

    asked = show_asked(request, home=None)

    assert "secret" not in asked.command + asked.options[0].value


def test_show_reproduce_says_the_seed_even_where_it_is_the_default() -> None:
    request = msgspec.structs.replace(echo_request(), options={"seed": 42}, sources={"seed": "default"})

    again = show_reproduce(request, None, home=None)

    assert again.command == "envkit run echo --seed 42"
    assert again.versions == "envkit 0.1.0, envkit-echo 0.1.0"


def test_home_of_a_run_in_its_usual_place_is_where_it_was_started() -> None:
    assert home_of(HOME / "runs" / "x") == HOME
    assert home_of(Path("/somewhere/else")) is None
