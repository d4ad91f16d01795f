"""pip's configuration, with pip itself as the judge where that is slow but possible."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from required import require_dists

from envkit.api import EnvError
from envkit.pip_configuration import (
    PipConfiguration,
    configuration_files,
    read_pip_configuration,
)

# Places a file can stand in, weakest first, below a root that is the whole file system.
PLACES = {
    "global xdg": "etc/xdg/pip/pip.conf",
    "global": "etc/pip.conf",
    "user legacy": "home/.pip/pip.conf",
    "user": "home/.config/pip/pip.conf",
    "site": "prefix/pip.conf",
    "own": "own.conf",
}


def read(root: Path, *, environ: dict[str, str] | None = None, system: str = "linux") -> PipConfiguration:
    return read_pip_configuration(
        environ={"HOME": str(root / "home"), **(environ or {})},
        folder=root / "here",
        root=root,
        prefix=root / "prefix",
        system=system,
    )


def put(root: Path, place: str, text: str) -> Path:
    file = root / PLACES.get(place, place)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize("winner", range(len(PLACES)))
def test_files_later_place_wins(tmp_path: Path, winner: int) -> None:
    for place in list(PLACES)[: winner + 1]:
        put(tmp_path, place, f"[global]\nindex-url = http://{place.replace(' ', '-')}\n")
    last = list(PLACES)[winner]
    environ = {"PIP_CONFIG_FILE": str(tmp_path / PLACES["own"])} if last == "own" else {}
    found = read(tmp_path, environ=environ)
    assert found.index_url == f"http://{last.replace(' ', '-')}"
    assert str(tmp_path / PLACES[last]) in found.sources["index_url"]


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({"user": "[global]\ntimeout=5\n[install]\ntimeout=7\n"}, {}, {"timeout": 7.0}),
        ({"site": "[global]\ntimeout=5\n", "global": "[install]\ntimeout=7\n"}, {}, {"timeout": 7.0}),
        ({"user": "[install]\ntimeout=7\n"}, {"PIP_TIMEOUT": "9"}, {"timeout": 9.0}),
        ({"user": "[install]\ntimeout=7\n"}, {"PIP_DEFAULT_TIMEOUT": "9.5"}, {"timeout": 9.5}),
        ({"user": "[install]\ntimeout=7\n"}, {"PIP_TIMEOUT": ""}, {"timeout": 7.0}),
        ({"user": "[download]\ntimeout=7\n"}, {}, {"timeout": None}),
        ({"user": "[global]\nINDEX_URL=http://a\n"}, {}, {"index_url": "http://a"}),
        ({"user": "[global]\n--index-url=http://a\n"}, {}, {"index_url": "http://a"}),
        ({"user": "[global]\npypi-url=http://a\n"}, {}, {"index_url": "http://a"}),
        ({"user": "[global]\nindex-url=http://a%40b\n"}, {}, {"index_url": "http://a%40b"}),
        (
            {"user": "[global]\nextra-index-url =\n  http://a\n  http://b\n"},
            {},
            {"extra_index_urls": ("http://a", "http://b")},
        ),
        (
            {"user": "[global]\nextra-index-url = http://a\n"},
            {"PIP_EXTRA_INDEX_URL": "http://b http://c"},
            {"extra_index_urls": ("http://b", "http://c")},
        ),
        ({"user": "[global]\nno-index = yes\n"}, {"PIP_NO_INDEX": "0"}, {"no_index": False}),
        ({}, {"PIP_NO_INDEX": "True"}, {"no_index": True}),
        ({}, {"PIP_PRE": "1", "PIP_RETRIES": "2"}, {"prereleases": True, "retries": 2}),
        ({}, {"PIP_ONLY_BINARY": ":all:"}, {"only_binary": (":all:",)}),
        ({}, {"PIP_NO_BINARY": "a,b"}, {"no_binary": ("a", "b")}),
        ({}, {"PIP_TRUSTED_HOST": "a b:80"}, {"trusted_hosts": ("a", "b:80")}),
        ({}, {"PIP_PROXY": "http://u:p@h:1"}, {"proxy": "http://u:p@h:1"}),
        ({}, {"PIP_NO_CACHE_DIR": "0"}, {"no_cache": True}),
        ({}, {"PIP_UPLOADED_PRIOR_TO": "2026-01-01"}, {"exclude_newer": "2026-01-01"}),
        ({}, {"PIP_CERT": "/c.pem"}, {"cert": Path("/c.pem")}),
        ({"own": "[global]\ntimeout=1\n", "user": "[global]\nretries=1\n"}, {"PIP_CONFIG_FILE": "OWN"}, {"retries": None}),
        ({"user": "[global]\nretries=1\n"}, {"PIP_CONFIG_FILE": "/not/there"}, {"retries": 1}),
        ({"user": "[global]\nretries=1\n"}, {"PIP_CONFIG_FILE": os.devnull, "PIP_TIMEOUT": "3"}, {"retries": None, "timeout": 3}),
    ],
)  # fmt: skip
def test_values_are_read_as_pip_reads_them(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], expected: dict[str, object]
) -> None:
    for place, text in files.items():
        put(tmp_path, place, text)
    own = str(tmp_path / PLACES["own"])
    found = read(tmp_path, environ={name: own if text == "OWN" else text for name, text in environ.items()})
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("wheels", "file://{root}/here/wheels"),
        ("./a/../b", "file://{root}/here/b"),
        ("~/wheels", "file://{root}/home/wheels"),
        ("/opt/a,b", "file:///opt/a%2Cb"),
        ("file:///opt/x", "file:///opt/x"),
        ("https://u:p@host/links", "https://u:p@host/links"),
    ],
)
def test_find_links_and_folders_become_absolute_addresses(
    tmp_path: Path, written: str, expected: str
) -> None:
    found = read(tmp_path, environ={"PIP_FIND_LINKS": written, "PIP_EXTRA_INDEX_URL": written})
    assert found.find_links == (expected.format(root=tmp_path),)
    assert found.extra_index_urls == found.find_links


def test_files_on_macos_stand_in_application_support(tmp_path: Path) -> None:
    put(tmp_path, "Library/Application Support/pip/pip.conf", "[global]\nretries=1\n")
    put(tmp_path, "user", "[global]\ntimeout=1\n")
    assert (read(tmp_path, system="darwin").retries, read(tmp_path, system="darwin").timeout) == (1, 1.0)
    put(tmp_path, "home/Library/Application Support/pip/pip.conf", "[global]\nretries=2\n")
    found = read(tmp_path, system="darwin")
    assert (found.retries, found.timeout) == (2, None)  # the folder is there, so ~/.config does not count


def test_files_of_xdg_folders_count(tmp_path: Path) -> None:
    put(tmp_path, "a/pip/pip.conf", "[global]\nretries=1\ntimeout=1\n")
    put(tmp_path, "b/pip/pip.conf", "[global]\nretries=2\n")
    put(tmp_path, "c/pip/pip.conf", "[global]\npre=1\n")
    folders = {"XDG_CONFIG_DIRS": f"{tmp_path}/a:{tmp_path}/b", "XDG_CONFIG_HOME": f"{tmp_path}/c"}
    found = read(tmp_path, environ=folders)
    assert (found.retries, found.timeout, found.prereleases) == (2, 1.0, True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"index-url = http://u:secret@a\n", ":1: this line stands before any [section]"),
        (b"[global]\nretries=1\nsecret and nothing else\n", ":3: this line is neither a [section]"),
        (b"[global]\nretries=1\nretries=2\n", ":3: the key 'retries' of [global] stands twice"),
        (b"[global]\n[global]\n", ":2: the section of [global] stands twice"),
        (b"[global]\n\nindex-url = \xff\xfe\n", ":3: pip's configuration is not in"),
    ],
)
def test_file_that_cannot_be_parsed_is_named_with_line_and_without_secrets(
    tmp_path: Path, text: bytes, place: str
) -> None:
    file = put(tmp_path, "user", "")
    file.write_bytes(text)
    with pytest.raises(EnvError) as caught:
        read(tmp_path)
    assert caught.value.message.startswith(f"{file}{place}")
    assert caught.value.exit_code == 6
    assert "PIP_CONFIG_FILE=/dev/null" in str(caught.value.hint)
    assert "secret" not in f"{caught.value} {caught.value.__cause__} {caught.value.hint}"


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc/pip.conf").mkdir(parents=True)
    with pytest.raises(EnvError, match=r"etc/pip\.conf: pip's configuration cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PIP_TIMEOUT", "soon"),
        ("PIP_RETRIES", "1.5"),
        ("PIP_NO_INDEX", "perhaps"),
        ("PIP_PRE", "http://u:secret@a"),
    ],
)
def test_value_that_does_not_fit_is_named_by_its_source(tmp_path: Path, variable: str, text: str) -> None:
    with pytest.raises(EnvError, match=f"{variable} does not fit, expected") as caught:
        read(tmp_path, environ={variable: text})
    assert "secret" not in str(caught.value)


def test_configuration_repr_holds_no_secret(tmp_path: Path) -> None:
    address = "http://u:secret@h"
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_PROXY", "PIP_CONSTRAINT")
    assert "secret" not in repr(read(tmp_path, environ=dict.fromkeys(names, address)))


def pip(*arguments: str, environ: dict[str, str]) -> str:
    require_dists("programs", "pip")
    cmd = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(cmd, env=environ, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize("own", [None, "own.conf", "not-there.conf"])
def test_files_are_those_that_pip_looks_for(tmp_path: Path, own: str | None) -> None:
    environ = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": f"{tmp_path}/a:{tmp_path}/b"}
    put(tmp_path, "own", "[global]\nretries=1\n")
    if own:
        environ["PIP_CONFIG_FILE"] = str(tmp_path / own)
    said = pip("config", "debug", environ=environ)
    theirs = re.findall(r"^  (/.*), exists: ", said, re.MULTILINE)
    ours = configuration_files(environ=environ, root=Path("/"), prefix=Path(sys.prefix), system=sys.platform)
    listed = [str(file) for file in ours]
    if own:  # `pip config debug` shows the own file and, unlike `pip install`, users' files beside it
        assert set(listed) <= set(theirs)
    else:
        assert set(listed) == set(theirs)


@pytest.mark.slow
def test_values_are_those_that_pip_lists(tmp_path: Path) -> None:
    put(tmp_path, "user legacy", "[global]\nretries=1\ntimeout=2\n[install]\npre = yes\n")
    put(tmp_path, "user", "[global]\nRetries=3\nextra_index_url = http://a\n    http://b\n")
    environ = {"HOME": str(tmp_path / "home"), "PIP_PROXY": "http://h:1", "XDG_CONFIG_DIRS": str(tmp_path)}
    said = pip("config", "list", environ=environ)
    listed = dict(re.findall(r"^([\w:.-]+)='(.*)'$", said, re.MULTILINE))
    found = read_pip_configuration(environ=environ)
    retries = pip(
        "config", "get", "global.retries", environ=environ
    )  # `list` may show the overridden one, too
    assert found.retries == int(retries) == 3
    assert found.timeout == float(listed["global.timeout"]) == 2
    assert found.prereleases and listed["install.pre"] == "yes"
    assert list(found.extra_index_urls) == listed["global.extra-index-url"].replace("\\n", " ").split()
    assert found.proxy == listed[":env:.proxy"]
