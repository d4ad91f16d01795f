"""What goes into an image of a task, a lock and a run: by the real planner and the real uv, without a network."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from environments.conftest import FACTS, task_entry, write_distribution
from images.planned import Place, make_base, make_place, make_run, make_template, write_adapter
from small_wheels import write_wheel

from envkit.api import EnvError, UsageError
from envkit.environments.lockfile.make import make_lock
from envkit.environments.lockfile.read import read_lock
from envkit.environments.lockfile.write import write_lock
from envkit.environments.records import EnvSpec
from envkit.images.contents.bases import image_facts, known_base
from envkit.images.contents.contents import make_contents

if TYPE_CHECKING:
    from importlib.metadata import Distribution
    from pathlib import Path

    from envkit.environments.lockfile.records import LockFile
    from envkit.images.records import Contents

SPEC = EnvSpec(tasks=("echo",))
PREDICT = make_template(name="predict", purpose="predict", is_of_run=True)
JUPYTER = make_template(name="jupyter", packages=("lab",))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a machine whose wheels stay as they are."""
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def contents(place: Place) -> Contents:
    """Return what is in an image of the task."""
    return place.contents()


@pytest.fixture(scope="module")
def lock(place: Place) -> LockFile:
    """Return a lock of the task for an image."""
    return write_lock_of(place)


@pytest.fixture
def changing(tmp_path: Path) -> Place:
    """Return a machine whose wheels change."""
    return make_place(tmp_path)


def versions(contents: Contents) -> dict[str, str]:
    return {package.name: package.version for package in contents.packages}


def write_lock_of(place: Place, *, spec: EnvSpec = SPEC, name: str = "envkit.lock") -> LockFile:
    """Lock for the machine of an image, and return the file."""
    lock = make_lock(spec, planning=place.image(), progress=place.told)
    file = place.folder / name
    file.write_text(write_lock(lock, folder=place.folder), encoding="utf-8")
    return read_lock(file)


def test_contents_of_a_task_are_locked_files_that_lie_here(contents: Contents) -> None:
    assert versions(contents) == {
        "deep": "1.2",
        "peft": "1.2",
        "pluggy": "1.2",
        "tiny": "1.0",
        "trainer": "1.2",
    }
    assert all(package.url.startswith("file://") and package.sha256 for package in contents.packages)
    assert (contents.uv.name, contents.uv.version) == ("uv", version("uv"))
    assert [dist.metadata["Name"] for dist in contents.hosts] == ["envkit-ml", "envkit-echo"]
    assert [(each.name, len(each.digest)) for each in contents.plugins] == [
        ("envkit-ml", 64),
        ("envkit-echo", 64),
    ]
    assert (contents.tasks, contents.torch, contents.python) == (("echo",), None, "3.12")
    assert contents.model_dir is None


def test_lock_in_an_image_can_be_read_and_names_nothing_of_this_machine(
    place: Place, contents: Contents
) -> None:
    file = place.folder / "other.lock"
    file.write_text(contents.lock_text, encoding="utf-8")
    lock = read_lock(file)
    assert lock.sha256 == contents.lock_sha256
    (section,) = lock.lock.machines
    assert {wheel.name for wheel in section.wheels} == set(versions(contents))
    assert (section.facts.libc, section.python[:4]) == ("glibc 2.36", "3.12")
    assert str(place.folder) not in contents.lock_text
    assert place.contents().lock_text == contents.lock_text


def test_contents_of_a_lock_are_its_versions_and_files_whatever_is_newer(changing: Place) -> None:
    lock = write_lock_of(changing)
    write_wheel(changing.wheels, "tiny", "2.0")
    contents = changing.contents(lock=lock)
    assert versions(contents)["tiny"] == "1.0"
    assert (contents.lock_text, contents.lock_sha256) == (lock.text, lock.sha256)
    changing.told.steps.clear()
    assert versions(changing.contents(lock=lock)) == versions(contents)
    assert "resolving packages" not in changing.told.steps  # they are known
    next(changing.wheels.glob("deep-*")).unlink()
    write_wheel(changing.wheels, "deep", "1.2", content="changed")
    with pytest.raises(EnvError, match=r"python:3\.12-slim-bookworm.*\n  deep 1\.2: .* is locked") as error:
        changing.contents(lock=lock)
    assert "tiny" not in error.value.message


def test_lock_for_another_python_names_the_base_that_fits(place: Place, lock: LockFile) -> None:
    with pytest.raises(EnvError, match=r"is for Python 3\.12") as error:
        place.contents(lock=lock, base=make_base("python:3.13-slim"))
    assert "--base-image python:3.12-slim-bookworm" in str(error.value.hint)


def test_lock_of_a_plugin_that_is_another_here_is_refused(place: Place, lock: LockFile) -> None:
    changed = write_distribution(place.folder / "changed", "envkit-echo", files={"envkit_echo/more.py": ""})

    def find(name: str) -> Distribution:
        return changed if name == "envkit-echo" else place.planning.find_distribution(name)

    other = replace(place, planning=replace(place.planning, find_distribution=find))
    with pytest.raises(EnvError, match=r"envkit-echo 1\.0 is locked with other content"):
        other.contents(lock=lock)


@pytest.mark.slow
def test_packages_of_a_template_are_locked_beside_what_a_lock_has(changing: Place) -> None:
    lock = write_lock_of(changing)
    write_wheel(changing.wheels, "tiny", "2.0")
    contents = changing.contents(JUPYTER, lock=lock)
    assert versions(contents)["tiny"] == "1.0"
    assert versions(contents)["lab"] == "1.2"
    assert contents.lock_sha256 != lock.sha256
    assert contents.notes == ("Locked again for lab, 1 packages added; none changed",)


