"""What installers foretell: of addresses too, of a tool's record too, and without running any build."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from authoring.small_plugins import make_venv, offline, owner_of, runner_of, write_plugin
from small_wheels import write_wheel

from envkit.api import EnvError
from envkit.authoring.addresses import place_of
from envkit.authoring.changes import Change, installed_versions
from envkit.authoring.forecast import foresee_install
from envkit.authoring.installing import plan_install
from envkit.authoring.specs import read_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.owner import Owner


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("git+https://h/x.git", "git+https://h/x.git@0f1e2d", True),
        ("git+https://me:secret@h/x.git@main", "git+https://h/x.git", True),
        ("git+ssh://git@h/x.git", "git+ssh://***@h/x.git@0f1e2d", True),
        ("file:///a/b/../x", "file:///a/x/", True),
        ("https://h/x.zip?token=1#sha256=2", "https://h/x.zip", True),
        ("git+https://h/x.git#subdirectory=a", "git+https://h/x.git#subdirectory=b", False),
        ("git+https://h/x.git", "https://h/x.git", False),
        ("https://h/x.zip", "https://i/x.zip", False),
    ],
)
def test_place_is_told_whatever_login_revision_and_digest_stand_beside_it(
    one: str, other: str, is_same: bool
) -> None:
    assert (place_of(one) == place_of(other)) is is_same


def write_sdist(folder: Path, name: str, *, marks: Path) -> Path:
    """Write a source distribution whose build leaves a file."""
    stem = f"{name.replace('-', '_')}-1.0"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "setup.py": f"open({str(marks)!r}, 'w').close()\n",
    }
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / f"{stem}.tar.gz", "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{stem}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return folder / f"{stem}.tar.gz"


@cache
def bare_venv_with_pip(folder: Path) -> Path:
    """Make a venv with pip, which takes seconds, once."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


def venv_with_pip(prefix: Path) -> Owner:
    shutil.copytree(bare_venv_with_pip(prefix.parents[1] / "bare"), prefix, symlinks=True)
    return owner_of(prefix)


@pytest.mark.parametrize("make", [make_venv, pytest.param(venv_with_pip, marks=pytest.mark.slow)])
def test_dry_run_of_what_is_source_alone_runs_no_build_and_says_how_to_go_on(
    make: Callable[[Path], Owner], tmp_path: Path
) -> None:
    links, ran = tmp_path / "links", tmp_path / "ran"
    file = write_sdist(links, "envkit-raw", marks=ran)
    write_sdist(links, "raw", marks=ran)
    owner = make(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=links))

    for words in ("raw", str(file)):
        with pytest.raises(EnvError, match="without running its build") as refusal:
            plan_install(owner, [read_spec(words)], runner=runner, is_dry_run=True)

        assert "envkit plugin install " in (refusal.value.hint or "")
    assert not ran.exists()


def test_build_of_a_name_that_was_not_given_so_waits_for_a_yes(tmp_path: Path) -> None:
    write_sdist(tmp_path / "links", "raw", marks=tmp_path / "ran")
    owner = make_venv(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=tmp_path / "links"))

    with pytest.raises(EnvError, match="there is no envkit-raw, and raw has to be built") as refusal:
        plan_install(owner, [read_spec("raw")], runner=runner)

    assert "--yes" in (refusal.value.hint or "")
    assert not (tmp_path / "ran").exists()


def test_address_of_another_package_is_none_that_was_asked_for(tmp_path: Path) -> None:
    tiny = write_wheel(tmp_path, "tiny", "2.0")
    good = write_plugin(tmp_path, "envkit-good", needs=(f"tiny @ {tiny.as_uri()}",))
    owner = make_venv(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=tmp_path))

    found = foresee_install(owner, [read_spec(str(good))], runner=runner)

    assert found.changes == (
        Change(name="envkit-good", after="1.0", is_asked=True),
        Change(name="tiny", after="2.0"),
    )


def test_overrides_of_a_tool_count_before_it_is_changed(tmp_path: Path) -> None:
    links = tmp_path / "links"
    write_plugin(links, "envkit-back", needs=("tiny<1",))
    for version in ("0.9", "1.0"):
        write_wheel(links, "tiny", version)
    venv = make_venv(tmp_path / "tools/envkit-ml")
    (venv.prefix / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "envkit-ml" }]\noverrides = [{ name = "tiny", specifier = "==1.0" }]\n',
        encoding="utf-8",
    )
    owner = replace(venv, kind="uv tool", has_pip=True)  # whatever somebody put into it, it is uv's
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=links))

    found = foresee_install(owner, [read_spec("back")], runner=runner)

    assert {each.name: each.after for each in found.changes} == {"envkit-back": "1.0", "tiny": "1.0"}


def write_repository(folder: Path, *, needs: str = "") -> None:
    """Write a plugin, or what it has become, and commit it; its version stays."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(
        PROJECT.format(needs=repr(needs) if needs else ""), encoding="utf-8"
    )
    (folder / "backend.py").write_text(BACKEND.format(needs=needs), encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_venv, venv_with_pip])
def test_repository_is_installed_anew_when_it_has_another_commit(
    make: Callable[[Path], Owner], tmp_path: Path
) -> None:
    write_repository(tmp_path / "mine")
    write_wheel(tmp_path / "links", "tiny")
    owner = make(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=tmp_path / "links"))
    specs = [read_spec(f"git+file://{tmp_path}/mine")]
    runner.run(plan_install(owner, specs, runner=runner).call)

    same = plan_install(owner, specs, runner=runner)
    assert (same.changes, same.names) == ((), ("envkit-mine",))
    assert "already, which the address has now" in same.notes[0]
    assert plan_install(owner, specs, runner=runner, is_upgrade=True).changes[0].is_asked

    write_repository(tmp_path / "mine", needs="tiny")
    newer = plan_install(owner, specs, runner=runner)
    assert [(each.name, each.is_asked) for each in newer.changes] == [("envkit-mine", True), ("tiny", False)]
    runner.run(newer.call)
    assert {"envkit-mine", "tiny"} <= set(installed_versions(owner))
    assert plan_install(owner, specs, runner=runner).changes == ()


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_venv, venv_with_pip])
def test_wheel_named_by_its_file_is_installed_anew(make: Callable[[Path], Owner], tmp_path: Path) -> None:
    owner = make(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=tmp_path))
    for version in ("old = 1\n", "new = 1\n"):
        wheel = write_plugin(tmp_path, "envkit-mine", code=version)
        runner.run(plan_install(owner, [read_spec(str(wheel))], runner=runner).call)

    assert (owner.site / "envkit_mine.py").read_text(encoding="utf-8") == "new = 1\n"


PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "envkit-mine"
version = "1.0"
dependencies = [{needs}]
"""
BACKEND = """
import zipfile
from pathlib import Path

INFO = "envkit_mine-1.0.dist-info"
NEEDS = "{needs}"
FILES = {{
    "envkit_mine.py": "",
    INFO + "/METADATA": "Metadata-Version: 2.4\\nName: envkit-mine\\nVersion: 1.0\\n"
    + (f"Requires-Dist: {{NEEDS}}\\n" if NEEDS else ""),
    INFO + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "envkit_mine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as archive:
        for place, text in FILES.items():
            archive.writestr(place, text)
        archive.writestr(INFO + "/RECORD", "".join(f"{{place}},,\\n" for place in [*FILES, INFO + "/RECORD"]))
    return name
"""
