"""The skeleton has the shape of the plugins that come with envkit: what is true of them is true of it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from authoring.packages import read_project

from envkit.authoring.skeleton import make_plugin

PLUGINS_DIR = Path(__file__).parents[2] / "plugins"
BUILT_IN = ["classification", "ner", "qa", "sentiment"]
# What a repository of its own needs besides; that of the four is envkit's.
OF_A_REPOSITORY = {".github/workflows/ci.yml", ".gitignore", "tests/test_contract.py", "tox.ini"}
# What the four have besides, and an author can do without.
LEFT_OUT = {"scripts/make_sample.py", "src/PACKAGE/usage.py", "tests/conftest.py", "tests/test_usage.py"}


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plugin("mood", tmp_path_factory.mktemp("made") / "mood", summary="Moods", author="Ada").folder


@cache
def files(folder: Path) -> set[str]:
    (package,) = (folder / "src").glob("envkit_*")
    samples = {"train", "dev", "test"}
    found = set()
    for file in folder.rglob("*"):
        if file.is_file() and not {"__pycache__", ".ruff_cache"} & set(file.parts):
            name = file.relative_to(folder).as_posix().replace(package.name, "PACKAGE")
            found.add(name.rpartition(".")[0] if file.stem in samples else name)
    return found


def hooks(folder: Path) -> dict[str, list[str]]:
    (file,) = folder.glob("src/*/plugin.py")
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }


def keys(table: dict[str, Any]) -> set[str]:
    found = set()
    for name, value in table.items():
        found.add(name)
        if isinstance(value, dict) and name != "envkit.tasks":
            found |= {f"{name}.{key}" for key in keys(value)}
    return found


def test_files_of_the_skeleton_are_those_of_the_ner_plugin(skeleton: Path) -> None:
    assert files(skeleton) - OF_A_REPOSITORY <= files(PLUGINS_DIR / "envkit-ner")


def test_files_that_all_plugins_have_are_in_the_skeleton(skeleton: Path) -> None:
    shared = set.intersection(*(files(PLUGINS_DIR / f"envkit-{task}") for task in BUILT_IN))

    assert shared - files(skeleton) == LEFT_OUT


@pytest.mark.parametrize("task", BUILT_IN)
def test_hooks_of_the_skeleton_are_those_of_every_plugin(skeleton: Path, task: str) -> None:
    assert hooks(skeleton) == hooks(PLUGINS_DIR / f"envkit-{task}")


@pytest.mark.parametrize("task", BUILT_IN)
def test_metadata_of_the_skeleton_has_the_keys_of_every_plugin(skeleton: Path, task: str) -> None:
    made, built_in = read_project(skeleton), read_project(PLUGINS_DIR / f"envkit-{task}")

    assert keys(made["project"]) == keys(built_in["project"])
    assert keys(made["tool"]["hatch"]) == keys(built_in["tool"]["hatch"])
    assert made["build-system"] == built_in["build-system"]
    assert made["project"]["dependencies"] == built_in["project"]["dependencies"]
    assert made["project"]["entry-points"].keys() == built_in["project"]["entry-points"].keys()


def test_extras_of_the_skeleton_are_those_of_the_ner_plugin(skeleton: Path) -> None:
    extras, wanted = (
        read_project(folder)["project"]["optional-dependencies"]
        for folder in (skeleton, PLUGINS_DIR / "envkit-ner")
    )

    assert extras == wanted