def test_image_to_predict_has_no_more_than_that_needs(place: Place, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    contents = place.contents(PREDICT, run=run)
    assert sorted(versions(contents)) == ["deep", "pluggy", "tiny"]
    assert (contents.model_dir, contents.run_id) == (run.model_dir, run.read_request().id)
    assert 'purpose = "predict"' in contents.lock_text


def test_image_to_predict_of_a_plugin_that_tells_no_difference_has_what_training_needs(
    place: Place, tmp_path: Path
) -> None:
    headers = ("Provides-Extra: train", "Requires-Dist: trainer; extra == 'train'")
    plugin = write_distribution(tmp_path / "plain", "envkit-echo", headers=headers)
    planning = replace(
        place.planning,
        find_task=lambda name: task_entry(plugin, name),
        find_distribution=lambda name: (
            plugin if name == "envkit-echo" else place.planning.find_distribution(name)
        ),
    )
    contents = replace(place, planning=planning).contents(PREDICT, run=make_run(tmp_path))
    assert sorted(versions(contents)) == ["pluggy", "trainer"]


def test_image_of_a_run_keeps_the_versions_that_it_computed_with(changing: Place) -> None:
    write_wheel(changing.wheels, "tiny", "0.9", needs=("deep",))
    contents = changing.contents(run=make_run(changing.folder))
    assert versions(contents)["tiny"] == "0.9"
    assert "trainer" in versions(contents)
    assert contents.model_dir is None


def test_image_of_an_adapter_has_peft(place: Place, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_adapter(run.model_dir, "someone/bert")
    contents = place.contents(PREDICT, run=run)
    assert versions(contents)["peft"] == "1.2"
    assert contents.notes == (
        "The model is an adapter of someone/bert, which the image fetches from the model hub",
    )


def test_adapter_of_a_folder_that_is_gone_is_refused(place: Place, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_adapter(run.model_dir, str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="is an adapter of the one in .*gone, which is not there"):
        place.contents(PREDICT, run=run)


@pytest.mark.parametrize("template", [PREDICT, make_template()])
def test_run_that_has_not_finished_is_refused(place: Place, tmp_path: Path, template: object) -> None:
    run = make_run(tmp_path, status="failed", has_model=False)
    with pytest.raises(UsageError, match="failed"):
        place.contents(template, run=run)  # type: ignore[arg-type]  # a template it is


def test_base_with_a_python_that_the_task_cannot_have_is_refused(place: Place) -> None:
    with pytest.raises(EnvError, match=r"needs Python >=3\.11, and python:3\.10-slim has 3\.10") as error:
        place.contents(base=make_base("python:3.10-slim"))
    assert error.value.hint == "Begin from another: --base-image python:3.12-slim-bookworm"


def test_package_from_a_folder_is_refused_with_the_way_round(place: Place) -> None:
    source = place.folder / "own"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "none"\n[project]\nname = "own"\nversion = "1"\n'
    )
    template = make_template(packages=(f"own @ {source.as_uri()}",))
    with pytest.raises(EnvError, match="own comes from .*expected a wheel") as error:
        place.contents(template)
    assert "pip wheel" in str(error.value.hint)


def test_wheel_named_by_its_path_goes_in_without_that_path(place: Place) -> None:
    wheel = write_wheel(place.folder / "own wheels", "own", "1.0")
    contents = place.contents(make_template(packages=(f"own @ {wheel.as_uri()}",)))
    assert versions(contents)["own"] == "1.0"
    assert str(place.folder) not in contents.lock_text
    assert "own%20wheels" not in contents.lock_text
    assert '"own==1.0"' in contents.lock_text


@pytest.mark.slow
def test_contents_for_another_python_and_glibc_come_from_the_index(place: Place) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(place.folder / "user")}
    here = replace(place.planning, environ={**environ, **_index_variables()})
    base = known_base("python:3.13-slim-bullseye", machine="aarch64")
    assert base is not None
    planning = replace(here, facts=image_facts(base, here=FACTS, facts=None), here=FACTS)
    headers = ("Provides-Extra: train", "Requires-Dist: msgspec; extra == 'train'")
    host = write_distribution(
        place.folder / "other", "envkit-ml", version="0.1.0", headers=("Requires-Dist: pluggy",)
    )
    plugin = write_distribution(place.folder / "other", "envkit-echo", headers=headers)
    entry = replace(place.planning.find_task("echo"), distribution=plugin)
    find = {"envkit-ml": host, "envkit-echo": plugin}
    original = planning.find_distribution
    planning = replace(
        planning,
        find_task=lambda name: entry,
        find_distribution=lambda name: find.get(name) or original(name),
    )
    contents = make_contents(
        make_template(), base=base, planning=planning, progress=place.told, tasks=("echo",)
    )
    files = {package.name: package.url.rpartition("/")[2] for package in contents.packages}
    assert "cp313" in files["msgspec"]
    assert "aarch64" in files["msgspec"]
    assert "aarch64" in contents.uv.url
    assert contents.uv.url.startswith("https://")


def _index_variables() -> dict[str, str]:
    """Return what says here where packages come from."""
    names = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_CA", "HTTP", "http", "NO_PROXY", "no_proxy")
    return {name: text for name, text in os.environ.items() if name.startswith(names)}
