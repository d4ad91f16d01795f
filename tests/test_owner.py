"""Who owns envkit's environment, told by what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from laid_owners import MANAGED, SITE, owner_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("files", "prefix", "kind", "evidence"),
    [
        (("env/pyvenv.cfg",), "env", "venv", "env/pyvenv.cfg"),
        (("env/pyvenv.cfg", MANAGED), "env", "venv", "env/pyvenv.cfg"),
        (("env/uv-receipt.toml", "env/pyvenv.cfg"), "env", "uv tool", "env/uv-receipt.toml"),
        (("env/pipx_metadata.json", "env/pyvenv.cfg"), "env", "pipx", "env/pipx_metadata.json"),
        (("usr/conda-meta/history",), "usr", "conda", "usr/conda-meta"),
        (("usr/conda-meta/history", MANAGED), "usr", "system", MANAGED),
        (("usr/conda-meta/pixi",), "usr", "pixi", "usr/conda-meta/pixi"),
        (("usr/conda-meta/history", "env/pyvenv.cfg"), "env", "venv", "env/pyvenv.cfg"),
        ((MANAGED,), "usr", "system", MANAGED),
        (("usr/bin/python",), "usr", "python", "usr"),
        (("c/archive-v0/Xy/pyvenv.cfg",), "c/archive-v0/Xy", "uvx", "c/archive-v0/Xy"),
    ],
)
def test_owner_is_told_by_the_files_that_its_installer_leaves(
    files: tuple[str, ...], prefix: str, kind: str, evidence: str, tmp_path: Path
) -> None:
    owner = owner_of(tmp_path, *files, prefix=prefix)

    assert owner.kind == kind
    assert owner.evidence == tmp_path / evidence


def test_owner_with_pip_in_its_packages_has_pip(tmp_path: Path) -> None:
    assert not owner_of(tmp_path, "env/pyvenv.cfg").has_pip
    assert owner_of(tmp_path, f"env/{SITE}/pip/__main__.py").has_pip


def test_pipx_environment_has_the_pip_that_it_shares(tmp_path: Path) -> None:
    owner_of(tmp_path, f"shared/{SITE}/pip/__main__.py", f"env/{SITE}/pipx_shared.pth")
    (tmp_path / f"env/{SITE}/pipx_shared.pth").write_text(f"{tmp_path}/shared/{SITE}\n", encoding="utf-8")

    assert owner_of(tmp_path, "env/pipx_metadata.json").has_pip


def test_owner_of_a_projects_environment_knows_its_lock(tmp_path: Path) -> None:
    owner = owner_of(tmp_path, "app/uv.lock", "app/.venv/pyvenv.cfg", prefix="app/.venv")

    assert owner.lock_file == tmp_path / "app/uv.lock"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("env/uv-receipt.toml",), "uv tool upgrade envkit-ml"),
        (("env/pipx_metadata.json",), "pipx upgrade env"),
        (("env/pyvenv.cfg",), "uv pip install --python {python} --upgrade-package envkit-ml envkit-ml"),
        ((f"env/{SITE}/pip/__main__.py",), "{python} -m pip install --upgrade envkit-ml"),
        (("uv.lock", "env/pyvenv.cfg"), "uv sync --upgrade-package envkit-ml"),
        (("env/conda-meta/pixi",), "pixi update envkit-ml"),
    ],
)
def test_owner_knows_how_envkit_is_upgraded(files: tuple[str, ...], says: str, tmp_path: Path) -> None:
    owner = owner_of(tmp_path, *files)

    assert owner.upgrade_text == says.format(python=owner.python)
