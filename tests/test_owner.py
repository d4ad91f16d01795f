"""Who owns envkit's environment, told by what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from laid_owners import MANAGED, SITE, owner_of

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.owner import Owner

RECEIPT = """
[tool]
requirements = [
    { name = "envkit-ml", extras = ["parquet"], specifier = ">=0.1" },
    { name = "envkit-x" },
]
python = "3.12"
"""


def laid(root: Path, files: tuple[str, ...]) -> Owner:
    """Lay the files, those that are read as what they are."""
    owner = owner_of(root, *files)
    if owner.kind == "uv tool":
        owner.evidence.write_text(RECEIPT, encoding="utf-8")
    if owner.kind == "envkit":
        owner.evidence.write_text('{"name": "my work"}', encoding="utf-8")
    return owner


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
        (("env/envkit-env.json", "env/pyvenv.cfg"), "envkit env sync 'my work'"),
        (("env/envkit-env.json", "env/conda-meta/history"), "envkit env sync 'my work'"),
    ],
)
def test_owner_knows_how_envkit_is_upgraded(files: tuple[str, ...], says: str, tmp_path: Path) -> None:
    owner = laid(tmp_path, files)

    assert owner.upgrade_text == says.format(python=owner.python)


@pytest.mark.parametrize(
    ("files", "says", "says_anew"),
    [
        (
            ("env/uv-receipt.toml",),
            "uv tool install 'envkit-ml[parquet]>=0.1' --python 3.12 --with envkit-x --with 'envkit-ml[conda]'",
            "uv tool install 'envkit-ml[parquet]>=0.1' --reinstall-package tiny --python 3.12 --with envkit-x",
        ),
        (
            ("env/pipx_metadata.json",),
            "pipx runpip env install 'envkit-ml[conda]'",
            "pipx runpip env install --force-reinstall --no-deps tiny",
        ),
        (
            ("env/pyvenv.cfg",),
            "uv pip install --python {python} 'envkit-ml[conda]'",
            "uv pip install --python {python} --reinstall-package tiny --no-deps tiny",
        ),
        (
            (f"env/{SITE}/pip/__main__.py",),
            "{python} -m pip install 'envkit-ml[conda]'",
            "{python} -m pip install --force-reinstall --no-deps tiny",
        ),
        (("uv.lock", "env/pyvenv.cfg"), "uv add 'envkit-ml[conda]'", "uv sync --reinstall-package tiny"),
        (("env/conda-meta/pixi",), "pixi add --pypi 'envkit-ml[conda]'", "pixi reinstall tiny"),
        (
            ("env/envkit-env.json", "env/pyvenv.cfg"),
            "envkit env sync 'my work' --with 'envkit-ml[conda]'",
            "envkit env sync 'my work' --with tiny",
        ),
    ],
)
def test_owner_knows_how_a_package_is_added_and_one_installed_anew(
    files: tuple[str, ...], says: str, says_anew: str, tmp_path: Path
) -> None:
    owner = laid(tmp_path, files)

    assert owner.install_text("envkit-ml[conda]") == says.format(python=owner.python)
    assert owner.install_text("tiny", is_anew=True) == says_anew.format(python=owner.python)


@pytest.mark.parametrize(
    ("file", "prefix", "extra", "package"),
    [
        (
            "c/archive-v0/Xy/pyvenv.cfg",
            "c/archive-v0/Xy",
            "uvx --from 'envkit-ml[conda]' envkit",
            "uvx --from envkit-ml --with pyarrow envkit",
        ),
        (
            MANAGED,
            "usr",
            "uv tool install 'envkit-ml[conda]'",
            "uv tool install envkit-ml --with pyarrow",
        ),
    ],
)
def test_owner_that_keeps_nothing_of_ours_is_told_all_at_once(
    file: str, prefix: str, extra: str, package: str, tmp_path: Path
) -> None:
    owner = owner_of(tmp_path, file, prefix=prefix)

    assert owner.install_text("envkit-ml[conda]") == extra
    assert owner.install_text("pyarrow") == package


def test_owner_whose_receipt_cannot_be_read_says_how_it_is_made_anew(tmp_path: Path) -> None:
    owner = owner_of(tmp_path, "env/uv-receipt.toml")

    assert owner.install_text("pyarrow").endswith("uv tool install --reinstall envkit-ml")


def test_owners_command_shows_no_password(tmp_path: Path) -> None:
    owner = owner_of(tmp_path, "env/uv-receipt.toml")
    address = "https://joe:hunter2@host/envkit_x-1.zip"
    owner.evidence.write_text(RECEIPT.replace('name = "envkit-x"', f'name = "envkit-x", url = "{address}"'))

    assert "hunter2" not in owner.install_text("pyarrow")
