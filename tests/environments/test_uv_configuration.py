"""uv's own settings files: what of them counts for an environment."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import ConfigError
from envkit.environments.uv import find_uv
from envkit.environments.uv_configuration import read_uv_configuration

if TYPE_CHECKING:
    from pathlib import Path


def write(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)


def read(environ: dict[str, str], root: Path) -> dict[str, Any]:
    return tomllib.loads(read_uv_configuration(environ, root=root))


def test_settings_that_move_an_install_are_left_out_and_sources_stay(tmp_path: Path) -> None:
    text = (
        "index = [{ name = 'own', url = 'https://own.example/simple', default = true }, { url = 'more' }]\n"
        "offline = true\noverride-dependencies = ['torch==1']\npython-downloads = 'automatic'\n"
        "[pip]\ntarget = '/elsewhere'\nprefix = '/elsewhere'\nsystem = true\nfind-links = ['wheels']\n"
    )
    found = read({"UV_CONFIG_FILE": write(tmp_path / "uv.toml", text)}, tmp_path)
    own = {"name": "own", "url": "https://own.example/simple", "default": True}
    assert found == {
        "offline": True,
        "index": [own, {"url": str(tmp_path / "more")}],
        "pip": {"find-links": [str(tmp_path / "wheels")]},
    }


def test_settings_of_the_user_go_before_those_of_the_system(tmp_path: Path) -> None:
    write(tmp_path / "home/.config/uv/uv.toml", "no-cache = true\nextra-index-url = ['https://a']\n")
    write(tmp_path / "etc/uv/uv.toml", "no-cache = false\noffline = true\nextra-index-url = ['https://b']\n")
    found = read({"HOME": str(tmp_path / "home")}, tmp_path)
    assert found == {"no-cache": True, "offline": True, "extra-index-url": ["https://a", "https://b"]}
    write(tmp_path / "etc/xdg/uv/uv.toml", "link-mode = 'copy'\n")
    assert "offline" not in read({"HOME": str(tmp_path / "home")}, tmp_path)
    write(tmp_path / "xdg/uv/uv.toml", "no-index = true\n")
    found = read({"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}, tmp_path)
    assert found == {"no-index": True, "link-mode": "copy"}


def test_settings_where_uv_is_told_to_read_none_are_none(tmp_path: Path) -> None:
    write(tmp_path / "home/.config/uv/uv.toml", "no-cache = true\n")
    assert read({"HOME": str(tmp_path / "home"), "UV_NO_CONFIG": "1"}, tmp_path) == {}
    assert read({}, tmp_path) == {}


@pytest.mark.parametrize("text", ["offline = ", "[pip\n", None])
def test_settings_that_cannot_be_read_name_the_file(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "uv.toml" if text is None else write(tmp_path / "uv.toml", text)
    with pytest.raises(ConfigError, match=r"uv\.toml: uv's settings") as caught:
        read({"UV_CONFIG_FILE": str(file)}, tmp_path)
    assert "UV_NO_CONFIG=1" in str(caught.value.hint)


def test_settings_that_are_written_are_understood_by_uv(tmp_path: Path) -> None:
    text = (
        "index = [{ name = 'own', url = 'https://own.example/simple', default = true }]\n"
        "extra-index-url = ['https://more.example']\nfind-links = ['wheels']\nno-index = false\n"
        "index-strategy = 'first-index'\nkeyring-provider = 'disabled'\nallow-insecure-host = ['h']\n"
        "system-certs = true\noffline = true\nno-cache = false\nlink-mode = 'copy'\n"
        "http-proxy = 'http://p'\nhttps-proxy = 'http://p'\nno-proxy = ['q']\n"
        "concurrent-downloads = 2\nconcurrent-builds = 1\nconcurrent-installs = 1\n"
        "exclude-newer = '2099-01-01T00:00:00Z'\nno-binary-package = ['a']\nno-build-package = ['b']\n"
        "constraint-dependencies = ['tiny<9']\nbuild-constraint-dependencies = ['tiny<9']\n"
        "[pip]\nonly-binary = ['c']\nno-binary = ['d']\n[exclude-newer-package]\ntiny = '2099-01-01'\n"
    )
    (tmp_path / "wheels").mkdir()
    written = read_uv_configuration({"UV_CONFIG_FILE": write(tmp_path / "uv.toml", text)}, root=tmp_path)
    assert tomllib.loads(written).keys() == tomllib.loads(text).keys()
    done = subprocess.run(
        [find_uv(), "pip", "check", "--python", sys.executable],
        env={"UV_CONFIG_FILE": write(tmp_path / "ours.toml", written), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Checked" in done.stderr
