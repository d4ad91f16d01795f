"""The templates are found wherever envkit is installed from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from echo import build_wheel, make_venv

from envkit.api import EnvkitError
from envkit.templates import template_file

ROOT = Path(__file__).parents[1]
NEEDED = ("msgspec", "pluggy")
ASK = "from envkit.templates import template_file; print(template_file('model/README.md'))"


def ask(python: Path, code: str = ASK) -> Path:
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True, cwd="/")
    return Path(done.stdout.strip())


def test_template_file_in_the_source_tree_is_the_one_beside_the_package() -> None:
    found = template_file("model/README.md", package_dir=ROOT / "envkit")

    assert found == ROOT / "templates" / "model" / "README.md"


def test_template_file_beside_a_stranger_named_templates_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "site-packages" / "templates" / "model").mkdir(parents=True)
    (tmp_path / "site-packages" / "templates" / "model" / "README.md").touch()

    with pytest.raises(EnvkitError, match="_templates") as raised:
        template_file("model/README.md", package_dir=tmp_path / "site-packages" / "envkit")

    assert "pip install" in (raised.value.hint or "")


def test_template_file_with_an_unknown_name_is_an_error() -> None:
    with pytest.raises(EnvkitError, match="'model/nothing'"):
        template_file("model/nothing", package_dir=ROOT / "envkit")


@pytest.mark.slow
def test_template_file_from_a_wheel_lies_inside_the_package(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "venv", build_wheel(ROOT, tmp_path / "dist"), packages=NEEDED)

    found = ask(python)

    assert found.is_relative_to(tmp_path / "venv")
    assert found.read_text() == (ROOT / "templates" / "model" / "README.md").read_text()


@pytest.mark.slow
def test_template_file_from_an_editable_install_is_the_source_trees(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "venv", packages=NEEDED)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--editable", str(ROOT)], check=True)

    assert ask(python) == ROOT / "templates" / "model" / "README.md"
