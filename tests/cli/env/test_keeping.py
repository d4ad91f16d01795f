"""Which Python and torch a change keeps."""

from __future__ import annotations

import msgspec
import pytest
from environments.stored import record_of, wanted

from envkit.cli.env.keeping import keep_model, keep_python, keep_torch
from envkit.environments.records import EnvSpec
from envkit.torchbuild import TorchBuild

TORCH = TorchBuild(
    version="2.8.0+cu126", variant="cu126", source="torch index", location="", python="3.11", reason="it fits"
)
RECORD = record_of(wanted(torch=TORCH), generation=1)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("", "3.11"),
        (">=3.10", "3.11"),
        ("3.11", "3.11"),
        ("3.11.6", "3.11.6"),
        ("3.12", "3.12"),
        (">=3.12", ">=3.12"),
    ],
)
def test_python_stays_where_the_words_leave_it_open(asked: str, kept: str) -> None:
    assert keep_python(EnvSpec(python=asked), RECORD) == EnvSpec(python=kept)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("", "2.8.0"),
        ("auto", "2.8.0"),
        (">=2.7", "2.8.0"),
        ("cpu", "2.8.0+cpu"),
        ("2.8.0+cu128", "2.8.0+cu128"),
        (">=2.9", ">=2.9"),
        ("2.9.0+cpu", "2.9.0+cpu"),
    ],
)
def test_torch_stays_where_the_words_leave_it_open(asked: str, kept: str) -> None:
    assert keep_torch(EnvSpec(torch=asked), RECORD) == EnvSpec(torch=kept)


def test_torch_is_not_asked_for_where_there_was_none() -> None:
    assert keep_torch(EnvSpec(tasks=("ner",)), record_of(wanted(), generation=1)).torch == ""


def test_package_of_the_model_stays_and_those_of_the_host_are_no_model() -> None:
    record = msgspec.structs.replace(
        RECORD, without_dependencies=("envkit-ml", "envkit-echo", "model==0.1.0")
    )
    assert keep_model(EnvSpec(), record).model_packages == ("model==0.1.0",)
    assert keep_model(EnvSpec(model_packages=("mine",)), record).model_packages == ("mine",)
