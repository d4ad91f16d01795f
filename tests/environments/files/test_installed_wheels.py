"""Which packages of a prefix are an installer's, and where they came from."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from envkit.environments.files.installed_wheels import installed_wheels
from envkit.environments.records import HostPackage, WheelPackage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.records import EnvRecord

LIBRARY = "lib/python3.11/site-packages"


def test_wheels_are_what_neither_the_base_nor_the_host_brought(
    make_record: Callable[..., EnvRecord], write: Callable[[str, str], Path], tmp_path: Path
) -> None:
    for name in ("six-1.0", "Mixed_Name-2.0", "numpy-2.0", "envkit_echo-1.0", "later-1"):
        write(f"{LIBRARY}/{name}.dist-info/METADATA", "")
    files = [f"{LIBRARY}/numpy-2.0.dist-info/METADATA", f"{LIBRARY}/six-0.9.dist-info/METADATA"]
    write("conda-meta/numpy-2.0-0.json", json.dumps({"files": files}))
    record = make_record(
        installed={"six": "1.0", "mixed-name": "2.0", "numpy": "2.0", "envkit-echo": "1.0"},
        plugins=(HostPackage(name="envkit_echo", version="1.0", digest="d"),),
    )
    assert installed_wheels(record, tmp_path) == (
        WheelPackage(name="mixed-name", version="2.0"),
        WheelPackage(name="six", version="1.0"),
    )


@pytest.mark.parametrize(
    ("origin", "url", "sha256"),
    [
        (
            {"url": "https://me:word@g.example/a", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "git+https://g.example/a@c0ffee",
            "",
        ),
        (
            {
                "url": "https://i.example/a.zip",
                "archive_info": {"hashes": {"sha256": "ab"}},
                "subdirectory": "s",
            },
            "https://i.example/a.zip#subdirectory=s",
            "ab",
        ),
        ({"url": "https://i.example/a.zip", "archive_info": {}}, "https://i.example/a.zip", ""),
        ({"url": "file:///src/a", "dir_info": {"editable": True}}, "file:///src/a", ""),
    ],
)
def test_wheel_from_an_address_keeps_it(
    make_record: Callable[..., EnvRecord],
    write: Callable[[str, str], Path],
    tmp_path: Path,
    origin: dict[str, object],
    url: str,
    sha256: str,
) -> None:
    write(f"{LIBRARY}/a-1.0.dist-info/direct_url.json", json.dumps(origin))
    (found,) = installed_wheels(make_record(installed={"a": "1.0"}), tmp_path)
    assert found == WheelPackage(name="a", version="1.0", url=url, sha256=sha256, source="direct")


def test_wheel_from_a_file_that_is_still_there_is_hashed(
    make_record: Callable[..., EnvRecord], write: Callable[[str, str], Path], tmp_path: Path
) -> None:
    file = write("a-1.0-py3-none-any.whl", "content")
    origin = {"url": file.as_uri(), "archive_info": {}}
    write(f"{LIBRARY}/a-1.0.dist-info/direct_url.json", json.dumps(origin))
    (found,) = installed_wheels(make_record(installed={"a": "1.0"}), tmp_path)
    assert found.sha256 == hashlib.sha256(b"content").hexdigest()
