from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from envkit.machine.installers import read_pip, read_uv, uv_cache_dir


def add_package(site: Path, name: str) -> None:
    info = site / f"{name}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("")


def write_configuration(home: Path, text: str) -> None:
    file = home / ".config/pip/pip.conf"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def pip_settings(root: Path, environ: dict[str, str]) -> dict[str, str]:
    pip = read_pip(environ={"HOME": str(root / "home"), **environ}, root=root, path=())
    assert pip.problem is None
    return {setting.name: setting.value for setting in pip.settings}


def test_uv_is_the_one_of_the_package(tmp_path):
    uv = read_uv(environ={"HOME": str(tmp_path)})
    assert uv.version == version("uv")
    assert uv.path is not None and Path(uv.path).is_file()
    assert uv.cache_dir == str(tmp_path / ".cache/uv")


def test_uv_that_is_not_there_leaves_its_cache(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uv", None)
    assert read_uv(environ={"UV_CACHE_DIR": str(tmp_path)}).path is None
    assert read_uv(environ={"UV_CACHE_DIR": str(tmp_path)}).cache_dir == str(tmp_path)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/h"}, "/h/.cache/uv"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/c/uv"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "c"}, "/h/.cache/uv"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/c", "UV_CACHE_DIR": "/u"}, "/u"),
    ],
)
def test_uv_cache_is_where_uv_keeps_it(environ, expected):
    assert uv_cache_dir(environ) == Path(expected)


def test_pip_version_is_of_the_first_package_on_the_way(tmp_path):
    add_package(tmp_path / "b", "pip-26.0")
    add_package(tmp_path / "b", "pip_tools-7.5")
    add_package(tmp_path / "c", "pip-20.0")
    path = [str(tmp_path / name) for name in "abc"]
    environ = {"HOME": str(tmp_path)}
    assert read_pip(environ=environ, root=tmp_path, path=path).version == "26.0"
    assert read_pip(environ=environ, root=tmp_path, path=path[:1]).version is None


def test_pip_settings_are_named_as_pip_does_with_their_source(tmp_path):
    home = tmp_path / "home"
    write_configuration(home, "[global]\nindex-url = https://index.example/simple\ntimeout = 60\n")
    pip = read_pip(environ={"HOME": str(home), "PIP_NO_INDEX": "yes"}, root=tmp_path, path=())
    assert [(each.name, each.value) for each in pip.settings] == [
        ("index-url", "https://index.example/simple"),
        ("timeout", "60"),
        ("no-index", "true"),
    ]
    assert pip.settings[0].source == f"index-url in [global] of {home}/.config/pip/pip.conf"
    assert pip.settings[2].source == "PIP_NO_INDEX"


def test_pip_settings_with_another_name_here_have_pips(tmp_path):
    environ = {
        "PIP_EXTRA_INDEX_URL": "https://a.example/ https://b.example/",
        "PIP_TRUSTED_HOST": "a.example",
        "PIP_CONSTRAINT": "/c.txt",
        "PIP_PRE": "1",
        "PIP_UPLOADED_PRIOR_TO": "2026-01-01",
        "PIP_NO_CACHE_DIR": "0",
        "PIP_CERT": "/home/me@work/ca.pem",
    }
    assert pip_settings(tmp_path, environ) == {
        "extra-index-url": "https://a.example/ https://b.example/",
        "trusted-host": "a.example",
        "constraint": "file:///c.txt",
        "pre": "true",
        "uploaded-prior-to": "2026-01-01",
        "no-cache-dir": "true",
        "cert": "/home/me@work/ca.pem",
    }


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PIP_INDEX_URL", "https://me:s3cret@index.example/simple"),
        ("PIP_INDEX_URL", "me:s3cret@index.example/simple"),
        ("PIP_INDEX_URL", "https//me:s3cret@index.example/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://a.example/ https://me:s3cret@b.example/"),
        ("PIP_FIND_LINKS", "https://b.example/?X-Amz-Signature=s3cret"),
        ("PIP_PROXY", "http://me:s3cret@proxy.example:3128"),
        ("PIP_PROXY", "me:s3cret@proxy.example:3128"),
        ("PIP_PROXY", "socks5h://me:s3cret/x@proxy.example:3128"),
        ("PIP_INDEX_URL", "https://me:abc/s3cret@a.example/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://me:s3cret 37@a.example/"),
        ("PIP_FIND_LINKS", "/srv/links https://me:s3cret 37@a.example/"),
        ("PIP_CONSTRAINT", "https://me:s3cret@b.example/c.txt"),
        ("PIP_TIMEOUT", "s3cret"),
    ],
)
def test_pip_settings_keep_no_password(tmp_path, variable, text):
    pip = read_pip(environ={"HOME": str(tmp_path), variable: text}, root=tmp_path, path=())
    assert pip.settings or pip.problem
    assert "s3cret" not in repr(pip)


@pytest.mark.parametrize(
    "text", ["index-url = https://me:s3cret@x\n", "[global]\ntimeout = soon\n", "[a]\nb\n"]
)
def test_pip_configuration_that_is_broken_is_a_problem_and_no_error(tmp_path, text):
    write_configuration(tmp_path, text)
    pip = read_pip(environ={"HOME": str(tmp_path)}, root=tmp_path, path=())
    assert pip.settings == ()
    assert "pip.conf" in (pip.problem or "")
    assert "s3cret" not in (pip.problem or "")
