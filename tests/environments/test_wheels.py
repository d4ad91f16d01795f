"""Wheels remade from what is installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import PathDistribution, distribution
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.utils import parse_wheel_filename

from envkit.api import EnvError
from envkit.environments.wheels import content_digest, remake_wheel
from envkit.owner import install_command


def unpack(wheel: Path, prefix: Path, minor: str = "python3.11") -> PathDistribution:
    """Install a wheel as the specification says, the small part of it that these wheels use."""
    library = prefix / "lib" / minor / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    return PathDistribution(next(library.glob("*.dist-info")))


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_round_trip_gives_the_same_files_and_digest(install: Any, tmp_path: Path) -> None:
    dist = install("tiny-tool", files={"tiny_tool/data/ü.txt": "ä", "tiny_tool/empty.py": ""})
    again = unpack(remake_wheel(dist, folder=tmp_path), tmp_path / "other")
    assert again.read_text("METADATA") == dist.read_text("METADATA")
    assert content_digest(again) == content_digest(dist)
    assert Path(str(again.locate_file("tiny_tool/data/ü.txt"))).read_text() == "ä"


def test_wheel_made_twice_is_the_same_file(install: Any, tmp_path: Path) -> None:
    dist = install("tiny", files={"tiny/a.py": "x = 1"})
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder in folders:
        folder.mkdir()
    first, second = (remake_wheel(dist, folder=folder).read_bytes() for folder in folders)
    assert first == second


def test_wheel_record_lists_every_member_with_its_hash(install: Any, tmp_path: Path) -> None:
    files = members(remake_wheel(install("tiny"), folder=tmp_path))
    record = next(name for name in files if name.endswith("/RECORD"))
    rows = {row[0]: row for row in csv.reader(io.StringIO(files[record].decode()))}
    assert set(rows) == set(files)
    for name, content in files.items():
        if name != record:
            assert rows[name][2] == str(len(content))
            assert rows[name][1].startswith("sha256=")
    assert not any(name.endswith((".pyc", "INSTALLER", "direct_url.json")) for name in files)


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (("py3-none-any",), "tiny-1.0-py3-none-any.whl"),
        (("py2-none-any", "py3-none-any"), "tiny-1.0-py2.py3-none-any.whl"),
        (("cp311-cp311-linux_x86_64",), "tiny-1.0-cp311-cp311-linux_x86_64.whl"),
    ],
)
def test_wheel_name_carries_the_tags(install: Any, tmp_path: Path, tags: tuple[str, ...], name: str) -> None:
    wheel = remake_wheel(install("tiny", tags=tags), folder=tmp_path)
    assert wheel.name == name
    assert {str(tag) for tag in parse_wheel_filename(wheel.name)[3]} == set(tags)


def test_wheel_files_outside_site_packages_go_into_the_data_scheme(install: Any, tmp_path: Path) -> None:
    dist = install("tiny", entry_points="[console_scripts]\nmade = tiny:main\n")
    prefix = tmp_path / "prefix"
    for place, text in {
        "bin/made": "#!/x/python\n",
        "bin/own": "#!/x/python3.11\nown",
        "share/t.txt": "t",
    }.items():
        (prefix / place).parent.mkdir(exist_ok=True)
        (prefix / place).write_text(text)
        with (Path(str(dist.locate_file(""))) / "tiny-1.0.dist-info/RECORD").open("a") as record:
            record.write(f"../../../{place},,\n")
    files = members(remake_wheel(dist, folder=tmp_path))
    assert files["tiny-1.0.data/scripts/own"] == b"#!python\nown"
    assert files["tiny-1.0.data/data/share/t.txt"] == b"t"
    assert not any("made" in name for name in files)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[console_scripts]\nmade = tiny:main\n", ""),
        (
            "[console_scripts]\nmade = tiny:main\n\n[envkit.tasks]\ntiny = tiny\n",
            "[envkit.tasks]\ntiny = tiny\n",
        ),
        ("[a]\nb = c\n[gui_scripts]\nmade = tiny:main", "[a]\nb = c\n"),
        ("[a]\nb = c\n", "[a]\nb = c\n"),
    ],
)
def test_wheel_without_commands_keeps_the_other_entry_points(
    install: Any, tmp_path: Path, text: str, left: str
) -> None:
    dist = install("tiny", entry_points=text)
    again = unpack(remake_wheel(dist, folder=tmp_path, has_commands=False), tmp_path / "other")
    assert again.read_text("entry_points.txt") == left
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(again.read_text("RECORD")))}
    digest = base64.urlsafe_b64encode(hashlib.sha256(left.encode()).digest()).rstrip(b"=").decode()
    assert rows["tiny-1.0.dist-info/entry_points.txt"] == f"sha256={digest}"
    assert content_digest(again) == content_digest(dist)


def test_wheel_of_editable_install_points_to_its_source(install: Any, tmp_path: Path) -> None:
    dist = install("tiny", files={"_editable_tiny.pth": "/src/tiny\n"})
    assert members(remake_wheel(dist, folder=tmp_path))["_editable_tiny.pth"] == b"/src/tiny\n"


def test_digest_is_that_of_the_source_path_where_the_install_is_editable(tmp_path: Path, write: Any) -> None:
    one = write(tmp_path / "1", "tiny", files={"_editable_tiny.pth": "/src/one\n"})
    two = write(tmp_path / "2", "tiny", files={"_editable_tiny.pth": "/src/two\n"})
    assert content_digest(one) != content_digest(two)


def test_digest_is_the_same_whatever_python_the_scripts_name(write: Any, tmp_path: Path) -> None:
    first_lines = (
        "#!/x/bin/python",
        "#!/another/bin/python3.11",
        "#!/bin/sh\n'''exec' \"/a path/bin/python\" \"$0\" \"$@\"\n' '''",
    )
    digests = set()
    for number, line in enumerate(first_lines):
        prefix = tmp_path / str(number)
        dist = write(prefix, "tiny")
        (prefix / "bin").mkdir()
        (prefix / "bin/own").write_text(f"{line}\nown")
        with (Path(str(dist.locate_file(""))) / "tiny-1.0.dist-info/RECORD").open("a") as record:
            record.write("../../../bin/own,,\n")
        digests.add(content_digest(dist))
    assert len(digests) == 1


def test_wheel_file_that_is_gone_is_named(install: Any, tmp_path: Path) -> None:
    dist = install("tiny", files={"tiny/gone.py": ""})
    Path(str(dist.locate_file("tiny/gone.py"))).unlink()
    with pytest.raises(EnvError, match="tiny 1.0 is not whole: .*gone.py") as caught:
        remake_wheel(dist, folder=tmp_path)
    assert caught.value.hint == f"Install it anew: {install_command('tiny', is_anew=True)}"


def test_wheel_without_record_says_how_to_get_one(install: Any, tmp_path: Path) -> None:
    dist = install("tiny")
    Path(str(dist.locate_file("tiny-1.0.dist-info/RECORD"))).unlink()
    for use in (content_digest, lambda d: remake_wheel(d, folder=tmp_path)):
        with pytest.raises(EnvError, match="has no RECORD") as caught:
            use(dist)
        assert "pip install --force-reinstall" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["envkit-ml", "pluggy", "msgspec"])
def test_wheel_of_what_really_is_installed_holds_its_hashes(tmp_path: Path, name: str) -> None:
    dist = distribution(name)
    wheel = remake_wheel(dist, folder=tmp_path)
    again = unpack(wheel, tmp_path / "other")
    assert content_digest(again) == content_digest(dist)
    assert hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert parse_wheel_filename(wheel.name)[0] == name


NAMES = st.text(st.sampled_from("abcé ,'"), min_size=1, max_size=8).filter(lambda n: n.strip(" ."))


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(NAMES, st.text(max_size=20).filter(lambda t: "\r" not in t), max_size=4))
def test_digest_survives_any_content(
    tmp_path_factory: pytest.TempPathFactory, write: Any, files: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    placed = {
        f"tiny/data/{name}.txt": text.encode("utf-8", "replace").decode() for name, text in files.items()
    }
    dist = write(folder / "prefix", "tiny", files=placed)
    again = unpack(remake_wheel(dist, folder=folder), folder / "other")
    assert content_digest(again) == content_digest(dist)
    changed = write(folder / "changed", "tiny", files={**placed, "tiny/more.txt": "more"})
    assert content_digest(changed) != content_digest(dist)
