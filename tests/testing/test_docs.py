"""The page for authors names everything in the kit, and each of its examples runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pytest_runs import run_pytest_files

import envkit.testing

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
FIXTURES = ("envkit_project", "envkit_registry", "worker_run", "fake_facts")
KINDS = ("", "needs torch", "makes environments")
_BLOCK = re.compile(r"^(?:<!-- ([a-z ]+) -->\n)?```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def examples(*kinds: str) -> dict[str, str]:
    """Return the examples of these kinds by the names of their files."""
    found = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return {
        f"test_example_{number}.py": body
        for number, (kind, body) in enumerate(found, start=1)
        if kind in kinds
    }


def test_page_has_a_line_and_an_example_for_every_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    prose = _BLOCK.sub("", text)
    code = "\n".join(examples(*KINDS).values())
    names = (*envkit.testing.__all__, *FIXTURES)

    assert [name for name in names if not re.search(rf"`{name}\b", prose)] == []
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_examples_are_all_of_the_blocks_of_python() -> None:
    blocks = PAGE.read_text(encoding="utf-8").count("```python")

    assert len(examples(*KINDS)) == blocks


@pytest.mark.slow
def test_examples_pass(tmp_path: Path) -> None:
    done = run_pytest_files(tmp_path, examples(""))

    assert done.exit == 0, done.out


@pytest.mark.torch
def test_examples_of_torch_pass(tmp_path: Path) -> None:
    done = run_pytest_files(tmp_path, examples("needs torch"))

    assert done.exit == 0, done.out


@pytest.mark.slow
def test_examples_that_make_environments_pass(tmp_path: Path) -> None:
    done = run_pytest_files(tmp_path, examples("makes environments"))

    assert done.exit == 0, done.out
