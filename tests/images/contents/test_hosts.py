"""Plugins that are links to their sources go into an image whole: built by a backend that needs no network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from environments.conftest import write_distribution
from images.planned import Place, make_place

from envkit.api import EnvError
from envkit.environments.wheels import content_digest, remake_wheel
from envkit.images.contents.hosts import whole_distribution

if TYPE_CHECKING:
    from importlib.metadata import Distribution
    from pathlib import Path

BACKEND = """\
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "own-1.0.dist-info"
    code = pathlib.Path("own.py").read_text()
    files = {
        "own.py": code,
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: own\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/RECORD": f"own.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n",
    }
    name = "own-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
    return name
"""
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "own"
version = "1.0"
"""


@dataclass(frozen=True)
class Source:
    """A plugin's source, and how it is installed as editable."""

    folder: Path
    installed: Distribution

    def write(self, code: str) -> None:
        (self.folder / "own.py").write_text(code)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "my source"
    folder.mkdir()
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT)
    origin = f'{{"url": "{folder.as_uri()}", "dir_info": {{"editable": true}}}}'
    files = {"own.pth": f"{folder}\n"}
    dist = write_distribution(tmp_path / "site", "own", files=files)
    (info,) = (tmp_path / "site").rglob("own-1.0.dist-info")
    (info / "direct_url.json").write_text(origin)
    made = Source(folder, dist)
    made.write("WORD = 1\n")
    return made


def test_editable_plugin_is_taken_as_its_source_builds(place: Place, source: Source, tmp_path: Path) -> None:
    whole = whole_distribution(source.installed, planning=place.planning, progress=place.told)
    wheel = remake_wheel(whole, folder=tmp_path, has_commands=False)
    assert str(source.folder).encode() not in wheel.read_bytes()
    assert b"WORD = 1" in wheel.read_bytes()


@pytest.mark.slow
def test_editable_plugin_is_built_once_for_each_state_of_its_source(place: Place, source: Source) -> None:
    def digest() -> str:
        return content_digest(
            whole_distribution(source.installed, planning=place.planning, progress=place.told)
        )

    first = digest()
    place.told.steps.clear()
    assert digest() == first
    assert place.told.steps == []
    source.write("WORD = 22\n")
    assert digest() != first
    source.write("WORD = 1\n")
    assert digest() == first


def test_plugin_that_is_installed_whole_stays_as_it_is(place: Place, tmp_path: Path) -> None:
    dist = write_distribution(tmp_path / "site", "own")
    assert whole_distribution(dist, planning=place.planning, progress=place.told) is dist


def test_editable_plugin_without_its_source_is_refused(place: Place, source: Source) -> None:
    source.folder.rename(source.folder.with_name("moved"))
    with pytest.raises(EnvError, match=r"own 1\.0 is installed as editable, and its source .* is gone"):
        whole_distribution(source.installed, planning=place.planning, progress=place.told)


@pytest.mark.slow
def test_source_that_does_not_build_leaves_nothing_behind(place: Place, source: Source) -> None:
    (source.folder / "backend.py").write_text("raise SystemExit('broken')\n")
    home = place.folder / "home"
    with pytest.raises(EnvError):
        whole_distribution(source.installed, planning=replace(place.planning, home=home), progress=place.told)
    assert list((home / "cache" / "images" / "hosts").iterdir()) == []
