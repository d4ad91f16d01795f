"""Files of a lock, found on the indexes here."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from environments.lockfile.locks import section, wheel
from images.planned import UV_VERSION, Place, make_place
from small_wheels import write_wheel

from envkit.api import EnvError
from envkit.environments.files.addresses import local_path
from envkit.environments.lockfile.facts import locked_facts
from envkit.environments.lockfile.records import LockedHost
from envkit.environments.records import EnvSpec
from envkit.images.contents.pins import find_files, without_places

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.lockfile.records import LockedMachine, LockedWheel
    from envkit.images.contents.known_files import FoundFiles


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def find(place: Place, locked: LockedMachine, *, uv_version: str = UV_VERSION) -> FoundFiles:
    return find_files(locked, uv_version=uv_version, planning=place.image(), progress=place.told)


def locked(place: Place, *wheels: LockedWheel) -> LockedMachine:
    return section(wheels=wheels, asked=(), facts=locked_facts(place.image().facts))


def named(file: Path, name: str, version: str) -> LockedWheel:
    """Return the line of a wheel that was locked from a folder."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return wheel(name, version, source="find-links", url="", file=file.name, sha256=sha256)


def test_files_are_those_that_were_locked_though_newer_ones_fit_better(place: Place) -> None:
    old = write_wheel(place.wheels, "built", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    write_wheel(place.wheels, "built", "2.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    found = find(place, locked(place, named(old, "built", "1.0")))
    assert [package.url for package in found.packages] == [old.as_uri()]


def test_file_that_was_locked_for_an_older_glibc_is_found_on_a_newer(place: Place) -> None:
    old = write_wheel(place.wheels, "built", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    write_wheel(place.wheels, "built", "1.0", tag="cp312-cp312-manylinux_2_34_x86_64")
    there = locked(place, named(old, "built", "1.0"))
    there = msgspec.structs.replace(there, facts=msgspec.structs.replace(there.facts, libc="glibc 2.28"))
    assert [package.url for package in find(place, there).packages] == [old.as_uri()]


def test_local_version_is_not_taken_for_the_public_one(place: Place) -> None:
    plain = write_wheel(place.wheels, "part", "1.0")
    tagged = write_wheel(place.wheels, "part", "1.0+cpu")
    for file, version in ((plain, "1.0"), (tagged, "1.0+cpu")):
        (package,) = find(place, locked(place, named(file, "part", version))).packages
        assert (package.version, local_path(package.url)) == (version, file)


def test_uv_is_that_of_this_machine_whatever_uv_is_locked(place: Place) -> None:
    other = write_wheel(place.wheels, "uv", "0.1")
    found = find(place, locked(place, named(other, "uv", "0.1")))
    assert [package.version for package in found.packages] == ["0.1"]
    assert found.uv.version == UV_VERSION


def test_version_that_is_nowhere_is_named(place: Place) -> None:
    with pytest.raises(EnvError, match="tiny"):
        find(place, locked(place, wheel("tiny", "7.7")))


def test_uv_that_is_nowhere_is_named(place: Place) -> None:
    with pytest.raises(EnvError, match=r"uv"):
        find(place, locked(place), uv_version="0.0.1")


@pytest.mark.parametrize(
    "address", ["git+https://x.example/own@abc", "file:///home/own", "https://x.example/own.whl"]
)
def test_package_without_a_file_of_its_own_is_refused(place: Place, address: str) -> None:
    own = wheel("own", source="direct", url=address, sha256="")
    with pytest.raises(EnvError, match="own comes from") as error:
        find(place, locked(place, own))
    assert "pip wheel" in str(error.value.hint)


def test_wheel_at_an_address_of_its_own_keeps_it(place: Place) -> None:
    own = wheel("own", source="direct", url="https://x.example/own-1.0-py3-none-any.whl")
    (package,) = find(place, locked(place, own)).packages
    assert (package.url, package.sha256) == (own.url, own.sha256)


def test_files_are_looked_for_once_however_often_a_plugin_changes(place: Place) -> None:
    there = locked(place, named(write_wheel(place.wheels, "part", "1.0"), "part", "1.0"))
    before, after = (
        msgspec.structs.replace(there, host=(LockedHost(name="envkit-echo", version="1.0", digest=digest),))
        for digest in ("5" * 64, "6" * 64)
    )
    found = find(place, before)
    steps = list(place.told.steps)
    assert steps
    assert find(place, after) == found
    assert place.told.steps == steps


def test_password_in_an_index_is_in_no_cache(place: Place) -> None:
    environ = {**place.planning.environ, "PIP_EXTRA_INDEX_URL": "https://u:hunter2@x.example/simple"}
    there = replace(place, planning=replace(place.planning, environ=environ))
    find(there, locked(place))
    files = [file for file in (place.folder / "home" / "cache").rglob("*") if file.is_file()]
    assert files
    assert not any(b"hunter2" in file.read_bytes() for file in files)


def test_lock_without_places_asks_for_versions_in_their_stead() -> None:
    own = wheel("my-own", source="direct", url="file:///home/me/my_own-1.0-py3-none-any.whl")
    text = f"My_Own[extra] @ {own.url}"
    spec = EnvSpec(packages=(text, "tiny>1"), tasks=("echo",))
    plain = without_places(spec, section(wheels=(own, wheel("tiny")), asked=("tiny>1", text)))
    assert plain.spec.packages == ("my-own==1.0", "tiny>1")
    assert plain.section.asked == ("tiny>1", "my-own==1.0")
    assert "/home/me" not in repr(plain)
    untouched = section()
    assert without_places(spec, untouched).section == untouched
