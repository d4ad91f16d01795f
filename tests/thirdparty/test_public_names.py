"""Nothing that the packages import of envkit is closed to other authors."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from stranger import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = ROOT / "tests" / "thirdparty"
PUBLIC = ("envkit.api", "envkit.data", "envkit.finetune", "envkit.testing")
FILES = sorted(file for file in HERE.glob("envkit-*/**/*.py") if "build" not in file.parts)


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HERE)))
def test_file_imports_of_envkit_the_public_parts_alone(file: Path) -> None:
    ours = {name for name in imported(file) if name.partition(".")[0] == "envkit"}
    closed = {name for name in ours if not name.startswith(tuple(f"{each}." for each in PUBLIC))}
    assert closed <= set(PUBLIC)
