"""What the fixtures cost a start of pytest that uses none of them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pytest_runs import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

IMPORTED = """
import sys
before = set(sys.modules)
import envkit.testing.pytest_plugin
print(*sorted(name for name in set(sys.modules) - before))
"""


def test_plugin_imports_nothing_but_its_own_package() -> None:
    code = f"import pytest, __future__{IMPORTED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["envkit", "envkit.testing", "envkit.testing.pytest_plugin"]


@pytest.mark.slow
def test_fixtures_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    listed = run_pytest(tmp_path, "", "--fixtures").out

    for name in ("envkit_project", "envkit_registry", "worker_run", "fake_facts"):
        line = next(line for line in listed.splitlines() if line.startswith(name))
        assert "envkit" in line or "testing" in line


@pytest.mark.slow
def test_start_of_a_test_without_them_imports_neither_the_kit_nor_torch(tmp_path: Path) -> None:
    body = """
    import sys
    def test_nothing():
        assert not {"torch", "numpy", "msgspec", "envkit.registry", "envkit.api"} & set(sys.modules)
    """

    done = run_pytest(tmp_path, body)

    assert "1 passed" in done.out, done.out


def test_kit_gives_each_of_its_names_when_it_is_asked_for() -> None:
    code = """
import sys, envkit.testing as kit
assert "envkit.testing.machines" not in sys.modules
assert sorted(kit._MODULES) == sorted(kit.__all__) and set(kit.__all__) <= set(dir(kit))
for name in kit.__all__: assert getattr(kit, name) is getattr(kit, name), name
assert kit.fake_facts.__module__ == "envkit.testing.machines"
assert "torch" not in sys.modules
try: kit.nothing
except AttributeError as error: print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "module 'envkit.testing' has no attribute 'nothing'\n"
