"""Folders that an installer builds a package from, with a build backend of their own: nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BACKEND = """
import pathlib
import zipfile

HERE = pathlib.Path(__file__).parent
TAG = "py3-none-any"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    return write(folder, {"NAME.py": (HERE / "NAME.py").read_text()})


def build_editable(folder, config_settings=None, metadata_directory=None):
    return write(folder, {"NAME.pth": str(HERE)})


def write(folder, files):
    version = (HERE / "version.txt").read_text().strip()
    info = f"NAME-{version}.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: NAME\\nVersion: {version}\\n"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: a\\nRoot-Is-Purelib: true\\nTag: {TAG}\\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(pathlib.Path(folder, f"NAME-{version}-{TAG}.whl"), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return f"NAME-{version}-{TAG}.whl"
"""


def write_project(folder: Path, name: str, version: str = "1.0", *, is_dynamic: bool = False) -> Path:
    """Write a project with one module of its name; with ``is_dynamic`` only its build tells the version."""
    folder.mkdir(parents=True)
    said = 'dynamic = ["version"]' if is_dynamic else f'version = "{version}"'
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\n{said}\n'
    )
    (folder / "backend.py").write_text(_BACKEND.replace("NAME", name))
    (folder / "version.txt").write_text(version)
    (folder / f"{name}.py").write_text("")
    return folder
